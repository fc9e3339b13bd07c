import { expect } from 'vitest'
import { type TailOptions, tail } from '../../src/cli/tail/tail.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { briskClock } from './brisk-clock.ts'
import { createTestTerminal } from './terminal.ts'

/** `connlog tail` in this process. */
export interface Tailing {
  readonly printed: { readonly stdout: string; readonly stderr: string }
  /** What it printed as JSON, once there is so much of it. */
  logs(count: number): Promise<Record<string, unknown>[]>
  /** Resolves as soon as it has said this on standard error. */
  said(pattern: RegExp): Promise<void>
  /** Asks it to stop. @returns its exit code */
  stop(): Promise<number>
  /** Its exit code, or the sentence that it ended with. */
  readonly ended: Promise<number | string>
}

export interface TailTerminal {
  readonly isTTY?: boolean
  readonly columns?: number
}

export function startTail(
  options: TailOptions,
  env: Record<string, string> = {},
  { isTTY = false, columns }: TailTerminal = {},
): Tailing {
  const terminal = createTestTerminal(env, { isTTY })
  if (columns !== undefined) Object.assign(terminal.stdout, { columns })
  const { printed } = terminal
  let isOver = false
  const ended = tail(terminal, options, { clock: briskClock, fetch, random: Math.random })
    .catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    .finally(() => (isOver = true))
  const until = async (done: () => boolean) => {
    while (!done()) {
      if (isOver && !done()) throw new Error(`It ended: ${await ended}\n${printed.stderr}${printed.stdout}`)
      await systemClock.sleep(5)
    }
  }
  const lines = () => printed.stdout.split('\n').slice(0, -1)
  return {
    printed,
    ended,
    logs: async (count) => {
      await until(() => lines().length >= count)
      return lines().map((line) => JSON.parse(line) as Record<string, unknown>)
    },
    said: (pattern) => until(() => pattern.test(printed.stderr)),
    stop: async () => {
      terminal.interrupt()
      const code = await ended
      // What was written last is read in the next turn.
      await systemClock.sleep(0)
      expect(code).toBeTypeOf('number')
      return code as number
    },
  }
}
