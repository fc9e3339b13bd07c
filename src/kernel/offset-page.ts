import { badInput } from './errors.ts'

/** Defaults and ranges of an offset page, the same at every door. */
export const DEFAULT_LIMIT = 50
export const MAX_LIMIT = 100
export const MAX_SKIP = 2 ** 31 - 1

export interface OffsetInput {
  readonly limit?: number | null | undefined
  readonly skip?: number | null | undefined
}

export interface Offset {
  readonly limit: number
  readonly skip: number
}

/** @throws {AppError} BAD_USER_INPUT naming the argument that is out of its range */
export function parseOffset({ limit, skip }: OffsetInput): Offset {
  return {
    limit: within('limit', limit ?? DEFAULT_LIMIT, 1, MAX_LIMIT),
    skip: within('skip', skip ?? 0, 0, MAX_SKIP),
  }
}

/** @throws {AppError} BAD_USER_INPUT unless `value` is a whole number from `min` to `max` */
export function within(name: string, value: number, min: number, max: number): number {
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

export function paginationOf(total: number, { limit, skip }: Offset): OffsetPagination {
  return { total, limit, skip, pages: Math.ceil(total / limit), hasMore: skip + limit < total }
}
