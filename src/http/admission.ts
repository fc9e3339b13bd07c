import { AppError } from '../kernel/errors.ts'

/** How many requests are worked on at a time. */
export interface Admission {
  /**
   * Counts one in. Costs little where it refuses: neither the body nor the key has been looked at.
   * @param lateMs how long the request has waited already, in milliseconds
   * @returns what to call when it has been answered; may be called more than once
   * @throws {AppError} SERVICE_UNAVAILABLE where there are as many as may be, or it has waited too long
   */
  enter(lateMs?: number): () => void
  /** How many are in, and how many were refused so far. */
  figures(): { readonly inside: number; readonly refused: number }
}

const RETRY_AFTER_SECONDS = 1

/**
 * Two bounds, since the queue stands in one of two places: those whom the database keeps waiting are inside, and those
 * whom this process keeps waiting are late. Whoever is let in shares the process with no more than at the bounds, and so
 * waits no longer, however many come; the rest hear at once that they should come later.
 * @param most how many may be inside
 * @param maxQueueMs how late one may be, in milliseconds
 */
export function createAdmission(most: number, maxQueueMs: number): Admission {
  let inside = 0
  let refused = 0
  // One for all: to note where each was made would take a good part of what it costs to refuse.
  const refusal = new AppError(
    'SERVICE_UNAVAILABLE',
    'This service has more to do than it can. Try again soon.',
    { retryAfterSeconds: RETRY_AFTER_SECONDS },
  )
  return {
    enter: (lateMs = 0) => {
      if (inside >= most || lateMs > maxQueueMs) {
        refused += 1
        throw refusal
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
