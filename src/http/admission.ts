import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { type Excess, createShares, overShare } from '../kernel/shares.ts'

/** How many requests are worked on at a time. A client that has yet to send its body is no work. */
export interface Admission {
  /**
   * Whether one who comes now has to come again later: there are as many as may be, or it would wait too long. It
   * counts as refused then.
   * @param lateMs how long the request has waited already, in milliseconds
   * @param user whose request it is; undefined if the key is not known yet
   * @returns SERVICE_UNAVAILABLE
   */
  refuse(lateMs?: number, user?: string | null): AppError | undefined
  /**
   * Counts one whose key is looked at. Costs little where it refuses: neither the body nor the key has been looked at.
   * @returns what to call when that is known; may be called more than once
   * @throws {AppError} what {@link refuse} returns
   */
  begin(lateMs?: number, user?: string | null): () => void
  /**
   * Counts one in that has arrived as a whole.
   * @param user the user of the request; null for the process itself, which has no share
   * @param waitedMs how long it has waited for other work since it arrived, in milliseconds
   * @throws {AppError} what {@link refuse} returns; RATE_LIMITED if the user has too many inside, or keeps the others
   *   waiting for too long
   */
  enter(user: string | null, waitedMs?: number): Leave
  /** How many are in, and how many were refused so far. */
  figures(): { readonly inside: number; readonly refused: number }
}

/**
 * Counts one out; may be called more than once.
 * @param isDone false if it ended otherwise than by its work, so that its time says nothing of the pace
 */
export type Leave = (isDone?: boolean) => void

export interface AdmissionOptions {
  /** How many may be inside. */
  readonly most: number
  /** The share of one user, of the places inside and of the time that a request may have to wait, in percent. */
  readonly userPercent: number
  /** How long one may have to wait, in milliseconds. */
  readonly maxQueueMs: number
  /** Whether all take so long that the time from one end to the next says nothing of a wait. */
  readonly areLong?: boolean
  readonly clock: Clock
}

const RETRY_AFTER_SECONDS = 1

const AGAIN = { advice: 'Wait for some of them to end.', retryAfterSeconds: RETRY_AFTER_SECONDS }

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
 * By Little's law a request waits for as many ends as there are requests before it, and the time from one end to the next
 * is what the last ones took, divided by how many were before them when they came. Users are served in turn, so of each
 * other user only as many count as the user has inside, and one more. A burst may fill the queue for once. A queue that
 * has stood for as long as anybody may wait is no burst: from then on it is kept short, as CoDel does (RFC 8289), until
 * nobody was refused for as long.
 */
export function createAdmission(options: AdmissionOptions): Admission {
  const { most, userPercent, maxQueueMs, areLong = false, clock } = options
  // Streams are not given back soon, so a user never gets more than the share.
  const shares = createShares({ total: most, userPercent, isElastic: !areLong, clock })
  let inside = 0
  /** Those whose key is looked at. They are no queue: the first ones of a cold service all wait for the same. */
  let beginning = 0
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

  /** How many requests are served before the next one of a user. */
  function aheadOf(user: string | null | undefined): number {
    const own = user === undefined ? 0 : shares.heldBy(user)
    let ahead = own
    for (const [other, count] of shares.amounts()) if (other !== user) ahead += Math.min(count, own + 1)
    return ahead
  }

  function waitMs(ahead: number, nowMs: number): number {
    if (areLong || ahead < FEW) return 0
    // Where nothing ends, what the last ones took says nothing.
    return Math.max(ahead * paceMs, nowMs - movedAtMs)
  }

  /** How long one may have to wait who comes while others have to wait for so long. */
  function mostMs(expectedMs: number, nowMs: number): number {
    const shortMs = maxQueueMs * STANDING_SHARE
    if (expectedMs > shortMs) standingSinceMs ??= nowMs
    else if (nowMs - refusedAtMs > maxQueueMs) standingSinceMs = undefined
    const isStanding = standingSinceMs !== undefined && nowMs - standingSinceMs > maxQueueMs
    return isStanding ? shortMs : maxQueueMs
  }

  /** Of the time that all may have to wait, one user takes no more than the share either. */
  function refuseUser(user: string): AppError | undefined {
    const excess = shares.excess(user)
    if (excess) return refusedUser(excess, 'requests')
    const own = shares.heldBy(user)
    const part = shares.limitOf(user) / most
    if (areLong || !isKnown || own < FEW * part) return undefined
    const nowMs = clock.steadyMs()
    const limit = Math.floor(mostMs(waitMs(aheadOf(user), nowMs), nowMs) * part)
    const got = Math.ceil(own * paceMs)
    return got > limit ? refusedUser({ of: 'user', limit, got }, 'milliseconds of work') : undefined
  }

  function refusedUser(excess: Excess, things: string): AppError {
    refused += 1
    return overShare(excess, things, AGAIN)
  }

  function leave(cameAtMs: number, among: number): void {
    movedAtMs = clock.steadyMs()
    const latestMs = (movedAtMs - cameAtMs) / among
    if (among >= FEW) {
      paceMs = isKnown ? paceMs + (latestMs - paceMs) * WEIGHT : latestMs
      isKnown = true
      // Some do not keep the database busy, so this is at least the pace: until that is known it has to do, and later it
      // can only correct what was too much.
    } else if (among >= SOME) paceMs = isKnown ? paceMs + Math.min(0, latestMs - paceMs) * WEIGHT : latestMs
  }

  const refuse: Admission['refuse'] = (lateMs = 0, user) => {
    const nowMs = clock.steadyMs()
    const expectedMs = waitMs(aheadOf(user), nowMs)
    const isFull = inside + beginning >= most
    if (!isFull && lateMs <= maxQueueMs && expectedMs <= mostMs(expectedMs, nowMs)) return undefined
    refused += 1
    refusedAtMs = nowMs
    return refusal
  }

  return {
    refuse,
    begin: (lateMs, user) => {
      const refusal = refuse(lateMs, user)
      if (refusal) throw refusal
      beginning += 1
      let isIn = true
      return () => {
        if (isIn) beginning -= 1
        isIn = false
      }
    },
    enter: (user, waitedMs) => {
      const refusal = refuse(waitedMs, user) ?? (user === null ? undefined : refuseUser(user))
      if (refusal) throw refusal
      const nowMs = clock.steadyMs()
      const place = shares.hold(user, 1)
      inside += 1
      const among = aheadOf(user)
      if (inside === FEW) movedAtMs = nowMs
      let isIn = true
      return (isDone = true) => {
        if (!isIn) return
        isIn = false
        inside -= 1
        place.end()
        if (isDone) leave(nowMs, among)
      }
    },
    figures: () => ({ inside: inside + beginning, refused }),
  }
}
