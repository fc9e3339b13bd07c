import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import {
  freePort,
  initialise,
  startServer,
  stopServer,
  superuserUrl,
} from '../../test/support/postgres-process.mjs'
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
    // The peers, and the statements of the bench itself, name no schema: they find connlog's tables by this.
    search_path: 'connlog, public',
  }
}

/**
 * Starts a Postgres of our own, on loopback and on a free port.
 * @param {string} folder where its data live; used again if a server has run there before
 * @param {(stop: () => Promise<void>) => void} onStop receives the function that stops it, before it is started
 */
export async function startPostgres(folder, onStop) {
  mkdirSync(folder, { recursive: true })
  // Root runs the server as another user, who has to be able to enter the folder.
  chmodSync(folder, 0o755)
  const data = join(folder, 'data')
  const port = await freePort()
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(data, ['--encoding=UTF8', '--locale=C'])
  const flags = Object.entries(postgresSettings()).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const starting = startServer(data, port, flags)
  onStop(async () => {
    const server = await starting.catch(() => undefined)
    if (server) await stopServer(server)
  })
  const { pid } = await starting
  return {
    url: superuserUrl(port),
    /** CPU time of all its processes so far. Backends that have ended count too: the postmaster has reaped them. */
    cpuMs: () => cpuMs(pid),
  }
}
