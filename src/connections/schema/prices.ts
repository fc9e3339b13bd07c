import { type Argument, STATEMENT, bounded } from '../../graphql/cost.ts'
import { DAY_MS } from '../../kernel/clock.ts'
import { parseInstant } from '../../kernel/instant.ts'
import { MAX_BATCH } from '../connection-logs.ts'
import { DEFAULT_LIMIT, MAX_LIMIT } from '../../kernel/offset-page.ts'
import { DEFAULT_DAYS } from '../paging.ts'
import { MAX_HOURLY_DAYS } from '../stats.ts'

/** Points for what the database has to do beyond a {@link STATEMENT}. Logs that match are found and counted one by one. */
export const COUNTED_ONE_BY_ONE = 300
export const STATISTICS = 300
export const DURATIONS = 1_000
export const STORED = 10
export const MAINTENANCE = 2_000

/** A page costs more where the counts that are kept know nothing of its filter. */
export function pageWeight(own: Argument): number {
  const filter = own('filter')
  const isOneByOne =
    typeof filter === 'object' &&
    filter !== null &&
    ['profileId', 'accountId', 'errorCode', 'search'].some((part) => Object.hasOwn(filter, part))
  return isOneByOne ? STATEMENT + COUNTED_ONE_BY_ONE : STATEMENT
}

/** Logs of a page by `first` or `last`. */
export const sliceSize = (around: Argument): number =>
  bounded(around('first') ?? around('last'), DEFAULT_LIMIT, 1, MAX_LIMIT)

const HOURS = 24
const LONGEST_RETENTION_DAYS = 365

/**
 * Periods of a series: the first and the last may be cut off, and a day may have an hour more. They reach back by
 * `days`, or else to `filter.createdAfter`, as {@link parsePaging} has it.
 */
export function seriesSize(around: Argument, nowMs: () => number): number {
  const isHourly = String(around('interval')).toLowerCase() === 'hour'
  const most = isHourly ? MAX_HOURLY_DAYS : LONGEST_RETENTION_DAYS
  const filter = around('filter') as { readonly createdAfter?: unknown } | null | undefined
  const asked = around('days') ?? daysSince(filter?.createdAfter, nowMs)
  const days = bounded(asked, DEFAULT_DAYS, 1, most)
  return (isHourly ? days * HOURS : days) + 2
}

/** Days from an instant as it was sent until now. What is no instant is refused later, at any price. */
const daysSince = (instant: unknown, nowMs: () => number): number | undefined => {
  const ms = typeof instant === 'string' ? parseInstant(instant) : undefined
  return ms === undefined ? undefined : Math.ceil((nowMs() - ms) / DAY_MS)
}

/** Events in `inputs`, of which a single one may stand for a list. */
export function inputSize(around: Argument): number {
  const inputs = around('inputs')
  return Array.isArray(inputs) ? Math.min(inputs.length, MAX_BATCH) : 1
}
