import type { Clock } from '../kernel/clock.ts'

const FIRST = 40
const LEAST = 20
const MOST = 2_000

/** Longest pause after a batch, in milliseconds. */
const LONGEST_PAUSE_MS = 100

export interface BatchOptions {
  readonly clock: Clock
  /** How long the statements of a batch should take, in milliseconds. */
  readonly batchMs: number
  readonly signal?: AbortSignal | undefined
}

export interface Batch {
  readonly rows: number
  /** How long its statements took, in milliseconds; without the commit, which no smaller batch makes shorter. */
  readonly tookMs: number
}

/**
 * Repeats `work`, which takes at most so many rows and tells how many there were, until there are fewer than it might
 * have taken or it says with `undefined` that somebody else is at it. Batches grow and shrink until they last about
 * `batchMs`; after each, others have for themselves as long as it took in all.
 * @returns how many rows there were in all, and whether the work was left to somebody else
 */
export async function inBatches(
  work: (limit: number) => Promise<Batch | undefined>,
  { clock, batchMs, signal }: BatchOptions,
): Promise<{ rows: number; isElsewhere: boolean }> {
  let rows = 0
  let limit = FIRST
  for (;;) {
    const startMs = clock.steadyMs()
    const batch = await work(limit)
    if (batch === undefined) return { rows, isElsewhere: true }
    rows += batch.rows
    if (batch.rows < limit || signal?.aborted) return { rows, isElsewhere: false }
    limit = nextLimit(limit, batch.tookMs, batchMs)
    await clock.sleep(Math.min(clock.steadyMs() - startMs, LONGEST_PAUSE_MS), signal)
  }
}

/** Grows slowly, lest a few cheap batches lead to a long one, and shrinks at once. */
function nextLimit(limit: number, tookMs: number, batchMs: number): number {
  const factor = Math.min(1.25, batchMs / Math.max(tookMs, 0.001))
  return Math.min(MOST, Math.max(LEAST, Math.round(limit * factor)))
}
