import { LRUCache } from 'lru-cache'
import { type Clock, MINUTE_MS } from '../kernel/clock.ts'

/**
 * One token, in the unit in which buckets count. A bucket of n tokens a minute gains n of these in each millisecond, so
 * that all sums are of whole numbers and none is rounded.
 */
export const TOKEN = MINUTE_MS

/** A bucket is refilled when it is looked at: no timer runs. */
interface Bucket {
  /** What is missing from a full bucket, in units of which {@link TOKEN} make one token. */
  owed: number
  /** When that was so, in whole milliseconds of the steady clock. */
  at: number
}

/** Buckets of tokens by id, each as large as what flows into it in a minute. */
export interface TokenBuckets {
  /**
   * Takes so many tokens if they are there, and none otherwise. More than a full bucket holds are never asked for.
   * @returns after how many milliseconds they will be there; 0 where they were taken
   */
  take(id: string, tokens: number): number
  /** Takes tokens whether they are there or not; a bucket never owes more than two further minutes' worth. */
  charge(id: string, tokens: number): void
  /** Puts back what was taken. */
  giveBack(id: string, tokens: number): void
  /** Others have taken of it too: at least so much is missing, in units of a token's {@link TOKEN}th part. */
  settle(id: string, owed: number): void
  /** After how many milliseconds so many tokens will be there. */
  waitMs(id: string, tokens: number): number
  /** How many whole tokens are there. */
  remaining(id: string): number
  /** After how many milliseconds it is full again. */
  fullInMs(id: string): number
  /** How many buckets are remembered. */
  size(): number
}

/**
 * What is remembered. Beyond that many within a minute, the one that was left alone the longest is forgotten: it has had
 * the most time to fill up, and once that is a minute it loses nothing.
 */
const REMEMBERED = 50_000

/** The largest debt: a full bucket and two minutes' worth. */
export const MOST_OWED_MINUTES = 3

/** @param perMinute tokens a minute, and the tokens of a full bucket: from 1 to 1,000,000 */
export function createTokenBuckets({
  perMinute,
  clock,
  max = REMEMBERED,
}: {
  perMinute: number
  clock: Pick<Clock, 'steadyMs'>
  max?: number
}): TokenBuckets {
  const capacity = perMinute * TOKEN
  const most = MOST_OWED_MINUTES * capacity
  const buckets = new LRUCache<string, Bucket>({ max })

  /** The bucket as it is now. */
  function refilled(id: string): Bucket {
    const now = Math.floor(clock.steadyMs())
    const known = buckets.get(id)
    if (!known) {
      const full = { owed: 0, at: now }
      buckets.set(id, full)
      return full
    }
    known.owed = Math.max(0, known.owed - (now - known.at) * perMinute)
    known.at = now
    return known
  }

  /** Changes what is owed, and leaves a bucket that is full again where it is: deleting the last one clears the cache. */
  function owe(bucket: Bucket, owed: number): void {
    // A bucket about which nothing is known gives nothing.
    bucket.owed = Number.isNaN(owed) ? most : Math.min(Math.max(0, owed), most)
  }

  const waitMs = ({ owed }: Bucket, tokens: number) =>
    Math.max(0, Math.ceil((owed + Math.min(tokens * TOKEN, capacity) - capacity) / perMinute))

  return {
    take: (id, tokens) => {
      const bucket = refilled(id)
      const owed = bucket.owed + Math.min(tokens * TOKEN, capacity)
      if (owed > capacity) return waitMs(bucket, tokens)
      owe(bucket, owed)
      return 0
    },
    charge: (id, tokens) => {
      const bucket = refilled(id)
      owe(bucket, bucket.owed + tokens * TOKEN)
    },
    giveBack: (id, tokens) => {
      const bucket = refilled(id)
      owe(bucket, bucket.owed - tokens * TOKEN)
    },
    settle: (id, owed) => {
      const bucket = refilled(id)
      owe(bucket, Math.max(bucket.owed, owed))
    },
    waitMs: (id, tokens) => waitMs(refilled(id), tokens),
    remaining: (id) => Math.max(0, Math.floor((capacity - refilled(id).owed) / TOKEN)),
    fullInMs: (id) => Math.ceil(refilled(id).owed / perMinute),
    size: () => buckets.size,
  }
}
