import type { BreakdownRequest, Period } from '../database/breakdown.ts'
import type { Cell } from '../database/count-table.ts'
import type { Dialect, LogTable } from '../database/dialect.ts'
import type { Shape } from '../database/shape.ts'
import type { Sql } from '../database/sql.ts'
import { MINUTE_MS } from '../kernel/clock.ts'
import type { Query } from './query.ts'

/** Numbers about logs, as they are asked of a store. */
export interface LogStatistics<Filter> {
  /**
   * How many logs there are by period, group and cell of the counts; nothing where there are none. Periods follow one
   * another, cover what the query asks for, and begin and end at whole quarters of an hour.
   */
  breakdown(query: Query<Filter>, periods: readonly Period[]): Promise<BreakdownRow[]>
  /** The values of the counts' detail that most logs have, most first. */
  topDetails(query: Query<Filter>, limit: number): Promise<{ detail: string; logs: number }[]>
  /**
   * The numbers in a column: of all logs up to `all`; else of `some` that are evenly spread or, where the counts cannot
   * answer the query, of the newest `all`.
   */
  sample(query: Query<Filter>, property: string, size: { all: number; some: number }): Promise<Sample>
}

export interface BreakdownRow {
  /** Place in the list of periods. */
  readonly period: number
  readonly group: string
  readonly cell: Cell
  readonly logs: number
}

export interface Sample {
  readonly values: number[]
  /** Whether every log was looked at. */
  readonly isWhole: boolean
}

/** Logs that a sample takes from one place. */
const SAMPLE_PAGE = 100

export interface StatisticsOptions<Filter> {
  readonly dialect: Dialect
  read<Row>(query: Query<Filter>, statement: Sql): Promise<Row[]>
  readonly table: LogTable
  requestOf(query: Query<Filter>): BreakdownRequest
  count(query: Query<Filter>): Promise<number>
  pageText(
    query: Query<Filter>,
    range: { limit: number; skip: number },
    shape: Shape,
  ): Promise<{ readonly logs: string | null }>
}

export function createStatistics<Filter>({
  dialect,
  read,
  table,
  requestOf,
  count,
  pageText,
}: StatisticsOptions<Filter>): LogStatistics<Filter> {
  const rowsOf = async <Row>(query: Query<Filter>, statement: Sql): Promise<Row[]> => {
    const [row] = await read<{ rows: string }>(query, statement)
    return JSON.parse(row?.rows ?? '[]') as Row[]
  }

  const breakdown: LogStatistics<Filter>['breakdown'] = async (query, periods) => {
    const request = requestOf(query)
    const rows = await rowsOf<[number, string, ...number[]]>(
      query,
      dialect.breakdown({ ...request, periods }),
    )
    const cells = table.counts.cells.filter(({ name }) => request.selection?.cells?.includes(name) ?? true)
    const periodAt = (start: number) => periods.findLastIndex(({ fromMs }) => fromMs <= start * MINUTE_MS)
    return rows.flatMap(([period, group, ...logs]) =>
      cells.flatMap((cell, index) => {
        const n = logs[index] ?? 0
        return n === 0
          ? []
          : [{ period: request.selection ? period : periodAt(period), group, cell, logs: n }]
      }),
    )
  }

  const topDetails: LogStatistics<Filter>['topDetails'] = async (query, limit) => {
    const rows = await rowsOf<[string, number]>(query, dialect.topDetails({ ...requestOf(query), limit }))
    return rows.map(([detail, logs]) => ({ detail, logs }))
  }

  const sample: LogStatistics<Filter>['sample'] = async (query, property, { all, some }) => {
    const request = requestOf(query)
    const total = request.selection ? await count(query) : 0
    if (total <= all) {
      const column = table.columns.find((one) => one.property === property)?.name ?? property
      const values = await rowsOf<number | null>(
        query,
        dialect.newest({ ...request, column, limit: all + 1 }),
      )
      const seen = values.slice(0, all).filter((value) => value !== null)
      return { values: seen, isWhole: values.length <= all }
    }
    // Pages from all over: where each begins is found by the counts.
    const shape: Shape = [{ key: 'value', value: { is: 'plain', property } }]
    const pages = some / SAMPLE_PAGE
    const values: number[] = []
    for (let index = 0; index < pages; index += 1) {
      const skip = Math.floor(((index + 0.5) / pages) * (total - SAMPLE_PAGE))
      const { logs } = await pageText(query, { limit: SAMPLE_PAGE, skip }, shape)
      for (const { value } of JSON.parse(logs ?? '[]') as { value: number | null }[])
        if (value !== null) values.push(value)
    }
    return { values, isWhole: false }
  }

  return { breakdown, topDetails, sample }
}
