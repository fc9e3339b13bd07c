import type { ConnectionLog } from '../../connections/event.ts'
import { dayOf } from '../../kernel/clock.ts'
import { formatInstant } from '../../kernel/instant.ts'
import { type LineStyle, lineOf, showsDate } from './line.ts'

/**
 * Logs as lines for people, each with its line break. Where a line has no room for the date, a line with the date comes
 * before the first log of another day than the one before it.
 */
export function createLines(nowMs: number): (log: ConnectionLog, style: LineStyle) => string {
  let day = dayOf(nowMs)
  return (log, style) => {
    const isOtherDay = dayOf(log.createdAt) !== day
    day = dayOf(log.createdAt)
    const date =
      isOtherDay && !showsDate(style.columns) ? `${formatInstant(log.createdAt).slice(0, 10)}\n` : ''
    return `${date}${lineOf(log, style)}\n`
  }
}
