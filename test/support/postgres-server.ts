import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/kernel/clock.ts'
import {
  freePort,
  initialise,
  makeServerFolder,
  startServer,
  stopServer,
  superuserUrl,
} from './postgres-process.mjs'
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
  const root = await makeServerFolder([SCRATCH, '/tmp', '/var/tmp'])
  const data = join(root, 'data')
  const port = await freePort()
  await initialise(data, ['--encoding=UTF8', '--locale=C', '--no-sync'])
  const start = () => startServer(data, port, ['-c', 'max_connections=200', ...flags])
  let starting = start()
  let isStopped = false
  const killNow = () => killServer(data)
  process.once('exit', killNow)
  await starting
  return {
    url: superuserUrl(port),
    start: async () => {
      if (isStopped) throw new Error('This Postgres has been stopped for good.')
      starting = start()
      await starting
    },
    kill: async () => {
      for (const pid of killNow()) while (isAlive(pid)) await systemClock.sleep(2)
    },
    stop: async () => {
      if (isStopped) return
      isStopped = true
      const server = await starting
      // Only a server that shuts down gives its shared memory back.
      await stopServer(server.signalCode === 'SIGKILL' ? await start() : server)
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
