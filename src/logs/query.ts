import type { Sight } from '../auth/sight.ts'
import type { Sql } from '../database/sql.ts'

/** As with {@link Sight}: no literal is a query, and a copy by spread is none. */
declare class Made {
  private readonly byCreateQuery: true
}

/** Runs a statement for one caller: when it is the caller's turn, and no longer than the caller waits. */
export type Read = <Row>(statement: Sql) => Promise<Row[]>

/**
 * What is asked of a store: a filter, whose logs, and since when. The sight comes from the key and the instant from
 * the clock, put together in one place ({@link createQuery}), so that no caller can leave either out.
 */
export type Query<Filter> = Made & {
  readonly sight: Sight
  /** Only logs with `createdAt > newerThanMs`: neither expired nor before the days asked for. */
  readonly newerThanMs: number
  readonly filter: Filter
  /** How its statements are run; at once if absent. */
  readonly read: Read | undefined
}

export interface Horizon {
  readonly nowMs: number
  readonly retentionMs: number
}

/** A log has expired from the very millisecond `createdAt + retention` on. */
export function expiryCutoffMs({ nowMs, retentionMs }: Horizon): number {
  return nowMs - retentionMs
}

/**
 * @param lastMs only the last so many milliseconds; what has expired stays out however far back is asked
 */
export function createQuery<Filter>(
  sight: Sight,
  filter: Filter,
  horizon: Horizon,
  lastMs = Infinity,
  read?: Read,
): Query<Filter> {
  const newerThanMs = Math.max(expiryCutoffMs(horizon), horizon.nowMs - lastMs)
  return { sight, filter, newerThanMs, read } as Query<Filter>
}
