import type { Clock } from './clock.ts'

/**
 * Call it before each part of a long piece of work. It resolves at once while the current turn of the event loop is short,
 * and otherwise in a later turn, after other work that is due. All long work of a process shares one, so that their sum is
 * bounded and not each of them: a turn lasts at most {@link TURN_MS} and one part.
 */
export type YieldIfLong = () => Promise<void>

/** For work that is known to be short. */
export const NEVER_YIELDS: YieldIfLong = async () => undefined

/** How long work that yields may keep a turn, in milliseconds. */
export const TURN_MS = 10

/** For how long long work waits while connections are accepted, in milliseconds: so a flood of them gets half the time. */
const MAX_WAIT_FOR_CONNECTIONS_MS = TURN_MS

/** The long work of a process, and the connections that it lets in first. */
export interface LongWork {
  readonly yieldIfLong: YieldIfLong
  /**
   * Call it for each connection that is accepted. libuv accepts one in each turn of the event loop, so a hundred that
   * come at the same moment would wait for a hundred turns of long work, and a health check behind them for as long:
   * https://github.com/libuv/libuv/pull/3696
   */
  noteConnection(): void
  /** How long the part that is next has waited, in milliseconds: about what a request waits that comes now. */
  waitMs(): number
}

export function createLongWork({ steadyMs, sleep }: Pick<Clock, 'steadyMs' | 'sleep'>): LongWork {
  const waiting: { readonly start: () => void; readonly sinceMs: number }[] = []
  let isGranting = false
  let endsAtMs: number | undefined
  let nextTurn: Promise<void> = Promise.resolve()
  let hasConnection = false

  function begin(): number {
    nextTurn = turn().then(() => {
      endsAtMs = undefined
    })
    endsAtMs = steadyMs() + TURN_MS
    return endsAtMs
  }

  async function turn(): Promise<void> {
    hasConnection = false
    await sleep(0)
    const endMs = steadyMs() + MAX_WAIT_FOR_CONNECTIONS_MS
    while (hasConnection && steadyMs() < endMs) {
      hasConnection = false
      await sleep(0)
    }
  }

  /** One after another: of a thousand that ask at the same moment, all would find the turn short. */
  async function grant(): Promise<void> {
    isGranting = true
    for (let next = waiting[0]; next; next = waiting[0]) {
      while (steadyMs() >= (endsAtMs ?? begin())) await nextTurn
      waiting.shift()
      next.start()
      // Its part is done before this goes on.
      await Promise.resolve()
    }
    isGranting = false
  }

  return {
    yieldIfLong: () =>
      new Promise((resolve) => {
        waiting.push({ start: resolve, sinceMs: steadyMs() })
        if (!isGranting) void grant()
      }),
    noteConnection: () => void (hasConnection = true),
    waitMs: () => (waiting[0] ? steadyMs() - waiting[0].sinceMs : 0),
  }
}
