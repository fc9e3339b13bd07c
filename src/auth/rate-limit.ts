import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Clock } from '../kernel/clock.ts'

/** What is left of a key's allowance for this minute. */
export interface RateLimit {
  /** Requests a minute. */
  readonly limit: number
  readonly remaining: number
  /** When the allowance is whole again, in milliseconds since the epoch. */
  readonly resetAt: number
  readonly spent: boolean
}

export interface RateLimiter {
  /** Takes one request off the key's allowance; null where there is no limit. */
  take(keyId: string): Promise<RateLimit | null>
}

/** Counts requests a key and minute in this process. @param perMinute 0 = no limit */
export function createRateLimiter(perMinute: number, clock: Clock): RateLimiter {
  if (perMinute === 0) return { take: async () => null }
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 })
  return {
    take: async (keyId) => {
      const taken = await limiter.consume(keyId).catch((refused: unknown) => {
        if (refused instanceof RateLimiterRes) return refused
        throw refused
      })
      return {
        limit: perMinute,
        remaining: Math.max(0, taken.remainingPoints),
        resetAt: clock.now() + taken.msBeforeNext,
        spent: taken.consumedPoints > perMinute,
      }
    },
  }
}
