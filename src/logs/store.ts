import type { Sight } from '../auth/sight.ts'
import type { BreakdownRequest } from '../database/breakdown.ts'
import type { CountSelection } from '../database/count-table.ts'
import type { Row } from '../database/dialect.ts'
import type { Database } from '../database/port.ts'
import type { Shape } from '../database/shape.ts'
import { type Sql, join, raw, sql } from '../database/sql.ts'
import { MINTED_ID_LENGTH, idTimeMs } from '../kernel/ids.ts'
import { type Group, type GroupOutcome, appendGroups } from './append.ts'
import { everything } from './everything.ts'
import { createFewness } from './fewness.ts'
import { type YieldIfLong, NEVER_YIELDS } from '../kernel/yield-if-long.ts'
import type { AnyLog, LogKind } from './kind.ts'
import type { Horizon, Query } from './query.ts'
import { type Slice, type SliceRange, createSlices } from './slices.ts'
import { type LogStatistics, createStatistics } from './statistics.ts'

export interface Page<Log> {
  readonly logs: Log[]
  /** How many logs match in all, exactly, in the same snapshot as the page. */
  readonly total: number
}

/** A page whose logs are the text of a JSON array; null if one of them cannot be written in the shape asked for. */
export interface PageText {
  readonly logs: string | null
  readonly total: number
}

/** Where logs of one kind are kept. Every read takes a {@link Query}, which knows whose logs and since when. */
export interface LogStore<Log extends AnyLog, Filter> extends LogStatistics<Filter> {
  /** Newest first: `createdAt` descending, then id descending. */
  page(query: Query<Filter>, range: { limit: number; skip: number }): Promise<Page<Log>>
  /** The same page as text, each log in a shape. */
  pageText(query: Query<Filter>, range: { limit: number; skip: number }, shape: Shape): Promise<PageText>
  count(query: Query<Filter>): Promise<number>
  /**
   * The next logs from a position on, nearest first. Where few match, it stops after a number of others, with or without
   * logs, and says where.
   */
  slice(query: Query<Filter>, range: SliceRange): Promise<Slice<Log>>
  /**
   * All logs, oldest first, in pages: those that are there when the first page is asked for, each once, whatever is
   * recorded meanwhile.
   * @param query asked again for each page, since logs expire while this lasts; only its instant may change
   */
  everything(query: () => Query<Filter>): AsyncGenerator<Log[], void, undefined>
  /** The log with this id if the query matches it; null otherwise, whether or not it exists for others. */
  get(query: Query<Filter>, id: string): Promise<Log | null>
  /** As {@link appendGroups}. */
  append(groups: readonly Group<Log>[], horizon: () => Horizon): Promise<GroupOutcome<Log>[]>
}

export interface LogStoreOptions {
  /** Up to how many logs of a user are counted one by one, which is then quicker than through the counts. */
  readonly countedFrom?: number
  /** How many logs {@link LogStore.slice} passes that do not match, before it returns what it has found. */
  readonly maxRows?: number
  /** How many logs {@link LogStore.everything} reads at a time. */
  readonly pageSize?: number
  /** Called while logs are made ready to be stored. */
  readonly yieldIfLong?: YieldIfLong
}

const COUNTED_FROM = 2_000

const MAX_ROWS = 50_000

/** More at a time are hardly quicker. */
const PAGE_SIZE = 500

export function createLogStore<Log extends AnyLog, Filter>(
  database: Database,
  kind: LogKind<Log, Filter>,
  {
    countedFrom = COUNTED_FROM,
    maxRows = MAX_ROWS,
    pageSize = PAGE_SIZE,
    yieldIfLong = NEVER_YIELDS,
  }: LogStoreOptions = {},
): LogStore<Log, Filter> {
  const { dialect } = database
  const { table } = kind
  const few = createFewness(countedFrom)

  const read = <Row>({ read }: Query<Filter>, statement: Sql): Promise<Row[]> =>
    read ? read<Row>(statement) : database.query<Row>(statement)

  const where = (query: Query<Filter>, ...more: Sql[]): Sql => whereOf(query, query.filter, more)

  /** As the query, with another filter. */
  const whereOf = ({ sight, newerThanMs }: Query<Filter>, filter: Filter, more: readonly Sql[] = []): Sql =>
    join(
      [
        ...dialect.whileWanted,
        ...ofSight(sight),
        sql`created_at > ${dialect.instant(newerThanMs)}`,
        ...kind.where(filter, dialect, sight),
        ...more,
      ],
      ' AND ',
    )

  /** The query as the counts can answer it; undefined where it asks for more than they know. */
  function selectionOf({ sight, filter, newerThanMs }: Query<Filter>): CountSelection | undefined {
    const counted = kind.counted(filter)
    if (!counted) return undefined
    const users = sight.only === 'user' ? [sight.userId] : (counted.users ?? 'everyone')
    return { ...counted, users, fromMs: Math.max(newerThanMs + 1, counted.fromMs ?? -Infinity) }
  }

  const pageOf = async (
    query: Query<Filter>,
    { limit, skip }: { limit: number; skip: number },
    shape?: Shape,
  ): Promise<PageText> => {
    const request = { table, where: where(query), limit, skip, shape }
    const selection = selectionOf(query)
    const areFew = selection && few.of(selection)
    const [row] = await read<{ total: number | bigint; size?: number | bigint; logs: string | null }>(
      query,
      selection && areFew !== true
        ? dialect.countedPage({ ...request, selection, sized: areFew === undefined })
        : dialect.page(request),
    )
    const total = Number(row?.total)
    if (selection && row?.size !== undefined) few.learn(selection, Number(row.size))
    else if (selection && areFew === true && total >= countedFrom) few.learn(selection, total)
    return { total, logs: row?.logs ?? null }
  }

  const page: LogStore<Log, Filter>['page'] = async (query, range) => {
    const { total, logs } = await pageOf(query, range)
    return { total, logs: parseRows(logs ?? undefined, kind.fromRow) }
  }

  const count: LogStore<Log, Filter>['count'] = async (query) => {
    const selection = selectionOf(query)
    if (!selection) return (await page(query, { limit: 0, skip: 0 })).total
    const [row] = await read<{ total: number | bigint }>(
      query,
      dialect.countedTotal({ table, where: where(query), selection }),
    )
    return Number(row?.total)
  }

  /** The query as statistics ask it: few logs are counted one by one. */
  function requestOf(query: Query<Filter>): BreakdownRequest {
    const selection = selectionOf(query)
    return { table, where: where(query), selection: selection && few.of(selection) ? undefined : selection }
  }

  return {
    ...createStatistics({ dialect, read, table, requestOf, count, pageText: pageOf }),
    page,
    count,
    pageText: pageOf,

    slice: createSlices({
      dialect,
      kind,
      read,
      whereOf,
      parse: (logs) => parseRows(logs, kind.fromRow),
      maxRows,
    }),

    everything: (query) =>
      everything(dialect, {
        read: (statement) => read(query(), statement),
        table,
        pageSize,
        where: (bound) => where(query(), bound),
        parse: (logs) => parseRows(logs, kind.fromRow),
        placeOf: ({ createdAt, id, userId }) => ({ createdAt, id, userId: userId ?? '' }),
      }),

    get: async (query, id) => {
      const atMs = idTimeMs(id)
      const byId =
        atMs === undefined
          ? sql`id = ${id} AND ${IS_FOREIGN}`
          : sql`id = ${id} AND created_at = ${dialect.instant(atMs)}`
      const [row] = await read<{ logs: string }>(query, dialect.rows(table, where(query, byId)))
      // Two tenants may have brought the same id; a service key is shown the log that had it first.
      return parseRows(row?.logs, kind.fromRow)[0] ?? null
    },

    append: (groups, horizon) => appendGroups(database, kind, groups, horizon, yieldIfLong),
  }
}

/** As a text: an index over some of the logs serves no statement of which it is not known that it asks for these. */
const IS_FOREIGN = sql`length(id) <> ${raw(String(MINTED_ID_LENGTH))}`

const ofSight = (sight: Sight): Sql[] => (sight.only === 'user' ? [sql`user_id = ${sight.userId}`] : [])

function parseRows<Log>(text: string | undefined, fromRow: (row: Row) => Log): Log[] {
  return (JSON.parse(text ?? '[]') as Row[]).map(fromRow)
}
