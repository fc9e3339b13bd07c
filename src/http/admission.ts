import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'

/** How many requests are worked on at a time. */
export interface Admission {
  /**
   * Whether one who comes now has to come again later: there are as many as may be, or it would wait too long. It
   * counts as refused then.
   * @param lateMs how long the request has waited already, in milliseconds
   * @returns SERVICE_UNAVAILABLE
   */
  refuse(lateMs?: number): AppError | undefined
  /**
   * Counts one in. Costs little where it refuses: neither the body nor the key has been looked at.
   * @returns what to call when it has been answered; may be called more than once
   * @throws {AppError} what {@link refuse} returns
   */
  enter(lateMs?: number): () => void
  /** How many are in, and how many were refused so far. */
  figures(): { readonly inside: number; readonly refused: number }
}

export interface AdmissionOptions {
  /** How many may be inside. */
  readonly most: number
  /** How long one may have to wait, in milliseconds. */
  readonly maxQueueMs: number
  /** Whether all take so long that the time from one end to the next says nothing of a wait. */
  readonly areLong?: boolean
  readonly clock: Clock
}

const RETRY_AFTER_SECONDS = 1

/** So few are no queue: it takes some to keep all connections to a database busy. */
const FEW = 16

/** So few say nothing of the pace: what one takes by itself is no wait for others. */
const SOME = 4

/** How much one end tells of the next, so that some dozens of them make the pace. */
const WEIGHT = 1 / 32

/** What those wait who come while a queue does not go away, as a part of what those may wait who come in a burst. */
const STANDING_SHARE = 0.2

/**
 * Bounds of the time that a request has to wait, since the queue stands in one of two places: those whom the database
 * keeps waiting are inside, and those whom this process keeps waiting are late. Whoever is let in shares the process with
 * no more than at the bounds, and so waits no longer, however many come; the rest hear at once that they should come
 * later.
 *
 * By Little's law one who comes waits for as many ends as there are inside, and the time from one end to the next is what
 * the last ones took, divided by how many were inside when they came. A burst may fill the queue for once. A queue that
 * has stood for as long as anybody may wait is no burst: from then on it is kept short, as CoDel does (RFC 8289), until
 * nobody was refused for as long.
 */
export function createAdmission({ most, maxQueueMs, areLong = false, clock }: AdmissionOptions): Admission {
  let inside = 0
  let refused = 0
  /** From one end to the next, in milliseconds. */
  let paceMs = 0
  /** Whether that was seen while there were enough inside. */
  let isKnown = false
  /** When one has ended, or there came to be enough inside. */
  let movedAtMs = 0
  /** Since when the queue was never short. */
  let standingSinceMs: number | undefined
  let refusedAtMs = Number.NEGATIVE_INFINITY
  // One for all: to note where each was made would take a good part of what it costs to refuse.
  const refusal = new AppError(
    'SERVICE_UNAVAILABLE',
    'This service has more to do than it can. Try again soon.',
    { retryAfterSeconds: RETRY_AFTER_SECONDS },
  )

  function waitMs(nowMs: number): number {
    if (areLong || inside < FEW) return 0
    // Where nothing ends, what the last ones took says nothing.
    return Math.max(inside * paceMs, nowMs - movedAtMs)
  }

  function isTooLong(expectedMs: number, nowMs: number): boolean {
    const shortMs = maxQueueMs * STANDING_SHARE
    if (expectedMs > shortMs) standingSinceMs ??= nowMs
    else if (nowMs - refusedAtMs > maxQueueMs) standingSinceMs = undefined
    const isStanding = standingSinceMs !== undefined && nowMs - standingSinceMs > maxQueueMs
    return expectedMs > (isStanding ? shortMs : maxQueueMs)
  }

  function leave(cameAtMs: number, among: number): void {
    inside -= 1
    movedAtMs = clock.steadyMs()
    const latestMs = (movedAtMs - cameAtMs) / among
    if (among >= FEW) {
      paceMs = isKnown ? paceMs + (latestMs - paceMs) * WEIGHT : latestMs
      isKnown = true
      // Some do not keep the database busy, so this is more than the pace; until that is known it has to do.
    } else if (!isKnown && among >= SOME) paceMs = latestMs
  }

  const refuse: Admission['refuse'] = (lateMs = 0) => {
    const nowMs = clock.steadyMs()
    if (inside < most && lateMs <= maxQueueMs && !isTooLong(waitMs(nowMs), nowMs)) return undefined
    refused += 1
    refusedAtMs = nowMs
    return refusal
  }

  return {
    refuse,
    enter: (lateMs) => {
      const refused = refuse(lateMs)
      if (refused) throw refused
      const nowMs = clock.steadyMs()
      inside += 1
      if (inside === FEW) movedAtMs = nowMs
      const among = inside
      let isIn = true
      return () => {
        if (isIn) leave(nowMs, among)
        isIn = false
      }
    },
    figures: () => ({ inside, refused }),
  }
}
