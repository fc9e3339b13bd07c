import type { Position, SliceRequest } from '../database/dialect.ts'
import type { Slice, SliceRange } from './slices.ts'

type Toward = SliceRequest['toward']

/** The log operations that a walk uses. */
export interface WalkedLogs<Log> {
  /** The place of the log that is `rows` away; undefined where there are fewer. */
  placeAfter(from: Position | undefined, toward: Toward, rows: number): Promise<Position | undefined>
  /** Matching logs from a place on up to another one, which is included. */
  matching(
    from: Bound | undefined,
    until: Position | undefined,
    toward: Toward,
    limit: number,
  ): Promise<Log[]>
}

interface Bound {
  readonly at: Position
  readonly isIncluded: boolean
}

/** Rows that the first step passes. Where every tenth matches, it fills a page. */
const FIRST_STEP = 1_000
const GROWTH = 4

/**
 * Looks for logs that match a filter which no index answers, in steps, each a statement of bounded length: a page that
 * many logs match takes one, and none passes more than `maxRows`.
 */
export async function walk<Log>(
  logs: WalkedLogs<Log>,
  { from, toward, limit }: Pick<SliceRange, 'from' | 'toward' | 'limit'>,
  maxRows: number,
): Promise<Slice<Log>> {
  const ahead = await look(logs, from, toward, limit + 1, maxRows)
  const back = toward === 'older' ? 'newer' : 'older'
  const isFull = ahead.found.length > limit
  return {
    logs: ahead.found.slice(0, limit),
    hasMore: isFull || ahead.stoppedAt !== undefined,
    hasBehind: from !== undefined && (await hasAny(logs, from, back, maxRows)),
    stoppedAt: isFull ? undefined : ahead.stoppedAt,
  }
}

/** Whether a match stands at a place or behind it, or may. Most places are those of a match. */
async function hasAny<Log>(
  logs: WalkedLogs<Log>,
  at: Position,
  toward: Toward,
  maxRows: number,
): Promise<boolean> {
  if ((await logs.matching({ at, isIncluded: true }, at, toward, 1)).length > 0) return true
  const { found, stoppedAt } = await look(logs, at, toward, 1, maxRows)
  return found.length > 0 || stoppedAt !== undefined
}

async function look<Log>(
  logs: WalkedLogs<Log>,
  start: Position | undefined,
  toward: Toward,
  limit: number,
  maxRows: number,
): Promise<{ found: Log[]; stoppedAt: Position | undefined }> {
  const found: Log[] = []
  let from = start
  let rows = Math.min(FIRST_STEP, maxRows)
  for (let left = maxRows; left > 0; left -= rows, rows = Math.min(rows * GROWTH, left)) {
    const until = await logs.placeAfter(from, toward, rows)
    found.push(
      ...(await logs.matching(from && { at: from, isIncluded: false }, until, toward, limit - found.length)),
    )
    if (found.length >= limit || !until) return { found, stoppedAt: undefined }
    from = until
  }
  return { found, stoppedAt: from }
}
