import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { run } from '../../src/cli/run.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { CALM } from './calm.ts'
import { createTestTerminal } from './terminal.ts'

/** `connlog` as it was built here, or the build that is compared with it. */
export const MAIN =
  process.env['CONNLOG_PROGRAM'] ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface Finished {
  /** As a shell has it: of what a signal has ended, 128 and the number of that. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Command {
  readonly pid: number | undefined
  /** Resolves with what was printed so far as soon as that matches. */
  printed(pattern: RegExp): Promise<string>
  /** Writes to its standard input, where that was left open. */
  send(text: string): void
  kill(signal: NodeJS.Signals): void
  readonly finished: Promise<Finished>
}

/** Prisma's WebAssembly is not compiled a second time, and better: that takes a third of a second of a core. */
const SHORT_LIVED = ['--liftoff-only']

/**
 * Runs `connlog` as it was built, with {@link CALM} and these settings only.
 * @param input all of its standard input; null leaves that open
 */
export const startCommand = (
  args: readonly string[],
  env: Record<string, string>,
  input: string | null = '',
): Command => startNode([...SHORT_LIVED, MAIN, ...args], { ...CALM, ...env }, input)

/** Runs a script with Node. */
export function startNode(
  args: readonly string[],
  env: Record<string, string>,
  input: string | null = '',
): Command {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, args, { env: { PATH, ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
  child.stdin.on('error', () => undefined)
  if (input !== null) child.stdin.end(input)
  const finished = once(child, 'close').then(([code, signal]: (number | string | null)[]) => ({
    code: code === null ? 128 + constants.signals[signal as NodeJS.Signals] : Number(code),
    stdout,
    stderr,
  }))
  return {
    pid: child.pid,
    finished,
    send: (text) => void child.stdin.write(text),
    kill: (signal) => void child.kill(signal),
    printed: async (pattern) => {
      while (!pattern.test(stdout)) {
        const more = await Promise.race([once(child.stdout, 'data'), finished.then(() => undefined)])
        if (more === undefined && !pattern.test(stdout))
          throw new Error(`It ended without ${pattern.source}:\n${stdout}${stderr}`)
      }
      return stdout
    },
  }
}

/** As {@link startCommand}, from beginning to end. */
export const runProcess = (
  args: readonly string[],
  env: Record<string, string>,
  input = '',
): Promise<Finished> => startCommand(args, env, input).finished

/** Runs a command in this process, which takes a fraction of the time; what it logs about itself is not kept. */
export async function runCommand(
  args: readonly string[],
  env: Record<string, string>,
  input = '',
): Promise<Finished> {
  const terminal = createTestTerminal(env)
  terminal.stdin.end(input)
  const code = await run(args, terminal)
  // What was written last is read in the next turn.
  await systemClock.sleep(0)
  return { code, ...terminal.printed }
}
