import type { Readable, Writable } from 'node:stream'
import { visibleLine } from '../kernel/visible.ts'

/** All that a command may touch of the process. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  /** Aborted when the process is asked to stop. */
  readonly stop: AbortSignal
}

/** A failure that is told to the person at the terminal in one sentence, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Prints a line for people. What tenants and other services sent cannot move the cursor or begin another line. */
export const print = ({ stdout }: Terminal, line: string): void => void stdout.write(`${visibleLine(line)}\n`)

/** Prints a line for programs, exactly as it is. */
export const printExact = ({ stdout }: Terminal, line: string): void => void stdout.write(`${line}\n`)

/** What there is to say besides what was asked for. */
export const say = ({ stderr }: Pick<Terminal, 'stderr'>, line: string): void =>
  void stderr.write(`${visibleLine(line)}\n`)

/** Numbers as people read them: 12,345. */
export const count = (value: number): string => value.toLocaleString('en-US')
