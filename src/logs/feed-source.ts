import type { Row } from '../database/dialect.ts'
import type { FeedEndsRow, FeedStateRow, FollowRow } from '../database/following.ts'
import type { Database } from '../database/port.ts'
import { type Clock, MINUTE_MS } from '../kernel/clock.ts'
import { type FeedEvent, type FeedMark, comparePlaces, placeBefore } from './feed-mark.ts'
import { parseJsonInPieces } from '../kernel/json-text.ts'
import { type YieldIfLong, NEVER_YIELDS } from '../kernel/yield-if-long.ts'
import type { AnyLog, LogKind } from './kind.ts'

/** How far the feed had come at one moment. */
export interface FeedState {
  /** Behind all that is settled. */
  readonly mark: FeedMark
  /** Behind every position that was given so far. */
  readonly head: bigint
  readonly lineage: string
  /** Whether what has this position was visible already. */
  isRecorded(position: bigint): boolean
}

export interface FeedRead<Log> {
  /** In order. */
  readonly events: readonly FeedEvent<Log>[]
  /** The mark behind all that was looked at: behind the last event, or further where there is no other. */
  readonly next: FeedMark
  /** Whether that was all that is settled. */
  readonly isAll: boolean
  readonly settled: bigint
  readonly head: bigint
}

/** Reads logs in the order in which they become visible: each once, and none that could be preceded by another yet. */
export interface FeedSource<Log> {
  state(): Promise<FeedState>
  /** @param users whose logs; everybody's if undefined */
  read(users: readonly string[] | undefined, after: FeedMark, limit: number): Promise<FeedRead<Log>>
}

/** How far a log's `createdAt` may be ahead of when it is stored. */
const AHEAD_MS = 5 * MINUTE_MS

export function createFeedSource<Log extends AnyLog, Filter>(
  database: Database,
  kind: LogKind<Log, Filter>,
  clock: Clock,
  yieldIfLong: YieldIfLong = NEVER_YIELDS,
): FeedSource<Log> {
  const { dialect } = database

  return {
    state: async () => {
      const sinceMs = clock.now()
      const [row] = await database.query<FeedStateRow>(dialect.feedState(kind.table))
      if (!row) throw new TypeError('the database told no state of the feed')
      const [settled, head] = [BigInt(row.settled), BigInt(row.head)]
      const open = new Set((JSON.parse(row.open) as string[]).map(BigInt))
      return {
        mark: { place: placeBefore(settled), sinceMs },
        head,
        lineage: row.lineage,
        isRecorded: (position) => position < head && !open.has(position),
      }
    },

    read: async (users, after, limit) => {
      const startMs = clock.now()
      const [ends] = await database.query<FeedEndsRow>(dialect.feedEnds(kind.table))
      if (!ends) throw new TypeError('the database told no ends of the feed')
      const [settled, head] = [BigInt(ends.settled), BigInt(ends.head)]
      const [row] = await database.query<FollowRow>(
        dialect.follow({ table: kind.table, users, after: after.place, before: settled, limit }),
      )
      if (!row) throw new TypeError('the database told nothing of the feed')
      const through = BigInt(row.through)
      const events: FeedEvent<Log>[] = []
      let { sinceMs } = after
      const rows = await parseJsonInPieces(row.logs, yieldIfLong)
      for (const { position, ...columns } of rows as (Row & { position: string })[]) {
        const log = kind.fromRow(columns)
        // It was not visible before it was stored, and what is behind it was not before it.
        sinceMs = Math.max(sinceMs, log.createdAt - AHEAD_MS)
        const place = { position: BigInt(position), id: log.id, userId: log.userId ?? '' }
        events.push({ log, mark: { place, sinceMs } })
      }
      const last = events.at(-1)
      if (last && events.length >= limit) return { events, next: last.mark, isAll: false, settled, head }
      const isAll = through >= settled
      const next = { place: placeBefore(through), sinceMs: isAll ? Math.max(sinceMs, startMs) : sinceMs }
      return {
        events,
        next: comparePlaces(next.place, after.place) >= 0 ? next : after,
        isAll,
        settled,
        head,
      }
    },
  }
}
