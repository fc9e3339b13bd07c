import type { Database } from '../database/port.ts'
import { type Clock, HOUR_MS, SECOND_MS } from '../kernel/clock.ts'
import { createFairSemaphore } from '../kernel/fair-semaphore.ts'
import type { Running } from '../kernel/lifecycle.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import { createWaker } from '../kernel/waker.ts'
import { type YieldIfLong, createLongWork } from '../kernel/yield-if-long.ts'
import { createFeedChannels } from './feed-channel.ts'
import type { FeedEvent, FeedMark } from './feed-mark.ts'
import { type FeedReader, createFeedReader } from './feed-reader.ts'
import { type FeedRead, type FeedState, createFeedSource } from './feed-source.ts'
import type { AnyLog, LogKind } from './kind.ts'

export interface FollowOptions<Log> {
  /** Whose logs; everybody's if undefined. */
  readonly users: readonly string[] | undefined
  /** Where to begin. */
  readonly from: FeedMark
  /** Shares the reads of replays between users. */
  readonly holder?: string | undefined
  /** Runs a read for one who is behind when there is a place for it; at once if absent. */
  readonly inTurn?: <T>(work: () => Promise<T>) => Promise<T>
  /** Asked when an event is about to be given; those that are refused are passed over. */
  readonly accepts: (event: FeedEvent<Log>) => boolean
}

/**
 * Logs as they are recorded. One loop reads them for all who follow, whoever they are and however many; who is behind
 * reads for himself. Nothing is read while nobody follows.
 */
export interface Feed<Log> extends Running {
  state(): Promise<FeedState>
  follow(options: FollowOptions<Log>): FeedReader<Log>
  /** Logs were stored by this process. */
  announce(): void
  /** Forgets what it holds of logs, because some were erased. */
  forget(): void
  figures(): FeedFigures
}

/** What a feed tells of itself. */
export interface FeedFigures {
  readonly readers: number
  /** Events in memory for those who are a little behind. */
  readonly heldEvents: number
  /**
   * For how long a transaction that is still under way has kept back what was stored after it, in milliseconds: 0 where
   * none does, and where nobody follows.
   */
  readonly heldBackMs: number
}

/** How often is looked for logs of which no hint has told, in milliseconds. */
const POLL_MS = SECOND_MS
/** Hints that come within this time make one read. */
const GATHER_MS = 10
/** Logs that are read at a time, and how long those who follow have for them before more are read. */
const LIMIT = 500
const PACE_MS = 20
/** How soon is looked again for what a hint told of and a transaction keeps back; twice as long each time. */
const FIRST_RETRY_MS = 5
const LAST_RETRY_MS = 160
/** While nobody follows. */
const LONGEST_SLEEP_MS = HOUR_MS
/** Of those who are behind, so many read at once: pages have to be served too. */
const READS_AT_ONCE = { places: 3, sharePercent: 33 }

export interface FeedOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly yieldIfLong?: YieldIfLong
}

export function createFeed<Log extends AnyLog, Filter>(
  database: Database,
  kind: LogKind<Log, Filter>,
  { clock, logger, yieldIfLong = createLongWork(clock).yieldIfLong }: FeedOptions,
): Feed<Log> {
  const source = createFeedSource(database, kind, clock, yieldIfLong)
  const channels = createFeedChannels<Log>()
  const readers = new Set<FeedReader<Log>>()
  const turns = createFairSemaphore(READS_AT_ONCE)
  const waker = createWaker(clock)
  let isHinted = false
  let heldBackSince: number | undefined
  let lastSettled = -1n
  let running: Running | undefined
  /** Behind all that was read for the channels there are. */
  let mark: FeedMark | undefined
  /** When this is settled, all that the last hint told of has been read. */
  let wanted: bigint | undefined
  let retryMs = FIRST_RETRY_MS

  const hint = () => {
    isHinted = true
    waker.wake()
  }

  function noteLag({ settled, head }: FeedRead<Log>): void {
    if (settled >= head) heldBackSince = undefined
    else if (settled !== lastSettled || heldBackSince === undefined) heldBackSince = clock.steadyMs()
    lastSettled = settled
  }

  async function readOn(signal: AbortSignal): Promise<void> {
    if (channels.isEmpty()) {
      mark = undefined
      heldBackSince = undefined
      await waker.sleep(LONGEST_SLEEP_MS, signal)
      return
    }
    mark ??= (await source.state()).mark
    if (isHinted) {
      await clock.sleep(GATHER_MS, signal)
      isHinted = false
      wanted = undefined
      retryMs = FIRST_RETRY_MS
    }
    const pass = channels.beginRead(mark)
    const read = await source.read(channels.users(), mark, LIMIT)
    mark = read.next
    noteLag(read)
    pass.end(read.events, mark, clock.steadyMs())
    // What the hint told of is below the head of the first read after it.
    wanted ??= read.head
    if (!read.isAll) await clock.sleep(read.events.length > 0 ? PACE_MS : 0, signal)
    else if (read.settled >= wanted) await waker.sleep(POLL_MS, signal)
    else {
      await waker.sleep(retryMs, signal)
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
    }
  }

  function start(): Running {
    const stopping = new AbortController()
    const { signal } = stopping
    let isFailing = false
    const listener = database.hints.listen(hint)
    const loop = (async () => {
      while (!signal.aborted) {
        try {
          await readOn(signal)
          isFailing = false
        } catch (error) {
          // Goes on from where it was.
          if (!signal.aborted && !isFailing) logFailure(error, { task: 'feed' }, logger)
          isFailing = true
          await clock.sleep(POLL_MS, signal)
        }
      }
    })()
    return {
      stop: async () => {
        stopping.abort()
        await listener.stop()
        await loop
      },
    }
  }

  return {
    state: source.state,

    follow: ({ users, from, accepts, holder = '', inTurn = (work) => work() }) => {
      const channel = channels.of(users)
      const { reader, onNews } = createFeedReader({
        from,
        channel,
        accepts,
        yieldIfLong,
        read: (after, limit) => turns.run(holder, () => inTurn(() => source.read(users, after, limit))),
      })
      channel.readers.add(onNews)
      const own: FeedReader<Log> = {
        ...reader,
        end: (reason) => {
          readers.delete(own)
          channels.leave(channel, onNews)
          reader.end(reason)
        },
      }
      readers.add(own)
      running ??= start()
      waker.wake()
      return own
    },

    announce: () => {
      if (!channels.isEmpty()) hint()
      database.hints.announce()
    },
    forget: () => {
      channels.clear()
      for (const reader of readers) reader.forget()
    },
    figures: () => ({
      readers: readers.size,
      heldEvents: channels.held(),
      heldBackMs: heldBackSince === undefined ? 0 : clock.steadyMs() - heldBackSince,
    }),
    stop: async () => {
      for (const reader of readers) reader.end()
      await running?.stop()
      running = undefined
      heldBackSince = undefined
    },
  }
}
