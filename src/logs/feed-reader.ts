import type { YieldIfLong } from '../kernel/yield-if-long.ts'
import type { FeedChannel } from './feed-channel.ts'
import { type FeedEvent, type FeedMark, laterMark } from './feed-mark.ts'
import type { FeedRead } from './feed-source.ts'

/**
 * One who follows the feed. Events come when they are asked for and not before, so that whoever is slow holds a page of
 * them at most, and nobody waits for him.
 */
export interface FeedReader<Log> {
  /** The next event; undefined once it has ended. One at a time. @throws what it was ended with, once */
  next(): Promise<FeedEvent<Log> | undefined>
  /** How far it has come: behind the last event that was given, and all since that were passed over. */
  mark(): FeedMark
  /** Whether it waits for events, all others having been given and taken. */
  isWaiting(): boolean
  /** Whether the next event is here already: then `next` waits for nothing. Not while a `next` is under way. */
  isAtHand(): boolean
  /** Reads again what it has read and not given yet, since some of it was erased. */
  forget(): void
  /** Ends it, also while it waits. */
  end(reason?: Error): void
}

/** Logs that are read at a time for one who is behind. */
const PAGE = 50

export interface FeedReaderOptions<Log> {
  readonly from: FeedMark
  readonly channel: FeedChannel<Log>
  /** Reads for this reader alone, who is behind what the channel has. */
  readonly read: (after: FeedMark, limit: number) => Promise<FeedRead<Log>>
  readonly accepts: (event: FeedEvent<Log>) => boolean
  /** Called before each page: a filter that accepts little has many of them, which may all be here. */
  readonly yieldIfLong: YieldIfLong
}

interface Ended {
  readonly reason: Error | undefined
}

/** @returns the reader, and what to call when its channel has news */
export function createFeedReader<Log>({
  from,
  channel,
  read,
  accepts,
  yieldIfLong,
}: FeedReaderOptions<Log>): {
  reader: FeedReader<Log>
  onNews: () => void
} {
  let at = from
  let page: FeedEvent<Log>[] = []
  let pageEnd: FeedMark | undefined
  /** Accepted, and not given yet. */
  let accepted: FeedEvent<Log> | undefined
  let hasNews = true
  let wake: (() => void) | undefined
  let ended: Ended | undefined

  function wakeUp(): void {
    wake?.()
    wake = undefined
  }

  const onNews = () => {
    hasNews = true
    wakeUp()
  }

  async function wait(): Promise<void> {
    if (!hasNews && !ended)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    hasNews = false
  }

  function fromPage(): FeedEvent<Log> | undefined {
    if (accepted) {
      const event = accepted
      accepted = undefined
      at = event.mark
      return event
    }
    for (let event = page.shift(); event; event = page.shift()) {
      at = event.mark
      if (accepts(event)) return event
    }
    if (pageEnd) at = laterMark(at, pageEnd)
    pageEnd = undefined
    return undefined
  }

  function lookAhead(): boolean {
    if (accepted) return true
    const before = at
    if (page.length === 0 && channel.covers(at)) takeFromChannel()
    accepted = fromPage()
    // It has not been given: whoever is asked how far he has come must not say that it was.
    if (accepted) at = before
    return accepted !== undefined
  }

  /** @returns whether there was anything */
  function takeFromChannel(): boolean {
    const through = channel.through()
    const events = channel.after(at, PAGE)
    page = [...events]
    if (events.length < PAGE) pageEnd = through
    return events.length > 0
  }

  async function next(): Promise<FeedEvent<Log> | undefined> {
    for (;;) {
      await yieldIfLong()
      if (ended) return over(ended)
      const kept = fromPage()
      if (kept) return kept
      if (channel.covers(at)) {
        if (!takeFromChannel()) {
          fromPage()
          await wait()
        }
      } else {
        const found = await read(at, PAGE).catch((error: unknown) => {
          // The end gives the reason, and a read that waited for its turn ends with it.
          if (!ended) throw error
        })
        if (!found) continue
        const { events, next: end, isAll } = found
        page = [...events]
        pageEnd = end
        // Until the channel has come so far.
        if (isAll && events.length === 0 && !channel.covers(end)) await wait()
      }
    }
  }

  function over({ reason }: Ended): undefined {
    ended = { reason: undefined }
    if (reason) throw reason
    return undefined
  }

  return {
    onNews,
    reader: {
      next,
      mark: () => {
        const through = channel.through()
        // What comes to the channel wakes who waits: there is nothing between.
        return wake && through && channel.covers(at) ? laterMark(at, through) : at
      },
      forget: () => {
        page = []
        pageEnd = undefined
        accepted = undefined
      },
      isAtHand: () => ended === undefined && lookAhead(),
      isWaiting: () => wake !== undefined,
      end: (reason) => {
        ended ??= { reason }
        wakeUp()
      },
    },
  }
}
