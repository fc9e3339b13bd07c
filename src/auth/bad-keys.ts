import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { createTokenBuckets } from './token-buckets.ts'

/** Bounds what guessers of keys cost, by the address from which they ask. */
export interface BadKeyLimiter {
  /**
   * To be called before a key is looked up.
   * @param address undefined where nobody knows it; such a request is let through
   * @returns undefined where the address may not ask, having brought too many bad keys
   */
  begin(address: string | undefined): Attempt | undefined
  /** Whether a key that looks good may be looked up for an address that may not ask: some a second may, of all together. */
  mayLookUp(): boolean
  /** RATE_LIMITED, for an address that may not ask. */
  refusal(address: string | undefined): AppError
  /** How many addresses are remembered. */
  size(): number
}

export interface Attempt {
  /** The key was good, or nobody could say: the address is none the worse for it. */
  forgive(): void
}

/** Look-ups a minute, in this process, for addresses that may not ask. */
const LOOK_UPS_PER_MINUTE = 1_200

const FORGIVEN: Attempt = { forgive: () => undefined }

/** @param perMinute bad keys an address may bring in a minute; 0 = no limit */
export function createBadKeyLimiter({
  perMinute,
  clock,
  max,
  lookUpsPerMinute = LOOK_UPS_PER_MINUTE,
}: {
  perMinute: number
  clock: Pick<Clock, 'steadyMs'>
  max?: number
  lookUpsPerMinute?: number
}): BadKeyLimiter {
  const addresses = createTokenBuckets({ perMinute, clock, ...(max === undefined ? {} : { max }) })
  const lookUps = createTokenBuckets({ perMinute: lookUpsPerMinute, clock, max: 1 })
  return {
    begin: (address) => {
      if (address === undefined || perMinute === 0) return FORGIVEN
      // Before it is known whether the key is bad, or many at once would all be looked up.
      return addresses.take(address, 1) === 0 ? { forgive: () => addresses.giveBack(address, 1) } : undefined
    },
    mayLookUp: () => lookUps.take('', 1) === 0,
    refusal: (address = '') => {
      const retryAfterSeconds = Math.max(1, Math.ceil(addresses.waitMs(address, 1) / SECOND_MS))
      const sentence = `Expected at most ${perMinute} bad keys a minute from this address. Try again in ${retryAfterSeconds} seconds.`
      return new AppError('RATE_LIMITED', sentence, { retryAfterSeconds })
    },
    size: addresses.size,
  }
}
