import { randomInt } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Principal, shareholderOf } from '../auth/principal.ts'
import type { KeyWatch } from '../auth/key-watch.ts'
import type { Sight } from '../auth/sight.ts'
import type { Clock } from '../kernel/clock.ts'
import { ENDED } from '../kernel/ended.ts'
import { AppError } from '../kernel/errors.ts'
import type { FairSemaphore } from '../kernel/fair-semaphore.ts'
import type { Feed } from '../logs/feed.ts'
import { type FeedCursorCodec, createFeedCursorCodec } from '../logs/feed-cursor.ts'
import type { FeedEvent } from '../logs/feed-mark.ts'
import type { FeedReader } from '../logs/feed-reader.ts'
import { expiryCutoffMs } from '../logs/query.ts'
import type { ConnectionLog } from './event.ts'
import { type ConnectionFilter, matches } from './filter.ts'
import type { OpenStreams } from './open-streams.ts'

/** A log that was recorded, and the cursor of who has seen it and nothing after it. */
export interface ConnectionLogEvent {
  readonly cursor: string
  readonly log: ConnectionLog
}

/** Logs as they are recorded. It takes no more of them than are asked for. */
export interface ConnectionLogStream extends AsyncIterableIterator<ConnectionLogEvent> {
  /** The cursor of who has been given all events so far. */
  cursor(): string
  /** Whether all that there is has been given and taken: then {@link cursor} moves on without an event. */
  isWaiting(): boolean
  /** Whether the next event is here already. Not while a `next` is under way. */
  isAtHand(): boolean
  return(): Promise<IteratorResult<ConnectionLogEvent>>
}

/** A cursor, and what the caller calls it. */
export interface After {
  readonly cursor: string
  readonly field: string
}

/** Slows a stream down. */
export interface Pace {
  /** Resolves when the next event may be given, or as soon as the stream has ended. */
  pause(ended: AbortSignal): Promise<void>
  isPausing(): boolean
  /** Called for each event that is given. */
  given(): void
}

const AT_ONCE: Pace = { pause: async () => undefined, isPausing: () => false, given: () => undefined }

export interface FollowParts {
  readonly feed: Feed<ConnectionLog>
  /** The places of reads of requests, of which one who is behind takes those of the user. */
  readonly shares: FairSemaphore
  readonly streams: OpenStreams
  readonly keyWatch: Pick<KeyWatch, 'untilInvalid'>
  readonly clock: Clock
  readonly retentionMs: number
  readonly cursorSecret: () => Promise<string>
}

export interface Following {
  /**
   * @param after undefined to begin at this moment
   * @throws {AppError} BAD_USER_INPUT, CURSOR_EXPIRED, RATE_LIMITED, SERVICE_UNAVAILABLE
   */
  follow(
    principal: Principal,
    sight: Sight,
    filter: ConnectionFilter,
    after: After | undefined,
    pace?: Pace,
  ): Promise<ConnectionLogStream>
  /** The cursor of this moment. */
  cursor(sight: Sight): Promise<string>
  /** Forgets what is held of logs in memory, because some were erased. */
  forget(): void
}

/** Clients that are sent away all at once are to come back one after another: in so many seconds, by chance. */
const COME_BACK_SECONDS = { least: 1, most: 5 }

export function createFollowing(parts: FollowParts): Following {
  const { feed, shares, streams, keyWatch, clock, retentionMs, cursorSecret } = parts
  const lately = new LRUCache<string, Sighted>({ max: MAX_SIGHTS })

  async function sighted(sight: Sight): Promise<Sighted> {
    const secret = await cursorSecret()
    const name = sight.only === 'user' ? `user:${sight.userId}` : 'everyone'
    const known = lately.get(name) ?? createSighted(createFeedCursorCodec(secret, sight))
    lately.set(name, known)
    return known
  }

  const follow: Following['follow'] = async (principal, sight, filter, after, pace = AT_ONCE) => {
    const ended = new AbortController()
    const holder = shareholderOf(principal)
    let reader: FeedReader<ConnectionLog> | undefined
    let endWith = (reason: AppError): void => void (early = reason)
    let early: AppError | undefined
    const close = streams.open(principal, () => endWith(stopping()))
    try {
      const { codec, eventOf } = await sighted(sight)
      const state = await feed.state()
      const asOf = () => ({ nowMs: clock.now(), retentionMs })
      const from = after ? codec.decode(after.cursor, after.field, state, asOf()) : state.mark
      if (early) throw early
      const own = feed.follow({
        users: usersOf(sight, filter),
        from,
        holder: holder ?? undefined,
        inTurn: (work) => (holder === null ? work() : shares.run(holder, work, ended.signal)),
        accepts: ({ log, mark: { place } }) =>
          log.createdAt > expiryCutoffMs(asOf()) &&
          matches(filter, log) &&
          (after !== undefined || !state.isRecorded(place.position)),
      })
      reader = own
      const cursor = () => codec.encode(own.mark(), state.lineage)
      const end = (reason?: AppError) => {
        ended.abort(ENDED)
        close()
        own.end(reason)
      }
      endWith = (reason) => {
        const { retryAfterSeconds } = reason
        end(new AppError(reason.code, reason.message, { retryAfterSeconds, cursor: cursor() }))
      }
      void keyWatch.untilInvalid(principal, ended.signal).then(() => {
        if (!ended.signal.aborted) end(new AppError('UNAUTHENTICATED', 'Unauthorized'))
      })
      const done = { done: true, value: undefined } as const
      const stream: ConnectionLogStream = {
        cursor,
        isWaiting: own.isWaiting,
        isAtHand: () => !pace.isPausing() && own.isAtHand(),
        next: async () => {
          try {
            // Before an event is taken, so that the cursor stays before it.
            await pace.pause(ended.signal)
            const event = await own.next()
            if (!event) return done
            pace.given()
            return { done: false, value: eventOf(event, state.lineage) }
          } catch (error) {
            end()
            throw error
          }
        },
        return: async () => {
          end()
          return done
        },
        [Symbol.asyncIterator]: () => stream,
      }
      return stream
    } catch (error) {
      ended.abort(ENDED)
      close()
      reader?.end()
      throw error
    }
  }

  return {
    follow,
    forget: feed.forget,
    cursor: async (sight) => {
      const { mark, lineage } = await feed.state()
      return (await sighted(sight)).codec.encode(mark, lineage)
    },
  }
}

/** What those who see the same logs share: an event is the same object for all of them. */
interface Sighted {
  readonly codec: FeedCursorCodec
  eventOf(event: FeedEvent<ConnectionLog>, lineage: string): ConnectionLogEvent
}

/** Users whose subscriptions share that; of one that is forgotten, the next makes it anew. */
const MAX_SIGHTS = 1_000

function createSighted(codec: FeedCursorCodec): Sighted {
  const known = new WeakMap<FeedEvent<ConnectionLog>, ConnectionLogEvent>()
  return {
    codec,
    eventOf: (event, lineage) => {
      const cursor = codec.encode(event.mark, lineage)
      const before = known.get(event)
      if (before?.cursor === cursor) return before
      const made = { log: event.log, cursor }
      known.set(event, made)
      return made
    },
  }
}

const stopping = () =>
  new AppError(
    'SERVICE_UNAVAILABLE',
    'The service is stopping. Come back in a moment with the last cursor.',
    {
      retryAfterSeconds: randomInt(COME_BACK_SECONDS.least, COME_BACK_SECONDS.most + 1),
    },
  )

/** Whose logs are to be read; the filter says the same once more. */
function usersOf(sight: Sight, { userId }: ConnectionFilter): readonly string[] | undefined {
  return sight.only === 'user' ? [sight.userId] : userId
}
