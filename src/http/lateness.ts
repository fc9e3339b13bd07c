import type { Clock } from '../kernel/clock.ts'

/**
 * Tells how long a request has been waiting for those before it, in milliseconds. All requests that Node finds at once
 * are handed on one after another in one turn of its loop; where each is answered in that turn, as reads of SQLite are,
 * the queue stands nowhere but there.
 * @returns to be called for each request, as soon as it is handed on
 */
export function createLateness(clock: Clock): () => number {
  let beganMs: number | undefined
  return () => {
    const nowMs = clock.steadyMs()
    if (beganMs === undefined) {
      beganMs = nowMs
      void clock.sleep(0).then(() => (beganMs = undefined))
    }
    return nowMs - beganMs
  }
}
