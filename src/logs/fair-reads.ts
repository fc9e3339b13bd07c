import { LRUCache } from 'lru-cache'
import type { Queryable } from '../database/port.ts'
import { type FairSemaphore, createFairSemaphore } from '../kernel/fair-semaphore.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Read } from './query.ts'

/** Rows with more characters than this are large: to take them from the database keeps the event loop for milliseconds. */
const LARGE_LENGTH = 262_144

/** How long the next large read of a user waits: a multiple of the time that the last one took, up to a limit. */
const PAUSE_RATIO = 2
const MAX_PAUSE_MS = 250

/** Users of whom it is known that their rows are large. */
const MAX_USERS = 10_000

/**
 * Reads of one holder: each statement takes a place of the holder's share, waits for it no longer than the caller waits,
 * and ends with the caller where the database can end it. Without a holder, statements run at once.
 *
 * A holder whose last rows were large reads one page at a time, with pauses. Several large results would arrive in one turn
 * of the event loop. Holders do not wait for each other here.
 */
export function createFairReads(
  database: Pick<Queryable, 'query'>,
  shares: FairSemaphore,
  clock: Clock,
): (holder: string | null, signal?: () => AbortSignal) => Read {
  /** The queues of holders whose last rows were large. */
  const large = new LRUCache<string, FairSemaphore>({ max: MAX_USERS })

  function learn(holder: string, rows: readonly object[]): void {
    if (lengthOf(rows) <= LARGE_LENGTH) large.delete(holder)
    else if (!large.has(holder)) large.set(holder, createFairSemaphore({ places: 1, sharePercent: 100 }))
  }

  return (holder, signal) => async (statement) => {
    const ends = signal?.()
    if (holder === null) return database.query<never>(statement, ends)
    const run = async () => {
      const rows = await database.query<never>(statement, ends)
      learn(holder, rows)
      return rows
    }
    const runInQueue = (queue: FairSemaphore): Promise<never[]> =>
      new Promise((resolve, reject) => {
        const work = async () => {
          const startMs = clock.steadyMs()
          resolve(await shares.run(holder, run, ends))
          const tookMs = clock.steadyMs() - startMs
          if (large.has(holder)) await clock.sleep(Math.min(tookMs * PAUSE_RATIO, MAX_PAUSE_MS))
        }
        queue.run(holder, work, ends).catch(reject)
      })
    const queue = large.get(holder)
    if (queue) return runInQueue(queue)
    // Others of the holder may turn out to be large while this one waits for its place.
    const early = await shares.run(holder, async () => (large.has(holder) ? undefined : run()), ends)
    if (early) return early
    const begun = large.get(holder)
    return begun ? runInQueue(begun) : shares.run(holder, run, ends)
  }
}

function lengthOf(rows: readonly object[]): number {
  let length = 0
  for (const row of rows)
    for (const value of Object.values(row)) if (typeof value === 'string') length += value.length
  return length
}
