import { expect } from 'vitest'
import { type TailOptions, tail } from '../../src/cli/tail/tail.ts'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type TestApp, keep, startTestApp } from './app.ts'
import { briskClock } from './brisk-clock.ts'
import type { Provider } from './databases.ts'
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

const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }

/** Records logs. @returns their ids */
export async function record(app: TestApp, ...values: object[]): Promise<string[]> {
  const sent = values.map((value) => ({ value: { ...EVENT, ...value }, at: '' }))
  return (await app.connectionLogs.record(sent)).map(({ log }) => log.id)
}

/** A service on a socket, and a key that reads all of it. */
export async function startTailedService(provider: Provider) {
  const app = keep(await startTestApp(provider, { env: { STREAM_HEARTBEAT_SECONDS: '1' } }))
  const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
  return {
    app,
    server,
    key: await app.key(null, ['logs:read']),
    stop: async () => {
      app.endStreams()
      await server.stop()
      await app.stop()
    },
  }
}
