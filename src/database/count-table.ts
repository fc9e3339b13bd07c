import { MINUTE_MS } from '../kernel/clock.ts'
import type { Column, LogTable, Row } from './dialect.ts'

/**
 * Counts of logs by user, period and what filters ask for most, kept in the transaction that stores or deletes the
 * logs. A row counts the logs of one *group* in one period; its columns, the *cells*, part them further. Names are
 * columns of the log table and our own constants, never input.
 */
export interface CountTable {
  readonly name: string
  /** Where writers note what they add, on databases where they run side by side. */
  readonly deltas: string
  /** Column whose every value has a row of its own. */
  readonly group: string
  /** Column whose values, where there are any, are counted once more in rows of their own, by hour and day. */
  readonly detail: string
  readonly cells: readonly Cell[]
}

/** A column that counts the logs which have these values. */
export interface Cell {
  readonly name: string
  readonly of: Readonly<Record<string, string>>
}

/** Lengths of the periods that are counted, in minutes. Each is a multiple of the one before. */
export const MINUTE = 1
export const HOUR = 60
export const DAY = 1_440
export const SPANS = [MINUTE, HOUR, DAY] as const

/** What is added to the counts of a user, or with numbers below zero taken away. */
export interface CountDelta {
  readonly userId: string
  /** The minute, counted from 1970-01-01T00:00:00Z. */
  readonly start: number
  readonly group: string
  /** Empty for all logs. */
  readonly detail: string
  total: number
  /** By name; those that stay as they are left out. */
  readonly cells: Record<string, number>
}

/** The columns of the log table by which logs are counted. */
export function countedColumns({ columns, counts }: LogTable): Column[] {
  const names = new Set(['user_id', 'created_at', counts.group, counts.detail])
  for (const cell of counts.cells) for (const name of Object.keys(cell.of)) names.add(name)
  return columns.filter(({ name }) => names.has(name))
}

/** What has to be known of a log that is erased: how it was counted, and the names that it may have claimed. */
export const erasedColumns = (table: LogTable): Column[] => [
  ...table.columns.filter(({ name }) => name === 'id' || name === 'event_id'),
  ...countedColumns(table),
]

/**
 * What storing (`by` 1) or deleting (`by` -1) these logs does to the counts.
 * @param rows with at least the {@link countedColumns}, by property name
 */
export function deltasOf(table: LogTable, rows: readonly Row[], by: 1 | -1): CountDelta[] {
  const { group, detail } = table.counts
  const propertyOf = new Map(table.columns.map(({ name, property }) => [name, property]))
  const property = (column: string) => propertyOf.get(column) ?? column
  const [userIdOf, createdAtOf] = [property('user_id'), property('created_at')]
  const [groupOf, detailOf] = [property(group), property(detail)]
  const cellOf = cellFinder(table.counts.cells, property)
  const deltas = new Map<string, CountDelta>()
  for (const row of rows) {
    const cell = cellOf(row)
    const userId = String(row[userIdOf])
    const start = Math.floor(Number(row[createdAtOf]) / MINUTE_MS)
    const group = String(row[groupOf])
    const code = row[detailOf]
    for (const detail of typeof code === 'string' && code !== '' ? ['', code] : ['']) {
      const key = `${userId}\u0000${start}\u0000${group}\u0000${detail}`
      let delta = deltas.get(key)
      if (!delta) deltas.set(key, (delta = { userId, start, group, detail, total: 0, cells: {} }))
      delta.total += by
      delta.cells[cell] = (delta.cells[cell] ?? 0) + by
    }
  }
  return [...deltas.values()]
}

/** @returns which cell counts a row, by name; throws where none does */
function cellFinder(cells: readonly Cell[], property: (column: string) => string): (row: Row) => string {
  const columns = [...new Set(cells.flatMap(({ of }) => Object.keys(of)))]
  const properties = columns.map(property)
  const names = new Map(
    cells.map(({ name, of }) => [columns.map((column) => of[column]).join('\u0000'), name]),
  )
  return (row) => {
    const name = names.get(properties.map((property) => row[property]).join('\u0000'))
    if (name === undefined) throw new TypeError('no cell counts this log')
    return name
  }
}

/** Which logs to count: what a filter comes to where it asks for nothing that is not counted. */
export interface CountSelection {
  readonly users: readonly string[] | 'everyone'
  /** Values of the group; all of them if absent. */
  readonly groups?: readonly string[] | undefined
  /** Names of cells; all of them if absent. */
  readonly cells?: readonly string[] | undefined
  /** Inclusive, in milliseconds. */
  readonly fromMs: number
  /** Exclusive, in milliseconds; no end if absent. */
  readonly beforeMs?: number | undefined
}

/** Later than any minute that is counted, and the last that the column holds (in the year 6053). */
export const NO_END = 2_147_483_647

/** Whole periods of one length that follow one another, in minutes; without an end if `end` is absent. */
export interface Run {
  readonly span: number
  readonly start: number
  readonly end?: number
}

/**
 * A stretch of time as the fewest counted periods. What is left over at its ends is shorter than the shortest of
 * `spans`: `edges` are the starts of the periods of that length which it enters or leaves half-way, in minutes. Their
 * logs have to be counted one by one.
 */
export function periodsOf(
  { fromMs, beforeMs }: Pick<CountSelection, 'fromMs' | 'beforeMs'>,
  spans: readonly [number, ...number[]] = SPANS,
): { readonly runs: readonly Run[]; readonly edges: readonly number[] } {
  // Filters may name any instant up to the year 9999.
  const [lastMs, endMs] = [(NO_END - DAY) * MINUTE_MS, beforeMs ?? Infinity]
  if (endMs <= fromMs || fromMs >= lastMs) return { runs: [], edges: [] }
  const [span] = spans
  const spanMs = span * MINUTE_MS
  const first = Math.ceil(fromMs / spanMs) * span
  const end = endMs >= lastMs ? undefined : Math.floor(endMs / spanMs) * span
  const edges = new Set<number>()
  if (first * MINUTE_MS > fromMs) edges.add(first - span)
  if (end !== undefined && end * MINUTE_MS < endMs) edges.add(end)
  return { runs: end !== undefined && end <= first ? [] : runsOf(first, end, spans), edges: [...edges] }
}

function runsOf(start: number, end: number | undefined, [span, ...wider]: readonly number[]): Run[] {
  if (span === undefined || (end !== undefined && start >= end)) return []
  const [next] = wider
  if (next === undefined) return [end === undefined ? { span, start } : { span, start, end }]
  const innerStart = Math.ceil(start / next) * next
  const innerEnd = end === undefined ? undefined : Math.floor(end / next) * next
  if (end !== undefined && innerEnd !== undefined && innerEnd <= innerStart) return [{ span, start, end }]
  return [
    ...(innerStart > start ? [{ span, start, end: innerStart }] : []),
    ...runsOf(innerStart, innerEnd, wider),
    ...(end !== undefined && innerEnd !== undefined && innerEnd < end
      ? [{ span, start: innerEnd, end }]
      : []),
  ]
}
