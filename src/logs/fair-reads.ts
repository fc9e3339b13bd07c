import type { Queryable } from '../database/port.ts'
import type { FairSemaphore } from '../kernel/fair-semaphore.ts'
import type { Read } from './query.ts'

/**
 * Reads of one holder: each statement takes a place of the holder's share, waits for it no longer than the caller waits,
 * and ends with the caller where the database can end it. Without a holder, statements run at once.
 */
export const fairRead =
  (
    { query }: Pick<Queryable, 'query'>,
    shares: FairSemaphore,
    holder: string | null,
    signal?: () => AbortSignal,
  ): Read =>
  (statement) => {
    const ends = signal?.()
    const run = () => query<never>(statement, ends)
    return holder === null ? run() : shares.run(holder, run, ends)
  }
