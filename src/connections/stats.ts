import type { Period } from '../database/breakdown.ts'
import { DAY_MS } from '../kernel/clock.ts'
import { badInput } from '../kernel/errors.ts'
import { LATEST_MS, formatInstant } from '../kernel/instant.ts'
import { type CalendarUnit, calendarPeriods, isTimeZone } from '../kernel/time-zone.ts'
import type { Query } from '../logs/query.ts'
import type { BreakdownRow } from '../logs/statistics.ts'
import type { LogStore } from '../logs/store.ts'
import { CELLS, type ConnectionCell } from './counted.ts'
import {
  CONNECTION_METHODS,
  type ConnectionEventType,
  type ConnectionLog,
  type ConnectionMethod,
  type ConnectionStatus,
  EVENT_TYPES,
  PLATFORMS,
  type Platform,
  STATUSES,
  statusOf,
} from './event.ts'
import type { ConnectionFilter } from './filter.ts'

export interface StatsInput {
  readonly days?: number | null | undefined
  readonly interval?: CalendarUnit | null | undefined
  readonly timeZone?: string | null | undefined
}

/** How many logs of some sort there are. */
export interface Tally {
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  /** Of the attempts, those that succeeded: 0 to 1; null where there was no attempt. */
  readonly successRate: number | null
}

export interface StatsPoint extends Tally {
  readonly start: number
  readonly end: number
}

export interface DurationStats {
  /** Logs with a duration that were looked at. */
  readonly count: number
  readonly median: number | null
  readonly p95: number | null
  /** Whether only some of the logs were looked at, because there are very many. */
  readonly sampled: boolean
}

export interface ConnectionStats extends Tally {
  readonly from: number
  readonly to: number
  readonly byPlatform: readonly (Tally & { readonly platform: Platform })[]
  readonly byEventType: readonly { readonly eventType: ConnectionEventType; readonly total: number }[]
  readonly byStatus: readonly { readonly status: ConnectionStatus; readonly total: number }[]
  readonly byConnectionMethod: readonly (Tally & { readonly connectionMethod: ConnectionMethod })[]
  readonly series: readonly StatsPoint[]
  /** Counted when asked. */
  errorCodes(first: number): Promise<{ code: string; total: number }[]>
  /** Measured when asked. */
  durationMs(): Promise<DurationStats>
}

export const MAX_ERROR_CODES = 100
/** Most days that are shown hour by hour. */
export const MAX_HOURLY_DAYS = 31
/**
 * Up to how many logs all durations are looked at, and how many where there are more: a percentile of so many is
 * mostly less than one percentile off.
 */
const SAMPLE = { all: 20_000, some: 5_000 }
const STATUS_OF_CELL = new Map(CELLS.map(({ name, of }) => [name, statusOf(of.event_type)]))

/**
 * Numbers at a glance.
 * @param query what is counted, whose times are those of `days`
 * @param nowMs the end of the series where the filter names none
 * @param asked `days` as they were given, for the sentence that says that there are too many hours
 * @throws {AppError} BAD_USER_INPUT for a time zone that nobody knows, or too many hours
 */
export async function connectionStats(
  store: LogStore<ConnectionLog, ConnectionFilter>,
  query: Query<ConnectionFilter>,
  { days, interval, timeZone }: Required<StatsInput> & { interval: CalendarUnit; timeZone: string },
  nowMs: number,
): Promise<ConnectionStats> {
  if (!isTimeZone(timeZone))
    throw badInput('timeZone', 'a name of the IANA time zone database, such as Europe/Berlin', timeZone)
  const { createdAfter = -Infinity, createdBefore = Infinity } = query.filter
  const from = Math.max(query.newerThanMs + 1, createdAfter)
  // What is stored with a time of the next minutes counts in the last period.
  const to = Math.max(from, Math.min(nowMs, createdBefore))
  if (interval === 'hour' && to - from > MAX_HOURLY_DAYS * DAY_MS)
    throw (days ?? null) === null
      ? badInput(
          'filter.createdAfter',
          `at most ${MAX_HOURLY_DAYS} days ago with the interval HOUR`,
          formatInstant(from),
        )
      : badInput('days', `at most ${MAX_HOURLY_DAYS} with the interval HOUR`, days)
  // The present millisecond counts, that of `createdBefore` does not.
  const untilMs = Math.max(from + 1, Math.min(nowMs + 1, createdBefore))
  const calendar = calendarPeriods({ fromMs: from, untilMs }, interval, timeZone)
  const periods = calendar.map(({ startMs, endMs }, index): Period => ({
    fromMs: startMs,
    beforeMs: index === calendar.length - 1 ? undefined : endMs,
  }))
  const rows = await store.breakdown(query, periods)
  const tallies = <Key extends string | number>(
    keyOf: (row: BreakdownRow, of: ConnectionCell['of']) => Key,
  ) => {
    const groups = new Map<Key, BreakdownRow[]>()
    for (const row of rows) {
      const key = keyOf(row, (row.cell as ConnectionCell).of)
      const group = groups.get(key)
      if (group) group.push(row)
      else groups.set(key, [row])
    }
    return (key: Key) => tally(groups.get(key) ?? [])
  }
  const [ofPlatform, ofEventType, ofStatus, ofMethod, ofPeriod] = [
    tallies<Platform>(({ group }) => group),
    tallies((_, { event_type }) => event_type),
    tallies<ConnectionStatus | 'none'>((_, { event_type }) => statusOf(event_type) ?? 'none'),
    tallies((_, { connection_method }) => connection_method),
    tallies(({ period }) => period),
  ]
  return {
    ...tally(rows),
    from,
    to,
    // By what is stored, so that the logs of a platform that is no longer listed are counted too.
    byPlatform: [...new Set([...PLATFORMS, ...rows.map(({ group }) => group).sort()])]
      .map((platform) => ({ platform, ...ofPlatform(platform) }))
      .filter(({ total }) => total > 0)
      .sort((a, b) => b.total - a.total),
    byEventType: EVENT_TYPES.map((eventType) => ({ eventType, total: ofEventType(eventType).total })),
    byStatus: STATUSES.map((status) => ({ status, total: ofStatus(status).total })),
    byConnectionMethod: CONNECTION_METHODS.map((connectionMethod) => ({
      connectionMethod,
      ...ofMethod(connectionMethod),
    })),
    series: calendar.map(({ startMs, endMs }, index) => ({
      start: startMs,
      end: Math.min(endMs, LATEST_MS),
      ...ofPeriod(index),
    })),
    errorCodes: async (first) => {
      if (first < 1 || first > MAX_ERROR_CODES)
        throw badInput('first', `a whole number from 1 to ${MAX_ERROR_CODES}`, first)
      const top = await store.topDetails(query, first)
      return top.map(({ detail, logs }) => ({ code: detail, total: logs }))
    },
    durationMs: async () => {
      const { values, isWhole } = await store.sample(query, 'durationMs', SAMPLE)
      const sorted = values.sort((a, b) => a - b)
      return {
        count: sorted.length,
        median: percentile(sorted, 0.5),
        p95: percentile(sorted, 0.95),
        sampled: !isWhole,
      }
    },
  }
}

function tally(rows: readonly BreakdownRow[]): Tally {
  let [total, succeeded, failed] = [0, 0, 0]
  for (const { cell, logs } of rows) {
    const status = STATUS_OF_CELL.get(cell.name)
    total += logs
    if (status === 'success') succeeded += logs
    if (status === 'failed') failed += logs
  }
  return {
    total,
    succeeded,
    failed,
    successRate: succeeded + failed === 0 ? null : succeeded / (succeeded + failed),
  }
}

/** As SQL's percentile_cont: between two values where it falls between them. Null where there are none. */
function percentile(sorted: readonly number[], fraction: number): number | null {
  const place = fraction * (sorted.length - 1)
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
  if (below === undefined || above === undefined) return null
  return below + (above - below) * (place - Math.floor(place))
}
