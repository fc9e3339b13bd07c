import { MINUTE_MS, SECOND_MS } from './clock.ts'

const FIRST_BACKOFF_MS = SECOND_MS
const MAX_BACKOFF_MS = MINUTE_MS

/**
 * The least wait after so many tries that failed: twice as long each time, and never the same for all who wait.
 * @param random 0 to 1
 */
export function backoffMs(tries: number, random: number): number {
  return Math.round(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (tries - 1)) * (0.5 + random / 2))
}

/**
 * How long to wait after so many tries that failed, where the other side asks for so long, or for 0. Whom it asks the same
 * would all come back in the same moment, so each waits up to a second longer.
 * @param random 0 to 1
 */
export function pauseMs(tries: number, askedMs: number, random: number): number {
  const spreadMs = askedMs > 0 ? askedMs + Math.round(FIRST_BACKOFF_MS * random) : 0
  return Math.max(spreadMs, backoffMs(tries, random))
}
