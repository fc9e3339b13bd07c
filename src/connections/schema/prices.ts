import { type Argument, STATEMENT, bounded } from '../../graphql/cost.ts'
import { DAY_MS } from '../../kernel/clock.ts'
import { parseInstant } from '../../kernel/instant.ts'
import { MAX_BATCH } from '../connection-logs.ts'
import { DEFAULT_LIMIT, MAX_LIMIT } from '../../kernel/offset-page.ts'
import { DEFAULT_DAYS } from '../paging.ts'
import { MAX_HOURLY_DAYS } from '../stats.ts'

/** Points for what the database has to do beyond a {@link STATEMENT}. */
export const TOTAL_COUNT = 300
export const TOP_ERROR_CODES = 500
export const STORED = 10
export const MAINTENANCE = 2_000

const STATISTICS = { day: 300, hour: 600 }

/** Durations come from samples all over the logs, or from the newest logs that match. */
const DURATIONS = { sampled: 3_000, newest: 1_000 }

/** Rows that a page by cursor may read and not return, because its filter is sparse. */
const SCANNED = 300

/**
 * Logs that the kept counts do not cover are found and counted one by one: those of each value of a list, up to all
 * that there are, and for words those in which any word begins so. More logs have an error code than an account.
 */
const ONE_BY_ONE = { any: 1_000, most: 14_000, search: 6_000 }
const PER_VALUE = { profileId: 700, accountId: 700, errorCode: 1_200 }
const SCANNED_PARTS = ['platform', 'eventType', 'status', 'connectionMethod', 'userId']

const filterOf = (field: Argument): Readonly<Record<string, unknown>> =>
  (field('filter') as Readonly<Record<string, unknown>> | null | undefined) ?? {}

/** The cost of reading the logs that match the filter of a field; 0 if the kept counts cover the filter. */
export function oneByOne(field: Argument): number {
  const filter = filterOf(field)
  // The database looks logs up by one of the lists.
  const forValues = Math.max(
    ...Object.entries(PER_VALUE).map(([name, points]) => {
      const list = filter[name] ?? []
      return points * (Array.isArray(list) ? list.length : 1)
    }),
  )
  const { any, most, search } = ONE_BY_ONE
  const forLists = forValues === 0 ? 0 : Math.min(most, any + forValues)
  return Math.max(forLists, filter['search'] ? search : 0)
}

export const pageWeight = (own: Argument): number => STATEMENT + oneByOne(own)

/** A page by cursor has no total, but reads on until it is full. */
export function cursorPageWeight(own: Argument): number {
  const isSparse = SCANNED_PARTS.some((name) => (filterOf(own)[name] ?? null) !== null)
  return STATEMENT + Math.max(oneByOne(own), isSparse ? SCANNED : 0)
}

export const statisticsWeight = (own: Argument): number =>
  (isHourly(own) ? STATISTICS.hour : STATISTICS.day) + oneByOne(own)

/** Of a field that counts the logs of the field around it: so much, and as much as its filter costs. */
export const countedAgain =
  (points: number) =>
  (_: Argument, around: Argument): number =>
    points + oneByOne(around)

export function durationsWeight(_: Argument, around: Argument): number {
  const matching = oneByOne(around)
  return matching === 0 ? DURATIONS.sampled : DURATIONS.newest + matching
}

const isHourly = (field: Argument): boolean => String(field('interval')).toLowerCase() === 'hour'

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
  const most = isHourly(around) ? MAX_HOURLY_DAYS : LONGEST_RETENTION_DAYS
  const filter = around('filter') as { readonly createdAfter?: unknown } | null | undefined
  const asked = around('days') ?? daysSince(filter?.createdAfter, nowMs)
  const days = bounded(asked, DEFAULT_DAYS, 1, most)
  return (isHourly(around) ? days * HOURS : days) + 2
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
