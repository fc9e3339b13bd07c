import type { SharedAllowances } from '../database/port.ts'
import { type Clock, MINUTE_MS, SECOND_MS } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { createSharing } from './shared-spending.ts'
import { createTokenBuckets } from './token-buckets.ts'

/** What is left of a key's allowance. */
export interface RateLimit {
  /** Requests a minute, and requests that may come at once. */
  readonly limit: number
  /** Requests that may come now. */
  readonly remaining: number
  /** When the allowance is whole again if nothing is spent meanwhile, in milliseconds since the epoch. */
  readonly resetAt: number
  /** After how many milliseconds a request that was refused will pass; 0 for one that was let through. */
  readonly retryAfterMs: number
}

/**
 * The allowances of keys: a bucket of tokens each, as large as the limit, refilled evenly. An ordinary request takes one
 * token. Every method answers null where there is no limit.
 */
export interface RateLimiter {
  /** Takes a token for a request, before anything is done for it. */
  take(keyId: string): Promise<RateLimit | null>
  /**
   * Takes more for a request that turns out to be heavy, before it is done. If so much is not there, it takes nothing
   * more, and the first token stays spent: reading and pricing the request was work.
   */
  takeMore(keyId: string, tokens: number): RateLimit | null
  /** Takes what a request has come to while it was done, down to a debt of two minutes' worth. */
  charge(keyId: string, tokens: number): RateLimit | null
  /** After how many milliseconds the key owes no more than a minute's worth; 0 if it does not. Until then its streams pause. */
  pauseMs(keyId: string): number
}

/** The rate limit as one request spends it. */
export interface Spending {
  /** Takes tokens, or parts of tokens, for what the request turns out to ask. */
  charge(tokens: number): void
  /** As {@link RateLimiter.pauseMs} of the key. */
  pauseMs(): number
  /** What the operation of the request costs, in points; 0 where it has none. */
  points(): number
}

export interface RateLimiterOptions {
  /** 0 = no limit. */
  readonly perMinute: number
  readonly clock: Clock
  /** Where processes share a database that keeps what they spend. Each counts for itself if absent. */
  readonly allowances: SharedAllowances | undefined
  readonly logger: Logger
}

export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { perMinute, clock, allowances } = options
  if (perMinute === 0)
    return { take: async () => null, takeMore: () => null, charge: () => null, pauseMs: () => 0 }
  const buckets = createTokenBuckets(options)
  const sharing = allowances && createSharing({ ...options, allowances, buckets })

  const state = (keyId: string, retryAfterMs: number): RateLimit => ({
    limit: perMinute,
    remaining: buckets.remaining(keyId),
    resetAt: clock.now() + buckets.fullInMs(keyId),
    retryAfterMs,
  })

  function taken(keyId: string, tokens: number): number {
    const waitMs = buckets.take(keyId, tokens)
    if (waitMs === 0) sharing?.spent(keyId, tokens)
    return waitMs
  }

  return {
    take: async (keyId) => {
      for (let told = sharing?.heard(keyId); told; told = sharing?.heard(keyId)) await told
      return state(keyId, taken(keyId, 1))
    },
    takeMore: (keyId, tokens) => {
      if (tokens <= 0) return state(keyId, 0)
      // With the first token, no request needs more than a full bucket.
      const more = Math.min(tokens, perMinute - 1)
      // The next attempt needs a first token again.
      return state(keyId, taken(keyId, more) > 0 ? buckets.waitMs(keyId, more + 1) : 0)
    },
    charge: (keyId, tokens) => {
      buckets.charge(keyId, tokens)
      sharing?.spent(keyId, tokens)
      return state(keyId, 0)
    },
    pauseMs: (keyId) => Math.max(0, buckets.fullInMs(keyId) - 2 * MINUTE_MS),
  }
}

/** The cost of a GraphQL operation that one token pays: a page of 100 logs with all of their fields costs less. */
export const COST_PER_TOKEN = 5_000

/** How many tokens an operation takes in all, from 1. */
export const tokensOf = (cost: number): number => Math.max(1, Math.ceil(cost / COST_PER_TOKEN))

/** The failure of a request that was refused. */
export function overLimit({ limit, retryAfterMs }: RateLimit): AppError {
  const retryAfterSeconds = Math.ceil(retryAfterMs / SECOND_MS)
  const sentence = `Expected at most ${limit} requests a minute with this key. Try again in ${retryAfterSeconds} seconds.`
  return new AppError('RATE_LIMITED', sentence, { retryAfterSeconds })
}
