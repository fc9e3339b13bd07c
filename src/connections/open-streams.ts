import { type Principal, shareholderOf } from '../auth/principal.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { createShares, overShare } from '../kernel/shares.ts'

/** The streams that this process serves, and how many there may be. */
export interface OpenStreams {
  /**
   * @param principal whose stream; the process itself has no limit of its own
   * @param end ends it, because the service stops
   * @returns what to call when it has ended
   * @throws {AppError} RATE_LIMITED where the key or its user has too many; SERVICE_UNAVAILABLE where the process has, or
   *   is stopping
   */
  open(principal: Pick<Principal, 'keyId' | 'userId'>, end: () => void): () => void
  /** How many are open. */
  count(): number
  /** Ends all of them, and opens no more. */
  endAll(): void
}

export interface StreamLimits {
  /** Most streams of a key, in this process. */
  readonly perKey: number
  /** Most streams of all keys, in this process. */
  readonly total: number
  /** How many of them one user may have, in percent. */
  readonly userPercent: number
  readonly clock: Clock
}

const RETRY_AFTER_SECONDS = 5

const ADVICE = { advice: 'End one first.', retryAfterSeconds: RETRY_AFTER_SECONDS }

export function createOpenStreams({ perKey, ...limits }: StreamLimits): OpenStreams {
  const ends = new Set<() => void>()
  const counts = new Map<string, number>()
  const shares = createShares(limits)
  let isEnding = false

  return {
    open: (principal, end) => {
      const { keyId } = principal
      const user = shareholderOf(principal)
      const count = keyId === null ? 0 : (counts.get(keyId) ?? 0)
      const later = { retryAfterSeconds: RETRY_AFTER_SECONDS }
      if (isEnding) throw new AppError('SERVICE_UNAVAILABLE', 'The service is stopping.', later)
      if (count >= perKey)
        throw new AppError(
          'RATE_LIMITED',
          `Expected at most ${perKey} subscriptions at a time with this key, got ${count + 1}. End one first.`,
          later,
        )
      const excess = shares.excess(user)
      if (excess) throw overShare(excess, 'subscriptions', ADVICE)
      ends.add(end)
      const place = shares.hold(user, 1)
      if (keyId !== null) counts.set(keyId, count + 1)
      return () => {
        place.end()
        if (!ends.delete(end) || keyId === null) return
        const left = (counts.get(keyId) ?? 1) - 1
        if (left > 0) counts.set(keyId, left)
        else counts.delete(keyId)
      }
    },
    count: () => ends.size,
    endAll: () => {
      isEnding = true
      for (const end of ends) end()
    },
  }
}
