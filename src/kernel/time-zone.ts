import { Temporal } from 'temporal-polyfill'

/** A stretch of time that a calendar has: an hour or a day of some place. Milliseconds since the epoch. */
export interface CalendarPeriod {
  /** Inclusive. */
  readonly startMs: number
  /** Exclusive. */
  readonly endMs: number
}

export type CalendarUnit = 'hour' | 'day'

/** Whether the name is one of the IANA time zone database, or an alias of it; `+01:00` and the like are none. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name)
    return true
  } catch {
    return false
  }
}

/**
 * The hours or days of a time zone that overlap a stretch of time, one after another. Days are as long as they are
 * there: 23 or 25 hours where clocks change. All begin at a whole minute.
 * @param untilMs exclusive, and after `fromMs`
 */
export function calendarPeriods(
  { fromMs, untilMs }: { fromMs: number; untilMs: number },
  unit: CalendarUnit,
  timeZone: string,
): CalendarPeriod[] {
  const periods: CalendarPeriod[] = []
  let start = floor(Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(timeZone), unit)
  while (start.epochMilliseconds < untilMs) {
    const next = floor(start.add(unit === 'day' ? { days: 1 } : { hours: 1 }), unit)
    // Where a clock is put back by half an hour, the hour that comes round again begins before it has ended.
    const end = next.epochMilliseconds > start.epochMilliseconds ? next : start.add({ hours: 1 })
    periods.push({ startMs: start.epochMilliseconds, endMs: end.epochMilliseconds })
    start = end
  }
  return periods
}

const floor = (at: Temporal.ZonedDateTime, unit: CalendarUnit): Temporal.ZonedDateTime =>
  unit === 'day' ? at.startOfDay() : at.round({ smallestUnit: 'hour', roundingMode: 'floor' })
