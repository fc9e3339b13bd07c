import { DAY_MS } from '../kernel/clock.ts'
import { type Offset, type OffsetInput, parseOffset, within } from '../kernel/offset-page.ts'

export const DEFAULT_DAYS = 7

export interface PagingInput extends OffsetInput {
  readonly days?: number | null | undefined
}

export interface Paging extends Offset {
  readonly lastMs: number
}

/** How far back `days` may go: the retention, and never less than the default. */
export const maxDays = (retentionMs: number): number => Math.max(DEFAULT_DAYS, retentionMs / DAY_MS)

/** @throws {AppError} BAD_USER_INPUT naming the argument that is out of its range */
export const parsePaging = ({ days, ...offset }: PagingInput, retentionMs: number): Paging => ({
  lastMs: parseDays(days ?? DEFAULT_DAYS, retentionMs),
  ...parseOffset(offset),
})

/** How far back so many days go, in milliseconds. @throws {AppError} BAD_USER_INPUT */
export const parseDays = (days: number, retentionMs: number): number =>
  within('days', days, 1, maxDays(retentionMs)) * DAY_MS
