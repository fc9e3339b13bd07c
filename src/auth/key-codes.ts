import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Clock, MINUTE_MS } from '../kernel/clock.ts'

/** How long a code can be exchanged. */
export const CODE_LIFETIME_MS = 10 * MINUTE_MS

/** Most codes that wait to be exchanged; the oldest gives way. */
const MAX_CODES = 100

/**
 * One-time codes that stand for keys in addresses: a browser keeps the addresses it has visited, and a code is of no use
 * once it was exchanged. They live in this process only.
 */
export interface KeyCodes {
  /** A code for a key, valid once and for ten minutes. */
  issue(key: string): string
  /** The key of a code, which is used up by it; undefined for one that is unknown, used or too old. */
  exchange(code: string): string | undefined
}

interface Waiting {
  readonly hash: Buffer
  readonly key: string
  readonly endsAtMs: number
}

export function createKeyCodes(clock: Pick<Clock, 'steadyMs'>): KeyCodes {
  let waiting: readonly Waiting[] = []
  const hashOf = (code: string) => createHash('sha256').update(code).digest()
  return {
    issue: (key) => {
      const code = randomBytes(24).toString('base64url')
      const made = { hash: hashOf(code), key, endsAtMs: clock.steadyMs() + CODE_LIFETIME_MS }
      waiting = [...waiting.slice(-(MAX_CODES - 1)), made]
      return code
    },
    exchange: (code) => {
      const hash = hashOf(code)
      const now = clock.steadyMs()
      waiting = waiting.filter(({ endsAtMs }) => endsAtMs > now)
      const found = waiting.find((one) => timingSafeEqual(one.hash, hash))
      if (found) waiting = waiting.filter((one) => one !== found)
      return found?.key
    },
  }
}
