import { type Clock, DAY_MS, MINUTE_MS } from '../kernel/clock.ts'

/** A jump of the clock is believed once it has lasted so long, by the steady clock. */
export const BELIEVED_AFTER_MS = DAY_MS

/** What is ahead by less is not worth a warning: small corrections are daily business. */
const WORTH_A_WARNING_MS = MINUTE_MS

/**
 * The time by which something may be deleted: never ahead of what the clock showed at first plus the time that has
 * passed since, by the steady clock. So a clock that jumps ahead deletes nothing, until the jump has lasted for
 * {@link BELIEVED_AFTER_MS} and is taken for a correction. A clock that goes back is followed at once. While the
 * machine sleeps the steady clock may stand still; then this time lags, which only delays what is deleted.
 * @param onJump is told once for each jump by how many milliseconds the clock is ahead
 * @returns a function that gives the time, in whole milliseconds since the epoch
 */
export function createTrustedTime(clock: Clock, onJump: (aheadMs: number) => void): () => number {
  /** What the clock may show at most, less the steady clock. */
  let offsetMs = clock.now() - clock.steadyMs()
  let jump: { readonly sinceSteadyMs: number; leastAheadMs: number; isTold: boolean } | undefined

  return () => {
    const steadyMs = clock.steadyMs()
    const aheadMs = clock.now() - steadyMs - offsetMs
    if (aheadMs <= 0) {
      offsetMs += aheadMs
      jump = undefined
      return Math.floor(steadyMs + offsetMs)
    }
    jump ??= { sinceSteadyMs: steadyMs, leastAheadMs: aheadMs, isTold: false }
    jump.leastAheadMs = Math.min(jump.leastAheadMs, aheadMs)
    if (steadyMs - jump.sinceSteadyMs >= BELIEVED_AFTER_MS) {
      offsetMs += jump.leastAheadMs
      jump = undefined
    } else if (!jump.isTold && aheadMs >= WORTH_A_WARNING_MS) {
      jump.isTold = true
      onJump(aheadMs)
    }
    return Math.floor(steadyMs + offsetMs)
  }
}
