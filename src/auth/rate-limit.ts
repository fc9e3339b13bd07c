import type { SharedAllowances } from '../database/port.ts'
import { type Clock, MINUTE_MS, SECOND_MS } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { createSharing } from './shared-spending.ts'
import { createTokenBuckets } from './token-buckets.ts'

/** The rest of the allowance of a key's user, or of a service key. */
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
 * The allowances of users, and of service keys: a bucket of tokens each, as large as the limit, refilled evenly. All keys
 * of a user take from one bucket, so more keys allow no more requests. An ordinary request takes one token. Every method
 * answers null where there is no limit.
 */
export interface RateLimiter {
  /** Takes a token for a request, before anything is done for it. */
  take(user: string): Promise<RateLimit | null>
  /**
   * Takes more for a request that turns out to be heavy, before it is done. If so much is not there, it takes nothing
   * more, and the first token stays spent: reading and pricing the request was work.
   */
  takeMore(user: string, tokens: number): RateLimit | null
  /** Takes what a request has come to while it was done, down to a debt of two minutes' worth. */
  charge(user: string, tokens: number): RateLimit | null
  /** After how many milliseconds the user owes no more than a minute's worth; 0 if it does not. Until then its streams pause. */
  pauseMs(user: string): number
}

/** The rate limit as one request spends it. */
export interface Spending {
  /** Takes tokens, or parts of tokens, for what the request turns out to ask. */
  charge(tokens: number): void
  /** As {@link RateLimiter.pauseMs} of its user. */
  pauseMs(): number
  /** The cost of the request's operation, in points; 0 if it has none. */
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

  const state = (user: string, retryAfterMs: number): RateLimit => ({
    limit: perMinute,
    remaining: buckets.remaining(user),
    resetAt: clock.now() + buckets.fullInMs(user),
    retryAfterMs,
  })

  function taken(user: string, tokens: number): number {
    const waitMs = buckets.take(user, tokens)
    if (waitMs === 0) sharing?.spent(user, tokens)
    return waitMs
  }

  return {
    take: async (user) => {
      for (let told = sharing?.heard(user); told; told = sharing?.heard(user)) await told
      return state(user, taken(user, 1))
    },
    takeMore: (user, tokens) => {
      if (tokens <= 0) return state(user, 0)
      // With the first token, no request needs more than a full bucket.
      const more = Math.min(tokens, perMinute - 1)
      // The next attempt needs a first token again.
      return state(user, taken(user, more) > 0 ? buckets.waitMs(user, more + 1) : 0)
    },
    charge: (user, tokens) => {
      buckets.charge(user, tokens)
      sharing?.spent(user, tokens)
      return state(user, 0)
    },
    pauseMs: (user) => Math.max(0, buckets.fullInMs(user) - 2 * MINUTE_MS),
  }
}

/** The cost of a GraphQL operation that one token pays: a page of 100 logs with all of their fields costs less. */
export const COST_PER_TOKEN = 5_000

/** How many tokens an operation takes in all, from 1. */
export const tokensOf = (cost: number): number => Math.max(1, Math.ceil(cost / COST_PER_TOKEN))

/** The failure of a request that was refused. */
export function overLimit({ limit, retryAfterMs }: RateLimit): AppError {
  const retryAfterSeconds = Math.ceil(retryAfterMs / SECOND_MS)
  const sentence = `Expected at most ${limit} requests a minute of this user. Try again in ${retryAfterSeconds} seconds.`
  return new AppError('RATE_LIMITED', sentence, { retryAfterSeconds })
}
