import { PassThrough } from 'node:stream'
import type { Terminal } from '../../src/cli/terminal.ts'

export interface TestTerminal extends Terminal {
  readonly stdin: PassThrough
  /** What was written so far. */
  readonly printed: { stdout: string; stderr: string }
  /** Asks the command to stop, as a first signal does. */
  interrupt(): void
}

/** A terminal whose both ends a test holds. */
export function createTestTerminal(env: Record<string, string>, { isTTY = false } = {}): TestTerminal {
  const printed = { stdout: '', stderr: '' }
  const output = (name: 'stdout' | 'stderr') => {
    const stream = new PassThrough().on('data', (chunk: Buffer) => void (printed[name] += chunk.toString()))
    return Object.assign(stream, { isTTY })
  }
  const stop = new AbortController()
  return {
    env: { LOG_LEVEL: 'silent', ...env },
    stdin: new PassThrough(),
    stdout: output('stdout'),
    stderr: output('stderr'),
    stop: stop.signal,
    printed,
    interrupt: () => stop.abort(),
  }
}
