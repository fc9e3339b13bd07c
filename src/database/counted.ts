import {
  type Cell,
  type CountSelection,
  type CountTable,
  DAY,
  HOUR,
  MINUTE,
  type Run,
  periodsOf,
} from './count-table.ts'
import type { Dialect, LogTable, PageRequest } from './dialect.ts'
import { type Sql, empty, join, raw, sql } from './sql.ts'

/** Logs that are found through the counts: `where` says to the logs what `selection` says to the counts. */
export interface CountedRequest {
  readonly table: LogTable
  readonly where: Sql
  readonly selection: CountSelection
}

/** What the statements below need of a dialect. */
export type CountingDialect = Pick<Dialect, 'anyOf' | 'instant' | 'everyone'> & {
  /** The minute in which an instant lies, counted from 1970-01-01T00:00:00Z. */
  minuteOf(instant: Sql): Sql
  /** The instant at which a minute begins, counted from 1970-01-01T00:00:00Z. */
  minuteStart(minute: Sql): Sql
  /**
   * Joins to each row of `p`, in turn, the rows `c` of a table for which `condition` holds, which may name both. The
   * join is not to be turned round: the table is large, and the condition is a range of one of its indexes.
   */
  nested(table: Sql, condition: Sql): { readonly join: Sql; readonly where: Sql }
  /** Whether writers note deltas, which reads have to add. */
  readonly hasDeltas: boolean
}

/** `WITH` parts that give the total and, with `leaves`, the place of a page. */
export interface CountedParts {
  /**
   * `pieces`: the time asked for, cut into whole periods (`span` in minutes, `start`) and the minutes at its edges
   * (`span` 0), each with the number `n` of its logs.
   */
  pieces(request: CountedRequest): Sql[]
  /** The sum of `pieces`. */
  readonly total: Sql
  /**
   * `leaves`: the pieces among which the logs from `skip` to `skip + limit` stand, cut down to minutes, and how many
   * logs stand `before` each. Comes after {@link pieces}.
   */
  leaves(request: CountedRequest & Pick<PageRequest, 'skip' | 'limit'>): Sql[]
  /** Whether a log stands in a minute. Comes before other bounds of time: SQLite goes by the first that it finds. */
  inMinute(minute: Sql): Sql
}

const number = (value: number): Sql => raw(String(value))

/**
 * Statements over the counts, the same for every database. What they cost depends on how many periods there are and
 * on how many logs one minute has, and not on how many logs there are.
 */
export function countedParts(dialect: CountingDialect): CountedParts {
  const inMinute = (minute: Sql) => inPeriod(dialect, minute, MINUTE)

  /** Whether `c`, a row of the counts, is of that length and counts logs of the selection. */
  const counts = ({ table, selection }: CountedRequest, span: number): Sql =>
    sql`${ofUsers(selection, dialect.anyOf)} AND c.span = ${number(span)} AND c.${raw(table.counts.detail)} = ''${ofGroups(table.counts, selection, dialect.anyOf)}`

  /** `d`: what is noted and not merged yet, by minute. */
  function deltas({ table, selection }: CountedRequest, runs: readonly Run[]): Sql {
    return sql`d AS MATERIALIZED (
      SELECT c.start, CAST(sum(${amountOf(selection)}) AS BIGINT) AS n FROM ${raw(table.counts.deltas)} AS c
      WHERE ${notedOf(selection, dialect.anyOf)} AND ${within(runs)} AND c.${raw(table.counts.detail)} = ''${ofGroups(table.counts, selection, dialect.anyOf)}
      GROUP BY c.start
    )`
  }

  function pieces(request: CountedRequest): Sql[] {
    const { table, where, selection } = request
    const { runs, edges } = periodsOf(selection)
    const kept = runs.map(
      (run) =>
        sql`SELECT ${number(run.span)} AS span, c.start, ${amountOf(selection)} AS n FROM ${raw(table.counts.name)} AS c WHERE ${counts(request, run.span)} AND ${within([run])}`,
    )
    const noted = runs.map(
      (run) =>
        sql`SELECT ${number(run.span)} AS span, ${floor(run.span)} AS start, c.n FROM d AS c WHERE ${within([run])}`,
    )
    const counted = edges.map((minute) => {
      const start = sql`CAST(${minute} AS INTEGER)`
      return sql`SELECT 0 AS span, ${start} AS start, count(*) AS n FROM ${raw(table.name)} WHERE ${inMinute(start)} AND ${where}`
    })
    const parts = [...kept, ...(dialect.hasDeltas ? noted : []), ...counted]
    const all =
      parts.length === 0 ? sql`SELECT 0 AS span, 0 AS start, 0 AS n WHERE FALSE` : join(parts, ' UNION ALL ')
    return [
      ...(dialect.hasDeltas ? [deltas(request, runs)] : []),
      sql`pieces AS MATERIALIZED (SELECT span, start, CAST(sum(n) AS BIGINT) AS n FROM (${all}) AS p GROUP BY span, start)`,
    ]
  }

  const leaves: CountedParts['leaves'] = ({ skip, limit, ...request }) => {
    const hit = sql`n > 0 AND before < ${skip + limit} AND before + n > ${skip}`
    /** The periods of length `from` in `name` cut into those of length `to`; all others as they are. */
    const finer = (name: Sql, from: number, to: number): Sql => {
      const inside = sql`c.start >= p.start AND c.start < p.start + ${number(from)} AND p.span = ${number(from)}`
      const { join, where } = dialect.nested(
        raw(request.table.counts.name),
        sql`${counts(request, to)} AND ${inside}`,
      )
      const kept = sql`
        SELECT p.start AS parent, p.before AS base, c.start, ${amountOf(request.selection)} AS n
        FROM ${name} AS p ${join} WHERE ${where}`
      const noted = sql`
        SELECT p.start AS parent, p.before AS base, ${floor(to)} AS start, c.n FROM ${name} AS p CROSS JOIN d AS c WHERE ${inside}`
      return sql`
        SELECT ${number(to)} AS span, start, n, ${before(sql`PARTITION BY parent`, sql`base + `)} FROM (
          SELECT parent, base, start, CAST(sum(n) AS BIGINT) AS n
          FROM (${dialect.hasDeltas ? sql`${kept} UNION ALL ${noted}` : kept}) AS x GROUP BY parent, base, start
        ) AS y
        UNION ALL SELECT span, start, n, before FROM ${name} WHERE span <> ${number(from)}`
    }
    const ranked = sql`SELECT span, start, n, ${before(empty, empty)} FROM pieces`
    return [
      sql`days AS MATERIALIZED (SELECT * FROM (${ranked}) AS r WHERE ${hit})`,
      sql`hours AS MATERIALIZED (SELECT * FROM (${finer(sql`days`, DAY, HOUR)}) AS r WHERE ${hit})`,
      sql`leaves AS MATERIALIZED (SELECT * FROM (${finer(sql`hours`, HOUR, MINUTE)}) AS r WHERE ${hit})`,
    ]
  }

  return { pieces, total: sql`SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM pieces`, leaves, inMinute }
}

/** The rows of a page, found by passing over those before it. */
export const inOrder = ({ table, where, limit, skip }: PageRequest): Sql =>
  sql`SELECT * FROM ${raw(table.name)} WHERE ${where} ORDER BY created_at DESC, id DESC LIMIT ${limit} OFFSET ${skip}`

/** Logs that are passed over one by one rather than by the counts. */
const SHALLOW = 1_000

/**
 * Whether a page is best found by going through the logs from the newest on: it is near, and since every log of one
 * user, or of everyone, is asked for, each one passed over is one of them.
 */
export const isShallow = ({
  selection: { users, groups, cells },
  skip,
  limit,
}: CountedRequest & Pick<PageRequest, 'skip' | 'limit'>): boolean =>
  groups === undefined &&
  cells === undefined &&
  (users === 'everyone' || users.length === 1) &&
  skip + limit <= SHALLOW

/** How many logs the users of a request have in all; what is noted and not merged yet is left out. */
export function usersSize({ table, selection }: CountedRequest, { anyOf }: Pick<Dialect, 'anyOf'>): Sql {
  return sql`SELECT CAST(coalesce(sum(c.total), 0) AS BIGINT) FROM ${raw(table.counts.name)} AS c
    WHERE ${ofUsers(selection, anyOf)} AND c.span = ${number(DAY)} AND c.${raw(table.counts.detail)} = ''`
}

/** Whether `c` counts logs of these users. */
export const ofUsers = ({ users }: CountSelection, anyOf: Dialect['anyOf']): Sql =>
  users === 'everyone'
    ? sql`c.user_id = '' AND c.everyone = TRUE`
    : sql`${anyOf(sql`c.user_id`, users)} AND c.everyone = FALSE`

/** Whether `c`, a note that is not merged yet, is about logs of these users. */
export const notedOf = ({ users }: CountSelection, anyOf: Dialect['anyOf']): Sql =>
  users === 'everyone' ? sql`TRUE` : anyOf(sql`c.user_id`, users)

/** How many logs of these cells `c` counts. */
export const amountOf = ({ cells }: CountSelection): Sql =>
  cells === undefined ? sql`c.total` : raw(['0', ...cells.map((name) => `c.${name}`)].join(' + '))

/** How many logs of a group have the values of each cell, by the names of the cells. */
export const cellCounts = (cells: readonly Cell[]): string[] =>
  cells.map(({ name, of }) => {
    const values = Object.entries(of).map(([column, value]) => `${column} = '${value}'`)
    return `count(*) FILTER (WHERE ${values.join(' AND ')}) AS ${name}`
  })

/** Whether a log stands in the `span` minutes from a minute on. */
export const inPeriod = (
  { minuteStart }: Pick<CountingDialect, 'minuteStart'>,
  start: Sql,
  span: number,
): Sql =>
  sql`created_at >= ${minuteStart(start)} AND created_at < ${minuteStart(sql`${start} + ${number(span)}`)}`

/** Whether `c` counts logs of these groups, as one more condition. */
export const ofGroups = ({ group }: CountTable, { groups }: CountSelection, anyOf: Dialect['anyOf']): Sql =>
  groups === undefined ? empty : sql` AND ${anyOf(raw(`c.${group}`), groups)}`

/** The start of the period of `span` minutes in which a count or delta `c` lies. */
const floor = (span: number): Sql => sql`c.start - c.start % ${number(span)}`

/** Whether `c` lies in one of these runs, which follow one another; periods of each run's own length are meant. */
function within(runs: readonly Run[]): Sql {
  const [first, last] = [runs[0], runs.at(-1)]
  if (!first || !last) return sql`FALSE`
  return last.end === undefined
    ? sql`c.start >= ${first.start}`
    : sql`c.start >= ${first.start} AND c.start < ${last.end}`
}

/** How many logs are newer than those of a row. */
const before = (partition: Sql, base: Sql): Sql =>
  sql`CAST(${base}sum(n) OVER (${partition} ORDER BY start DESC) - n AS BIGINT) AS before`
