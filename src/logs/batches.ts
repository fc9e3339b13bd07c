import type { Clock } from '../kernel/clock.ts'

const FIRST = 50
const LEAST = 5
const MOST = 2_000

/** Longest pause after a batch, in milliseconds. */
const LONGEST_PAUSE_MS = 100

export interface BatchOptions {
  readonly clock: Clock
  /** How long a batch should take, in milliseconds. */
  readonly batchMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Repeats `work`, which takes at most so many rows and tells how many there were, until there are fewer than it might
 * have taken or it says with `undefined` that somebody else is at it. Batches grow and shrink until they last about
 * `batchMs`; after each, others have as long for themselves.
 * @returns how many rows there were in all, and whether the work was left to somebody else
 */
export async function inBatches(
  work: (limit: number) => Promise<number | undefined>,
  { clock, batchMs, signal }: BatchOptions,
): Promise<{ rows: number; isElsewhere: boolean }> {
  let rows = 0
  let limit = FIRST
  for (;;) {
    const startMs = clock.steadyMs()
    const taken = await work(limit)
    if (taken === undefined) return { rows, isElsewhere: true }
    rows += taken
    if (taken < limit || signal?.aborted) return { rows, isElsewhere: false }
    const tookMs = clock.steadyMs() - startMs
    limit = nextLimit(limit, tookMs, batchMs)
    await clock.sleep(Math.min(tookMs, LONGEST_PAUSE_MS), signal)
  }
}

/** At most twice and at least half as many as before, so that one odd batch changes little. */
function nextLimit(limit: number, tookMs: number, batchMs: number): number {
  const factor = Math.min(2, Math.max(0.5, batchMs / Math.max(tookMs, 0.001)))
  return Math.min(MOST, Math.max(LEAST, Math.round(limit * factor)))
}
