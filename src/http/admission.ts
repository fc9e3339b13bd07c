import { AppError } from '../kernel/errors.ts'

/** How many requests are worked on at a time. */
export interface Admission {
  /**
   * Counts one in. Costs nothing where it refuses: neither the body nor the key has been looked at.
   * @returns what to call when it has been answered; may be called more than once
   * @throws {AppError} SERVICE_UNAVAILABLE where there are as many as may be
   */
  enter(): () => void
  /** How many are in, and how many were refused so far. */
  figures(): { readonly inside: number; readonly refused: number }
}

const RETRY_AFTER_SECONDS = 1

/**
 * A bound on what is under way. Whoever is let in shares the process with so many others at most, so waits no longer
 * under ten times the load than at the bound; the rest hear at once that they should come later.
 */
export function createAdmission(most: number): Admission {
  let inside = 0
  let refused = 0
  return {
    enter: () => {
      if (inside >= most) {
        refused += 1
        throw new AppError(
          'SERVICE_UNAVAILABLE',
          'This service has more to do than it can. Try again soon.',
          {
            retryAfterSeconds: RETRY_AFTER_SECONDS,
          },
        )
      }
      inside += 1
      let isIn = true
      return () => {
        if (isIn) inside -= 1
        isIn = false
      }
    },
    figures: () => ({ inside, refused }),
  }
}
