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
