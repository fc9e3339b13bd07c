import type { LogTable } from './dialect.ts'

/** Connections of a process to its database. */
export interface PoolFigures {
  readonly max: number
  readonly busy: number
  readonly idle: number
  /** Who waits for a connection. */
  readonly waiting: number
}

/** What the database has before it. */
export interface Backlog {
  /** Notes of writers that are not merged into the counts yet, up to {@link MAX_COUNTED_NOTES}. */
  readonly notes: number
  /** For how many days after today there is room already. */
  readonly daysAhead: number
}

/** To count more would take longer than to merge them. */
export const MAX_COUNTED_NOTES = 200_000

/** What a database tells of its load, for metrics. */
export interface Load {
  /** What it is called by OpenTelemetry. */
  readonly system: 'sqlite' | 'postgresql'
  /** Asks nobody. Undefined where there is no pool. */
  pool(): PoolFigures | undefined
  /** Asks the database. Undefined where it answers and has no such things. */
  backlog(table: LogTable, today: number): Promise<Backlog | undefined>
}
