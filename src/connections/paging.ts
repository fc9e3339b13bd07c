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

/**
 * The last 7 days, unless the caller says since when: with `days`, or with `createdAfter`, before which nothing is then
 * left out. With both, the later of the two counts.
 * @throws {AppError} BAD_USER_INPUT naming the argument that is out of its range
 */
export const parsePaging = (
  { days, ...offset }: PagingInput,
  createdAfter: number | undefined,
  retentionMs: number,
): Paging => {
  const asked = days ?? (createdAfter === undefined ? DEFAULT_DAYS : undefined)
  return {
    lastMs: asked === undefined ? Infinity : parseDays(asked, retentionMs),
    ...parseOffset(offset),
  }
}

/** The description of the argument `days`. */
export const DAYS_DESCRIPTION = `Look back this many days of 24 hours: 1 to ${DEFAULT_DAYS}, or to the retention where that is more. ${DEFAULT_DAYS} if neither \`days\` nor \`filter.createdAfter\` is given. With both, the later of the two counts.`

/** How far back so many days go, in milliseconds. @throws {AppError} BAD_USER_INPUT */
export const parseDays = (days: number, retentionMs: number): number =>
  within('days', days, 1, maxDays(retentionMs)) * DAY_MS
