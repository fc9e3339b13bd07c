import type { Breakdowns } from './breakdown.ts'
import type { CountDelta, CountTable } from './count-table.ts'
import type { CountedRequest } from './counted.ts'
import type { Erasing } from './erasing.ts'
import type { Following } from './following.ts'
import type { Recounting } from './recount.ts'
import type { Rewriting } from './rewriting.ts'
import type { Shape } from './shape.ts'
import type { Sql } from './sql.ts'

/** A column of a log table: what it is called in the database and in JavaScript, and how it travels. */
export interface Column {
  readonly name: string
  readonly property: string
  /** `instant`: milliseconds in JavaScript; `json`: a JSON text in the database, a value in JavaScript. */
  readonly type: 'text' | 'integer' | 'json' | 'instant'
  /** Kept for an index alone and never read back. */
  readonly writeOnly?: true
  /** Set where the empty text stands for null. */
  readonly empty?: 'null'
}

/** A table of logs and what belongs to it. Names are our own constants, never input. */
export interface LogTable {
  readonly name: string
  /** The memory of event ids. */
  readonly eventIds: string
  /** The FTS5 index beside the table, where the database needs one. */
  readonly terms: string
  readonly columns: readonly Column[]
  readonly counts: CountTable
}

/** A row in JavaScript, by property name. */
export type Row = Readonly<Record<string, unknown>>

export interface PageRequest {
  readonly table: LogTable
  readonly where: Sql
  readonly limit: number
  readonly skip: number
  /** How each log is written, all of its properties if absent. */
  readonly shape?: Shape | undefined
}

/** Where a log stands in the order of all logs: newest first, by id within a millisecond. */
export interface Position {
  readonly createdAt: number
  readonly id: string
}

export interface SliceRequest {
  readonly table: LogTable
  readonly where: Sql
  /** Where to begin, that log itself excluded; at the end of all logs if absent. */
  readonly from: Position | undefined
  readonly toward: 'older' | 'newer'
  readonly limit: number
  /** Whether `behind` is looked for; it is false otherwise. */
  readonly withBehind: boolean
}

export interface EdgeRequest extends Pick<SliceRequest, 'table' | 'where' | 'from' | 'toward'> {
  /** How many rows away, at least 1. */
  readonly rows: number
}

/** Where a log stands among all logs: two users may have brought the same id at the same instant. */
export interface Place extends Position {
  readonly userId: string
}

export interface NextRequest {
  readonly table: LogTable
  readonly where: Sql
  /** The log before the first one; the oldest of all is the first if absent. */
  readonly after: Place | undefined
  readonly limit: number
}

/** One (tenant, event id) that a new log claims for itself. */
export interface Claim {
  readonly userId: string
  readonly eventId: string
  readonly day: number
  readonly logId: string
  readonly createdAt: number
}

/** When a key was used, in milliseconds since the epoch. */
export interface KeyUse {
  readonly keyId: string
  readonly atMs: number
}

/**
 * All that differs between databases in what the log machine asks of them, as fragments and statements.
 * Nothing outside this folder knows which database it talks to.
 */
export interface Dialect extends Recounting, Breakdowns, Erasing, Following, Rewriting {
  /** An instant as a parameter. */
  instant(ms: number): Sql
  /** Whether the instant in a column has come. Also true for what is no instant; false for NULL. */
  hasCome(column: Sql, nowMs: number): Sql
  /** `column` equals one of `values`; no values match nothing. */
  anyOf(column: Sql, values: readonly string[]): Sql
  /** To be said where logs of all users are meant: it holds for each, and lets the index over all of them serve. */
  readonly everyone: Sql
  /**
   * Conditions that hold for every log, and end the statement where its caller has gone. They come first in the WHERE of
   * whatever may go through many logs, before those by which logs are passed over.
   */
  readonly whileWanted: readonly Sql[]
  /** For each of `prefixes` the log has a term that begins with it. Prefixes are words as the tokenizer cuts them. */
  hasTerms(table: LogTable, prefixes: readonly string[]): Sql
  /**
   * One row `{ total, logs }`: the exact number of matches, and the page as JSON text, in one snapshot. `logs` is null
   * if a log on the page cannot be written in the shape.
   */
  page(request: PageRequest): Sql
  /**
   * The same answer as {@link page}, found through the counts: it takes no longer where there are more logs. Where
   * `sized`, `size` is how many logs these users have in all, about.
   */
  countedPage(request: PageRequest & CountedRequest & { readonly sized: boolean }): Sql
  /** One row `{ total }`, through the counts. */
  countedTotal(request: CountedRequest): Sql
  /**
   * One row `{ logs, behind }`: the next matches from a position on as JSON text, nearest first, and whether any match
   * stands at the position or behind it, in one snapshot.
   */
  slice(request: SliceRequest): Sql
  /** The row `{ created_ms, id }` of the log that is so many matches away from a position, if there is one. */
  edge(request: EdgeRequest): Sql
  /**
   * Conditions on one row that no index is entered by: for rows that are found by their place, of which few may match.
   */
  readonly ofRow: Pick<Dialect, 'anyOf' | 'hasTerms'>
  /** One row `{ snapshot }`: which logs are committed at this moment, as a text that {@link within} takes. */
  snapshot(table: LogTable): Sql
  /** Whether a log was committed when the snapshot was taken, however long ago that was. */
  within(snapshot: string): Sql
  /** One row `{ logs }`: the matches that follow on a place as JSON text, oldest first, by id and user within an instant. */
  next(request: NextRequest): Sql
  /** Whether a log stands on the given side of a position, or at it if asked for. */
  beside(position: Position, side: 'older' | 'newer', orAt?: 'or at'): Sql
  /** One row `{ logs }` with all matches as JSON text, first recorded first; `where` must be selective. */
  rows(table: LogTable, where: Sql): Sql
  /** Appends rows and, unless `deltas` is empty, counts them as {@link count} does. The statements belong into one transaction. */
  append(table: LogTable, rows: readonly Row[], deltas: readonly CountDelta[]): Sql[]
  /** Keeps everybody else from the counts of a table until the transaction ends. */
  lockCounts(table: LogTable): Sql[]
  /** Adds to the counts, in the transaction that stores or deletes the logs: once in each. */
  count(table: CountTable, deltas: readonly CountDelta[]): Sql[]
  /**
   * Which of the wanted `(userId, eventId)` are taken by logs newer than `afterMs`: rows `{ user_id, event_id, log }`,
   * the log as JSON text. The same event id may come twice, with the same log.
   */
  taken(table: LogTable, wanted: readonly Pick<Claim, 'userId' | 'eventId'>[], afterMs: number): Sql
  /** Which of the logs with these keys are stored: rows `{ user_id, log }`, the log as JSON text. */
  stored(table: LogTable, keys: readonly (Position & { readonly userId: string })[]): Sql
  /**
   * Takes the claims, those of logs that expired by `afterMs` included; changes one row for each that was free. Fewer rows
   * than claims mean that somebody else took one since {@link taken} was asked.
   */
  claim(table: LogTable, claims: readonly Claim[], afterMs: number): Sql
  /**
   * One row `{ free }`: whether this transaction may clean up. Of several processes one at a time may; the right ends
   * with the transaction, however that ends.
   */
  tryCleanup(): Sql
  /**
   * Deletes at most `limit` logs with `created_at <= throughMs`, oldest first. A row for each, with what the counts
   * need to know of it, by property name.
   */
  deleteExpired(table: LogTable, throughMs: number, limit: number): Sql
  /** Deletes at most `limit` remembered event ids whose day is before `day`. */
  deleteEventIds(table: LogTable, day: number, limit: number): Sql
  /** Has others who make a key of this user wait until the transaction ends. */
  lockKeysOf(userId: string): Sql[]
  /** Notes when keys were last used, where that is later than what is noted, in the order of their ids. */
  noteUses(uses: readonly KeyUse[]): Sql
  /** One row `{ now_ms }`: what time the database has. */
  now(): Sql
}
