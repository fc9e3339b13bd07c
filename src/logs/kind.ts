import type { Sight } from '../auth/sight.ts'
import type { CountSelection } from '../database/count-table.ts'
import type { Dialect, LogTable, Row } from '../database/dialect.ts'
import type { Sql } from '../database/sql.ts'

/** What every log has, whatever its kind. Instants are milliseconds since the epoch. */
export interface AnyLog {
  readonly id: string
  readonly userId: string | null
  readonly createdAt: number
}

/**
 * A kind of log: all that the log machine has to be told. A filter has two readings, `where` for the database and
 * `matches` for a log in hand; they must agree on every log.
 */
export interface LogKind<Log extends AnyLog, Filter> {
  readonly table: LogTable
  where(filter: Filter, dialect: Dialect, sight: Sight): Sql[]
  matches(filter: Filter, log: Log): boolean
  /**
   * The filter as the counts can answer it, users and times included; undefined if it asks for more than is counted.
   * It must pick what `where` picks.
   */
  counted(filter: Filter): Partial<CountSelection> | undefined
  /** The parts of a filter that pick all logs of a stretch of time, of everyone or of one user. */
  stretch(filter: Filter): Filter
  /** The parts of a filter for which there are indexes, times included; undefined if it has none but its {@link stretch}. */
  indexed(filter: Filter): Filter | undefined
  toRow(log: Log): Row
  fromRow(row: Row): Log
  /** How `terms` of {@link toRow} are made. */
  readonly folding: {
    /** Grows with every change of them. */
    readonly version: number
    /** Whether no version makes other terms of this log. */
    isStable(log: Log): boolean
  }
  /** Whether two logs tell the same event; ids and instants aside. */
  sameEvent(a: Log, b: Log): boolean
}
