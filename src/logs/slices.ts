import type { Dialect, Position } from '../database/dialect.ts'
import { type Sql, join, raw, sql } from '../database/sql.ts'
import type { AnyLog, LogKind } from './kind.ts'
import type { Query } from './query.ts'
import { type WalkedLogs, walk } from './walk.ts'

export interface SliceRange {
  /** Where to begin, that log itself excluded; at one end of all logs if absent. */
  readonly from?: Position | undefined
  /** Where to end, that log itself excluded. */
  readonly until?: Position | undefined
  readonly toward: 'older' | 'newer'
  readonly limit: number
}

export interface Slice<Log> {
  readonly logs: Log[]
  /** Whether more logs follow in the same direction; also true where it was not looked so far. */
  readonly hasMore: boolean
  /** Whether there are logs at `from` or behind it; also true where it was not looked so far. */
  readonly hasBehind: boolean
  /** How far was looked, if not to the end and fewer logs than the limit were found: the next slice begins there. */
  readonly stoppedAt?: Position | undefined
}

/** So many logs, found by an index, may all be read and sorted for a page. */
const FEW = 10_000

export interface SliceParts<Log extends AnyLog, Filter> {
  readonly dialect: Dialect
  readonly kind: LogKind<Log, Filter>
  /** The conditions of the query with another filter in the place of its own. */
  whereOf(query: Query<Filter>, filter: Filter, more?: readonly Sql[]): Sql
  read<Row>(query: Query<Filter>, statement: Sql): Promise<Row[]>
  parse(logs: string | undefined): Log[]
  /** How many logs a slice passes that do not match. */
  readonly maxRows: number
}

/**
 * Slices in one statement where each row that is read is on the page, or where an index finds few; else by {@link walk}, so
 * that no filter makes the database read all of the retention.
 */
export function createSlices<Log extends AnyLog, Filter>({
  dialect,
  kind,
  whereOf,
  read,
  parse,
  maxRows,
}: SliceParts<Log, Filter>): (query: Query<Filter>, range: SliceRange) => Promise<Slice<Log>> {
  const { table } = kind
  const few = Math.min(FEW, maxRows)

  async function isFew(query: Query<Filter>): Promise<boolean> {
    const indexed = kind.indexed(query.filter)
    if (!indexed) return false
    const some = sql`SELECT 1 FROM ${raw(table.name)} WHERE ${whereOf(query, indexed)} LIMIT ${few + 1}`
    const [row] = await read<{ logs: number | bigint }>(
      query,
      sql`SELECT count(*) AS logs FROM (${some}) AS l`,
    )
    return Number(row?.logs) <= few
  }

  /** The logs of a query's stretch of time, for a walk. */
  function walkedLogs(query: Query<Filter>, ends: readonly Sql[]): WalkedLogs<Log> {
    const stretch = kind.stretch(query.filter)
    // Each row is found by its place: an index of what is asked for would find those of all places.
    const matches = kind.where(query.filter, { ...dialect, ...dialect.ofRow }, query.sight)
    return {
      placeAfter: async (from, toward, rows) => {
        const where = whereOf(query, stretch, ends)
        const [edge] = await read<{ created_ms: number | bigint; id: string }>(
          query,
          dialect.edge({ table, where, from, toward, rows }),
        )
        return edge && { createdAt: Number(edge.created_ms), id: edge.id }
      },
      matching: async (start, until, toward, limit) => {
        // Before the other bounds of time: SQLite reads up to the first that it finds.
        const bounds = [
          ...(start?.isIncluded ? [dialect.beside(start.at, toward, 'or at')] : []),
          ...(until ? [dialect.beside(until, opposite(toward), 'or at')] : []),
        ]
        const where = join([...bounds, whereOf(query, stretch, [...ends, ...matches])], ' AND ')
        const from = start?.isIncluded ? undefined : start?.at
        const [row] = await read<{ logs: string }>(
          query,
          dialect.slice({ table, where, from, toward, limit, withBehind: false }),
        )
        return parse(row?.logs)
      },
    }
  }

  return async (query, range) => {
    const { from, until, toward, limit } = range
    const ends = until ? [dialect.beside(until, opposite(toward))] : []
    if (!isStretch(query.filter, kind) && !(await isFew(query)))
      return walk(walkedLogs(query, ends), range, maxRows)
    const where = whereOf(query, query.filter, ends)
    const [row] = await read<{ logs: string; behind: boolean | number }>(
      query,
      dialect.slice({ table, where, from, toward, limit: limit + 1, withBehind: true }),
    )
    const logs = parse(row?.logs)
    return { logs: logs.slice(0, limit), hasMore: logs.length > limit, hasBehind: Boolean(row?.behind) }
  }
}

const opposite = (toward: SliceRange['toward']) => (toward === 'older' ? 'newer' : 'older')

/** Whether a filter picks all logs of a stretch of time. */
const isStretch = <Filter>(filter: Filter, { stretch }: Pick<LogKind<never, Filter>, 'stretch'>): boolean =>
  Object.keys(stretch(filter) as object).length === Object.keys(filter as object).length
