import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))

/** A service as it was built, in a process of its own, and a service key with all scopes. */
export interface RunningService {
  readonly origin: string
  readonly adminKey: string
  stop(): Promise<void>
}

/**
 * Starts `connlog serve` in a temporary folder.
 * @param env settings beside the defaults, such as a DATABASE_URL
 * @throws {Error} with what it printed, if it ends instead
 */
export async function startService(env: Record<string, string> = {}): Promise<RunningService> {
  const cwd = mkdtempSync(join(tmpdir(), 'connlog-clients-'))
  const options = {
    cwd,
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', LOG_LEVEL: 'error', PORT: '0', ...env },
  }
  const child = spawn(process.execPath, [MAIN, 'serve'], { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  const killNow = () => void child.kill('SIGKILL')
  process.once('exit', killNow)
  try {
    const origin = await readOrigin(child.stdout)
    const keysCreate = [MAIN, 'keys', 'create', '--service', '--scopes', 'logs:read,logs:write,admin']
    const { stdout: adminKey } = await promisify(execFile)(process.execPath, keysCreate, options)
    return {
      origin,
      adminKey: adminKey.trim(),
      stop: async () => {
        const exit = once(child, 'exit')
        child.kill('SIGTERM')
        await exit
        process.off('exit', killNow)
        rmSync(cwd, { recursive: true, force: true })
      },
    }
  } catch (error) {
    killNow()
    throw error
  }
}

async function readOrigin(stdout: NodeJS.ReadableStream): Promise<string> {
  const lines: string[] = []
  for await (const line of createInterface(stdout)) {
    lines.push(line)
    const origin = /listens on (http:\S+)/.exec(line)?.[1]
    if (origin !== undefined) return origin
  }
  throw new Error(`connlog serve ended:\n${lines.join('\n')}`)
}
