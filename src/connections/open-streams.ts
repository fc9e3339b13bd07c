import { AppError } from '../kernel/errors.ts'

/** The streams that this process serves, and how many there may be. */
export interface OpenStreams {
  /**
   * @param keyId whose stream; null for the process itself, which has no limit of its own
   * @param end ends it, because the service stops
   * @returns what to call when it has ended
   * @throws {AppError} RATE_LIMITED where the key has too many; SERVICE_UNAVAILABLE where the process has, or is stopping
   */
  open(keyId: string | null, end: () => void): () => void
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
}

const RETRY_AFTER_SECONDS = 5

export function createOpenStreams({ perKey, total }: StreamLimits): OpenStreams {
  const ends = new Set<() => void>()
  const counts = new Map<string, number>()
  let isEnding = false

  return {
    open: (keyId, end) => {
      const count = keyId === null ? 0 : (counts.get(keyId) ?? 0)
      const later = { retryAfterSeconds: RETRY_AFTER_SECONDS }
      if (isEnding) throw new AppError('SERVICE_UNAVAILABLE', 'The service is stopping.', later)
      if (count >= perKey)
        throw new AppError(
          'RATE_LIMITED',
          `Expected at most ${perKey} subscriptions at a time with this key. End one first.`,
          later,
        )
      if (ends.size >= total)
        throw new AppError(
          'SERVICE_UNAVAILABLE',
          'This service has as many subscriptions as it takes. Try again later, or another one.',
          later,
        )
      ends.add(end)
      if (keyId !== null) counts.set(keyId, count + 1)
      return () => {
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
