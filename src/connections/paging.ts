import { DAY_MS } from '../kernel/clock.ts'
import { badInput } from '../kernel/errors.ts'

/** Defaults and ranges of the offset page, the same at every door. */
export const DEFAULT_DAYS = 7
export const DEFAULT_LIMIT = 50
export const MAX_LIMIT = 100
export const MAX_SKIP = 2 ** 31 - 1

export interface PagingInput {
  readonly days?: number | null | undefined
  readonly limit?: number | null | undefined
  readonly skip?: number | null | undefined
}

export interface Paging {
  readonly lastMs: number
  readonly limit: number
  readonly skip: number
}

/** How far back `days` may go: the retention, and never less than the default. */
export const maxDays = (retentionMs: number): number => Math.max(DEFAULT_DAYS, retentionMs / DAY_MS)

/** @throws {AppError} BAD_USER_INPUT naming the argument that is out of its range */
export function parsePaging({ days, limit, skip }: PagingInput, retentionMs: number): Paging {
  return {
    lastMs: parseDays(days ?? DEFAULT_DAYS, retentionMs),
    limit: within('limit', limit ?? DEFAULT_LIMIT, 1, MAX_LIMIT),
    skip: within('skip', skip ?? 0, 0, MAX_SKIP),
  }
}

/** How far back so many days go, in milliseconds. @throws {AppError} BAD_USER_INPUT */
export const parseDays = (days: number, retentionMs: number): number =>
  within('days', days, 1, maxDays(retentionMs)) * DAY_MS

function within(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw badInput(name, `a whole number from ${min} to ${max}`, value)
}

export interface OffsetPagination {
  readonly total: number
  readonly limit: number
  readonly skip: number
  readonly pages: number
  readonly hasMore: boolean
}

export function paginationOf(total: number, { limit, skip }: Paging): OffsetPagination {
  return { total, limit, skip, pages: Math.ceil(total / limit), hasMore: skip + limit < total }
}
