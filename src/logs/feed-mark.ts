import type { FeedPlace } from '../database/following.ts'

/** How far somebody has followed the logs. */
export interface FeedMark {
  readonly place: FeedPlace
  /** An instant before which nothing behind the place was visible, in milliseconds since the epoch. */
  readonly sinceMs: number
}

/** A log that became visible. */
export interface FeedEvent<Log> {
  /** The mark of who has seen it and nothing behind it. */
  readonly mark: FeedMark
  readonly log: Log
}

/** Before all logs of a position. */
export const placeBefore = (position: bigint): FeedPlace => ({ position, id: '', userId: '' })

/** Which place is behind the other: above 0 for `a`, below 0 for `b`. In the order in which databases compare texts. */
export function comparePlaces(a: FeedPlace, b: FeedPlace): number {
  if (a.position !== b.position) return a.position > b.position ? 1 : -1
  return compareTexts(a.id, b.id) || compareTexts(a.userId, b.userId)
}

/** By bytes of UTF-8. JavaScript's own order, of UTF-16, is another one beyond U+FFFF. */
const compareTexts = (a: string, b: string): number =>
  a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The one that is further; of two at the same place the one that was there later. */
export function laterMark(a: FeedMark, b: FeedMark): FeedMark {
  const order = comparePlaces(a.place, b.place) || a.sinceMs - b.sinceMs
  return order > 0 ? a : b
}
