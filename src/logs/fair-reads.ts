import { LRUCache } from 'lru-cache'
import type { Queryable } from '../database/port.ts'
import { type FairSemaphore, createFairSemaphore } from '../kernel/fair-semaphore.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Read } from './query.ts'

/** Rows with more characters than this are large: to take them from the database keeps the event loop for milliseconds. */
const LARGE_LENGTH = 262_144

/** How long the next large read waits, as a multiple of the time that the last one took. */
const PAUSE_RATIO = 2

/** Users of whom it is known whether their rows are large. */
const MAX_USERS = 10_000

/**
 * Reads of one holder: each statement takes a place of the holder's share, waits for it no longer than the caller waits,
 * and ends with the caller where the database can end it. Without a holder, statements run at once.
 *
 * Holders whose last rows were large read one after another. Several large results would arrive in one turn of the event
 * loop, and the process would not read them sooner.
 */
export function createFairReads(
  database: Pick<Queryable, 'query'>,
  shares: FairSemaphore,
  clock: Clock,
): (holder: string | null, signal?: () => AbortSignal) => Read {
  const large = new LRUCache<string, true>({ max: MAX_USERS })
  const oneAtATime = createFairSemaphore({ places: 1, sharePercent: 100 })

  /** Lets the next one read after a pause. */
  const runWithPause = <T>(
    holder: string,
    run: () => Promise<T>,
    ends: AbortSignal | undefined,
  ): Promise<T> =>
    new Promise((resolve, reject) => {
      const work = async () => {
        const startMs = clock.steadyMs()
        const rows = await run()
        resolve(rows)
        if (large.has(holder)) await clock.sleep((clock.steadyMs() - startMs) * PAUSE_RATIO)
      }
      oneAtATime.run(holder, work, ends).catch(reject)
    })

  return (holder, signal) => async (statement) => {
    const ends = signal?.()
    const run = () => database.query<never>(statement, ends)
    if (holder === null) return run()
    const runAndLearn = async () => {
      const rows = await run()
      if (lengthOf(rows) > LARGE_LENGTH) large.set(holder, true)
      else large.delete(holder)
      return rows
    }
    const runInShare = () => shares.run(holder, runAndLearn, ends)
    if (large.has(holder)) return runWithPause(holder, runInShare, ends)
    // It may become known only while this one waits for its place.
    const early = await shares.run(holder, async () => (large.has(holder) ? undefined : runAndLearn()), ends)
    return early ?? runWithPause(holder, runInShare, ends)
  }
}

function lengthOf(rows: readonly object[]): number {
  let length = 0
  for (const row of rows)
    for (const value of Object.values(row)) if (typeof value === 'string') length += value.length
  return length
}
