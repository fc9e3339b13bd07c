import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../..')

/** How long a service may take to say where it listens, in milliseconds: a broken one shall not be waited for for ever. */
const PATIENCE_MS = 60_000

/** What a command printed, run in this folder with nothing of our own environment but where programs and the home are. */
export function output(folder: string, env: Record<string, string>, file: string, ...args: string[]): string {
  const { PATH = '', HOME = '' } = process.env
  return execFileSync(file, args, {
    cwd: folder,
    env: { PATH, HOME, ...env },
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

/** Packs the repository and installs that in a new folder, as a user would. */
export function installPacked(): { readonly folder: string; readonly tarball: string } {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-installed-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  output(ROOT, {}, 'npm', 'pack', '--silent', '--pack-destination', folder)
  const text = readFileSync(join(ROOT, 'package.json'), 'utf8')
  const tarball = `connlog-${(JSON.parse(text) as { version: string }).version}.tgz`
  output(folder, {}, 'npm', 'install', '--silent', '--ignore-scripts', `./${tarball}`)
  return { folder, tarball }
}

export interface Running {
  readonly url: string
  /** All that it has printed so far. */
  printed(): string
  stop(): Promise<void>
}

/** Starts a program that says where it listens, in a group of its own. */
export async function run(
  folder: string,
  env: Record<string, string>,
  file: string,
  ...args: string[]
): Promise<Running> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(file, args, { cwd: folder, env: { PATH, HOME, ...env }, detached: true })
  const exited = once(child, 'exit')
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => void (printed += text))
  const stop = async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    await exited
  }
  const patience = AbortSignal.timeout(PATIENCE_MS)
  try {
    for (;;) {
      const url = /http:\/\/[\d.]+:\d+/.exec(printed)?.[0]
      if (url !== undefined) return { url, printed: () => printed, stop }
      if (child.exitCode !== null) throw new Error(`It ended:\n${printed}`)
      const { signal } = { signal: patience }
      await Promise.race([
        once(child.stdout, 'data', { signal }),
        once(child.stderr, 'data', { signal }),
        once(child, 'exit', { signal }),
      ])
    }
  } catch (error) {
    await stop()
    throw new Error(`It did not say where it listens:\n${printed}`, { cause: error })
  }
}

/** `npx connlog serve` of what is installed there. */
export const serveIn = (folder: string, env: Record<string, string>): Promise<Running> =>
  run(folder, env, 'npx', 'connlog', 'serve')
