import { type CountSelection, DAY, HOUR, MINUTE, NO_END, type Run, periodsOf } from './count-table.ts'
import {
  type CountingDialect,
  amountOf,
  cellCounts,
  inPeriod,
  notedOf,
  ofGroups,
  ofUsers,
} from './counted.ts'
import type { LogTable } from './dialect.ts'
import { type Sql, empty, join, raw, sql } from './sql.ts'

/** A stretch of time, in milliseconds; without an end if `beforeMs` is absent. */
export interface Period {
  /** Inclusive. */
  readonly fromMs: number
  /** Exclusive. */
  readonly beforeMs?: number | undefined
}

export interface BreakdownRequest {
  readonly table: LogTable
  readonly where: Sql
  /** What `where` says, to the counts; absent where they cannot answer, and logs have to be read. */
  readonly selection?: CountSelection | undefined
}

/** Logs that are counted one by one are parted by this many minutes, which every time zone's hours and days begin at. */
export const QUARTER = 15

/** Statements that count logs by several things at once. Each gives one row with one JSON text of rows. */
export interface Breakdowns {
  /**
   * `{ rows }`: `[period, group, ...cells]`, how many logs there are in each period and group, a number for each cell
   * of the selection or, without one, of the table. `period` is the place in `periods`, which begin and end at whole
   * minutes but where the selection does; without a selection, it is the start of a {@link QUARTER}, in minutes.
   */
  breakdown(request: BreakdownRequest & { readonly periods: readonly Period[] }): Sql
  /** `{ rows }`: `[detail, logs]`, the values of the detail that most logs have. */
  topDetails(request: BreakdownRequest & { readonly limit: number }): Sql
  /** `{ rows }`: what the newest `limit` logs have in a column of numbers, null included. */
  newest(request: BreakdownRequest & { readonly column: string; readonly limit: number }): Sql
}

/** What the statements need of a dialect besides. */
export type BreakdownDialect = CountingDialect & {
  /** One row `{ rows }`: the rows as a JSON array of arrays, or of values if there is but one column. */
  jsonRows(columns: readonly string[], rows: Sql): Sql
  /** A table of integers by the names of its columns. */
  integers(names: readonly string[], rows: readonly (readonly number[])[]): Sql
}

const RUN_COLUMNS = ['period', 'span', 'start', 'stop']

const runRow = (period: number, { span, start, end = NO_END }: Run) => [period, span, start, end]

export function breakdowns(dialect: BreakdownDialect): Breakdowns {
  /** Joins runs `p` with their counts `c`, and with what is noted besides. */
  function ofRuns(
    { table, selection }: { table: LogTable; selection: CountSelection },
    runs: readonly (readonly number[])[],
    columns: Sql,
    detail: Sql,
  ): Sql[] {
    const p = sql`(${dialect.integers(RUN_COLUMNS, runs)}) AS p`
    const inRun = sql`c.start >= p.start AND c.start < p.stop AND ${detail}${ofGroups(table.counts, selection, dialect.anyOf)}`
    const kept = dialect.nested(
      raw(table.counts.name),
      sql`${ofUsers(selection, dialect.anyOf)} AND c.span = p.span AND ${inRun}`,
    )
    return [
      sql`SELECT ${columns} FROM ${p} ${kept.join} WHERE ${kept.where}`,
      ...(dialect.hasDeltas
        ? [
            sql`SELECT ${columns} FROM ${p} CROSS JOIN ${raw(table.counts.deltas)} AS c WHERE ${notedOf(selection, dialect.anyOf)} AND ${inRun}`,
          ]
        : []),
    ]
  }

  return {
    breakdown: ({ table, where, selection, periods }) => {
      const { group, detail, cells } = table.counts
      const chosen = cells.filter(({ name }) => selection?.cells?.includes(name) ?? true)
      const names = chosen.map(({ name }) => name)
      const one = (period: Sql, condition: Sql) =>
        sql`SELECT ${period} AS period, ${raw([group, ...cellCounts(chosen)].join(', '))}
          FROM ${raw(table.name)} WHERE ${condition}${where} GROUP BY 1, 2`
      if (!selection) {
        const minute = dialect.minuteOf(sql`created_at`)
        return dialect.jsonRows(
          ['period', group, ...names],
          one(sql`${minute} - ${minute} % ${raw(String(QUARTER))}`, empty),
        )
      }
      const cut = periods.map((period) => periodsOf(clipped(period, selection)))
      const runs = cut.flatMap((pieces, index) => pieces.runs.map((run) => runRow(index, run)))
      const edges = cut.flatMap((pieces, index) =>
        pieces.edges.map((start) =>
          one(
            sql`CAST(${index} AS INTEGER)`,
            sql`${inPeriod(dialect, sql`CAST(${start} AS INTEGER)`, MINUTE)} AND `,
          ),
        ),
      )
      const columns = raw(['p.period', ...[group, ...names].map((name) => `c.${name}`)].join(', '))
      const parts = [...ofRuns({ table, selection }, runs, columns, sql`c.${raw(detail)} = ''`), ...edges]
      const sums = names.map((name) => `CAST(sum(${name}) AS BIGINT) AS ${name}`)
      return dialect.jsonRows(
        ['period', group, ...names],
        sql`SELECT ${raw(['period', group, ...sums].join(', '))} FROM (${join(parts, ' UNION ALL ')}) AS u GROUP BY period, ${raw(group)}`,
      )
    },

    topDetails: ({ table, where, selection, limit }) => {
      const { detail } = table.counts
      const name = raw(detail)
      const one = (condition: Sql) =>
        sql`SELECT ${name}, count(*) AS logs FROM ${raw(table.name)} WHERE ${condition}${where} AND ${name} > '' GROUP BY ${name}`
      const parts: Sql[] = []
      if (selection) {
        const { runs, edges } = periodsOf(selection, [HOUR, DAY])
        parts.push(
          ...ofRuns(
            { table, selection },
            runs.map((run) => runRow(0, run)),
            sql`c.${name}, ${amountOf(selection)} AS logs`,
            sql`c.${name} > ''`,
          ),
          ...edges.map((start) => one(sql`${inPeriod(dialect, sql`CAST(${start} AS INTEGER)`, HOUR)} AND `)),
        )
      } else parts.push(one(empty))
      return dialect.jsonRows(
        [detail, 'logs'],
        sql`SELECT ${name}, CAST(sum(logs) AS BIGINT) AS logs FROM (${join(parts, ' UNION ALL ')}) AS u
          GROUP BY ${name} HAVING sum(logs) > 0 ORDER BY logs DESC, ${name} LIMIT ${limit}`,
      )
    },

    newest: ({ table, where, column, limit }) =>
      dialect.jsonRows(
        [column],
        sql`SELECT ${raw(column)} FROM ${raw(table.name)} WHERE ${where} ORDER BY created_at DESC, id DESC LIMIT ${limit}`,
      ),
  }
}

/** What of a period is asked for. */
function clipped(period: Period, { fromMs, beforeMs }: CountSelection): Period {
  const ends = [period.beforeMs, beforeMs].filter((end) => end !== undefined)
  return {
    fromMs: Math.max(period.fromMs, fromMs),
    beforeMs: ends.length === 0 ? undefined : Math.min(...ends),
  }
}
