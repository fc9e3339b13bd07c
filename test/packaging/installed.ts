import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'

export const ROOT = resolve(import.meta.dirname, '../..')

/** How long a service may take to say where it listens, in milliseconds: a broken one shall not be waited for for ever. */
const PATIENCE_MS = 60_000

/** How long a program may take to end once it was told to: connlog gives what is under way 10 seconds. */
const STOP_PATIENCE_MS = 30_000

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

/** How a command ended that may fail, and all that it printed. */
export function outcome(
  folder: string,
  file: string,
  ...args: string[]
): { readonly code: number | null; readonly text: string } {
  const { PATH = '', HOME = '' } = process.env
  const { status, stdout, stderr } = spawnSync(file, args, {
    cwd: folder,
    env: { PATH, HOME },
    encoding: 'utf8',
  })
  return { code: status, text: stdout + stderr }
}

/** Installs what was packed in a new folder, as a user would. @returns the folder */
export function install(tarball: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-installed-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  output(folder, {}, 'npm', 'install', '--silent', '--ignore-scripts', tarball)
  return folder
}

export interface Running {
  readonly url: string
  /** All that it has printed so far. */
  printed(): string
  /**
   * Tells it to end, and waits until it and what it has started have.
   * @throws {Error} with what it printed, where that takes longer than `patienceMs`; then all of it is killed
   */
  stop(patienceMs?: number): Promise<void>
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
  // Not `exit`, which npx may do before what it runs: this comes when nobody can print any more.
  let hasEnded = false
  const ended = once(child, 'close').then(() => void (hasEnded = true))
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => void (printed += text))
  const tell = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined && !hasEnded) process.kill(-child.pid, signal)
    } catch (error) {
      // It is just ending.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  const stop = async (patienceMs = STOP_PATIENCE_MS) => {
    tell('SIGTERM')
    await Promise.race([ended, setTimeout(patienceMs, undefined, { ref: false })])
    if (hasEnded) return
    tell('SIGKILL')
    await ended
    throw new Error(`It did not end within ${patienceMs} ms of SIGTERM:\n${printed}`)
  }
  const patience = AbortSignal.timeout(PATIENCE_MS)
  try {
    for (;;) {
      const url = /http:\/\/[\d.]+:\d+/.exec(printed)?.[0]
      if (url !== undefined) return { url, printed: () => printed, stop }
      if (hasEnded) throw new Error(`It ended:\n${printed}`)
      await Promise.race([
        once(child.stdout, 'data', { signal: patience }),
        once(child.stderr, 'data', { signal: patience }),
        ended,
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
