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

export function createYieldIfLong({ steadyMs, sleep }: Pick<Clock, 'steadyMs' | 'sleep'>): YieldIfLong {
  const waiting: (() => void)[] = []
  let isGranting = false
  let endsAtMs: number | undefined
  let nextTurn: Promise<void> = Promise.resolve()

  function begin(): number {
    nextTurn = sleep(0).then(() => {
      endsAtMs = undefined
    })
    endsAtMs = steadyMs() + TURN_MS
    return endsAtMs
  }

  /** One after another: of a thousand that ask at the same moment, all would find the turn short. */
  async function grant(): Promise<void> {
    isGranting = true
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      while (steadyMs() >= (endsAtMs ?? begin())) await nextTurn
      next()
      // Its part is done before this goes on.
      await Promise.resolve()
    }
    isGranting = false
  }

  return () =>
    new Promise((resolve) => {
      waiting.push(resolve)
      if (!isGranting) void grant()
    })
}
