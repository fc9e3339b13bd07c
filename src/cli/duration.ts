import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/clock.ts'
import { badInput } from '../kernel/errors.ts'
import { INSTANT_EXPECTED, parseInstant } from '../kernel/instant.ts'

const UNITS_MS: Readonly<Record<string, number>> = { d: DAY_MS, h: HOUR_MS, m: MINUTE_MS }

/** `90d`, `12h` or `30m` in milliseconds; undefined where the text is no duration. */
export function durationMs(text: string): number | undefined {
  const [, digits, unit = ''] = /^([1-9]\d{0,4})([dhm])$/.exec(text) ?? []
  const unitMs = UNITS_MS[unit]
  return digits === undefined || unitMs === undefined ? undefined : Number(digits) * unitMs
}

/** @throws {AppError} BAD_USER_INPUT naming the option */
export function parseDuration(option: string, text: string): number {
  const ms = durationMs(text)
  if (ms === undefined) throw badInput(option, 'a duration such as 90d, 12h or 30m', text)
  return ms
}

export const MOMENT_EXPECTED = `${INSTANT_EXPECTED}, or a duration before now such as 1h or 7d`

/** An instant, or so long before now: in milliseconds since the epoch; undefined where the text is neither. */
export function momentMs(text: string, nowMs: number): number | undefined {
  const ms = durationMs(text)
  return ms === undefined ? parseInstant(text) : nowMs - ms
}
