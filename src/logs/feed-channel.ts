import { type FeedEvent, type FeedMark, comparePlaces } from './feed-mark.ts'

/** Those who follow the logs of the same users in this process, and what was read for them lately. */
export interface FeedChannel<Log> {
  /** Everybody's logs if undefined. */
  readonly users: readonly string[] | undefined
  /** Called when there is something new. */
  readonly readers: Set<() => void>
  /** Whether all that follows on a mark is known here, up to {@link FeedChannel.through}. */
  covers(mark: FeedMark): boolean
  /** Behind all that was read. */
  through(): FeedMark | undefined
  /** The first events behind a mark, in order. */
  after(mark: FeedMark, limit: number): readonly FeedEvent<Log>[]
}

export interface FeedChannels<Log> {
  /** The channel of those who follow these users, for somebody who adds himself to its readers. */
  of(users: readonly string[] | undefined): FeedChannel<Log>
  leave(channel: FeedChannel<Log>, onNews: () => void): void
  isEmpty(): boolean
  /** Users whose logs somebody follows; undefined for everybody's. */
  users(): readonly string[] | undefined
  /** The channels that a read from this mark will be for: those who join later need another. */
  beginRead(from: FeedMark): {
    end(events: readonly FeedEvent<Log>[], through: FeedMark, nowMs: number): void
  }
  /** Forgets what was read. */
  clear(): void
  held(): number
}

/** Events that are kept for readers who are a little behind, of all channels together, and for how long. */
const MAX_HELD = 1_000
const HELD_MS = 10_000

interface Channel<Log> extends FeedChannel<Log> {
  readonly has: (userId: string) => boolean
  events: FeedEvent<Log>[]
  /** All events behind it are here. */
  from: FeedMark | undefined
  end: FeedMark | undefined
}

export function createFeedChannels<Log extends { readonly userId: string | null }>(
  maxHeld = MAX_HELD,
): FeedChannels<Log> {
  const channels = new Map<string, Channel<Log>>()
  let held: { event: FeedEvent<Log>; in: Channel<Log>[]; sinceMs: number }[] = []

  function createChannel(users: readonly string[] | undefined): Channel<Log> {
    const set = users && new Set(users)
    const channel: Channel<Log> = {
      users,
      readers: new Set(),
      has: (userId) => set?.has(userId) ?? true,
      events: [],
      from: undefined,
      end: undefined,
      covers: (mark) => channel.from !== undefined && comparePlaces(mark.place, channel.from.place) >= 0,
      through: () => channel.end,
      after: ({ place }, limit) => {
        let [low, high] = [0, channel.events.length]
        while (low < high) {
          const middle = (low + high) >> 1
          const event = channel.events[middle]
          if (event && comparePlaces(event.mark.place, place) <= 0) low = middle + 1
          else high = middle
        }
        return channel.events.slice(low, low + limit)
      },
    }
    return channel
  }

  function release(count: number): void {
    if (count === 0) return
    for (const { event, in: within } of held.slice(0, count))
      for (const channel of within) {
        channel.events.shift()
        channel.from = event.mark
      }
    held = held.slice(count)
  }

  return {
    of: (users) => {
      const sorted = users && [...users].sort()
      const key = JSON.stringify(sorted ?? null)
      const channel = channels.get(key) ?? createChannel(sorted)
      channels.set(key, channel)
      return channel
    },

    leave: (channel, onNews) => {
      channel.readers.delete(onNews)
      if (channel.readers.size === 0) channels.delete(JSON.stringify(channel.users ?? null))
    },

    isEmpty: () => channels.size === 0,

    users: () => {
      const users = new Set<string>()
      for (const channel of channels.values()) {
        if (channel.users === undefined) return undefined
        for (const user of channel.users) users.add(user)
      }
      return [...users].sort()
    },

    beginRead: (from) => {
      const included = [...channels.values()]
      for (const channel of included) {
        if (channel.from !== undefined) continue
        channel.from = channel.end = from
        // Who waits for the channel to come so far looks by himself for what was before it.
        for (const tell of channel.readers) tell()
      }
      return {
        end: (events, through, nowMs) => {
          const news = new Set<Channel<Log>>()
          for (const event of events) {
            const within = included.filter((channel) => channel.has(event.log.userId ?? ''))
            for (const channel of within) {
              channel.events.push(event)
              news.add(channel)
            }
            if (within.length > 0) held.push({ event, in: within, sinceMs: nowMs })
          }
          const fresh = held.findIndex(({ sinceMs }) => nowMs - sinceMs < HELD_MS)
          release(Math.max(fresh === -1 ? held.length : fresh, held.length - maxHeld))
          for (const channel of included) channel.end = through
          for (const channel of news) for (const tell of channel.readers) tell()
        },
      }
    },

    clear: () => release(held.length),
    held: () => held.length,
  }
}
