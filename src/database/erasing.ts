import type { LogTable } from './dialect.ts'
import type { Transaction } from './port.ts'
import type { Sql } from './sql.ts'

/** A name that a log has claimed: its event id or its own id. */
export interface LogName {
  readonly userId: string
  readonly eventId: string
  readonly logId: string
}

/** Statements that take logs and their names away for good. */
export interface Erasing {
  /**
   * Deletes at most `limit` logs that match, by user and time. A row for each, by property name: what the counts need,
   * and `id` and `eventId`, under which it may be remembered.
   */
  deleteMatching(table: LogTable, where: Sql, limit: number): Sql
  /** Forgets these names, as far as these logs bear them. Belongs into one transaction; the last one counts. */
  forgetNames(table: LogTable, names: readonly LogName[]): Sql[]
  /** Forgets at most `limit` event ids of a user whose logs are gone. The same holds. */
  forgetOrphans(table: LogTable, userId: string, limit: number): Sql[]
}

/** What a database does for an erasure beside deleting rows. */
export interface Eraser {
  /** As {@link Database.transaction}; what is deleted in it is overwritten where the database can do so. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /**
   * Takes out of the counts the rows that have come to nothing, which name users and error codes all the same; and
   * those of `userId`, if it has no logs, whatever they say.
   */
  clearCounts(table: LogTable, userId: string | undefined): Promise<void>
  /**
   * Cleans up the space in which deleted rows have stood, so that they cannot be read from it any more. May be called
   * at any time, and again.
   */
  scrub(table: LogTable): Promise<Scrubbing>
}

export interface Scrubbing {
  /** Whether all was done that this process can do to it. */
  readonly scrubbed: boolean
  /** What is left to do, or what remains all the same, in sentences; null for nothing. */
  readonly remark: string | null
}
