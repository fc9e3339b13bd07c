import type { LogTable } from './dialect.ts'
import type { Sql } from './sql.ts'

/**
 * Where a log stands in the order in which logs become visible. Unlike an id or an instant, a position is never given
 * to a log that becomes visible later than one behind it. Logs of one transaction may share theirs; they are in the
 * order of their ids, and then of their users. A place without id and user is before all logs of its position.
 */
export interface FeedPlace {
  readonly position: bigint
  readonly id: string
  readonly userId: string
}

export interface FollowRequest {
  readonly table: LogTable
  /** Whose logs; everybody's if absent. */
  readonly users: readonly string[] | undefined
  readonly after: FeedPlace
  /** Before which position to look: `settled`, as a statement told it that was over before this one began. */
  readonly before: bigint
  readonly limit: number
}

/** How far the order of logs has come at one moment. Positions travel as text. */
export interface FeedEndsRow {
  /** What is before this position is visible or never will be. */
  readonly settled: string
  /** Behind every position that was given so far. */
  readonly head: string
}

export interface FeedStateRow extends FeedEndsRow {
  /** JSON array: which positions from `settled` to `head` may still become visible. The others are visible already. */
  readonly open: string
  /** Positions mean nothing in a database that has another lineage, be it a copy of this one. */
  readonly lineage: string
}

export interface FollowRow {
  /** JSON array of logs, each with its `position` as a text, in order. */
  readonly logs: string
  /** Up to where was looked, this position itself excluded: to `before`, or less far where that would take long. */
  readonly through: string
}

/** Statements that read logs in the order in which they become visible. */
export interface Following {
  /** One row, a {@link FeedStateRow}. */
  feedState(table: LogTable): Sql
  /** One row, a {@link FeedEndsRow}. */
  feedEnds(table: LogTable): Sql
  /** One row, a {@link FollowRow}: the next logs behind a place, at most `limit`. */
  follow(request: FollowRequest): Sql
}
