import { z } from 'zod'
import { DAY_MS } from './clock.ts'

/** How a well-formed instant is described in sentences. */
export const INSTANT_EXPECTED = 'an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z'

const RFC_3339 = z.iso.datetime({ offset: true })
const LEAP_SECOND = /^(.{17})60(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/
const EARLIEST_MS = Date.parse('0001-01-01T00:00:00.000Z')

/** The last instant that four digits of a year can tell. */
export const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Reads an instant as in RFC 3339, section 5.6, whose offset is required; digits below the millisecond are cut, and a leap
 * second (23:59:60 in UTC) is the last millisecond of its day. In UTC it must lie in the years 1 to 9999: others have no
 * four digits, or no place in Postgres.
 * @returns milliseconds since the epoch, or undefined where the text is no instant.
 */
export function parseInstant(text: string): number | undefined {
  const ms = wellFormedMs(text)
  return ms !== undefined && ms >= EARLIEST_MS && ms <= LATEST_MS ? ms : undefined
}

/** What was expected where {@link parseInstant} takes no instant from a value: the end of a sentence. */
export const instantExpected = (value: unknown): string =>
  typeof value === 'string' && wellFormedMs(value) !== undefined
    ? 'an instant in the years 1 to 9999 of UTC'
    : INSTANT_EXPECTED

function wellFormedMs(given: string): number | undefined {
  if (RFC_3339.safeParse(given).success) return Date.parse(given)
  const text = given.replace('t', 'T').replace('z', 'Z')
  const [, begin, offset] = LEAP_SECOND.exec(text) ?? []
  const isLeap = begin !== undefined
  const plain = isLeap ? `${begin}59.999${offset}` : text
  if (!RFC_3339.safeParse(plain).success) return undefined
  const ms = Date.parse(plain)
  return isLeap && (ms + 1) % DAY_MS !== 0 ? undefined : ms
}

/**
 * The same instant in RFC 3339, where a text has an offset without its colon or a space in the place of `T`, as Facebook
 * (`+0000`) and Postgres (` … +00`) write them. Other text comes back as it is. For readers of what others wrote.
 */
export const toRfc3339 = (text: string): string =>
  text
    .replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, '$1T')
    .replace(
      /(:\d\d(?:\.\d{1,9})?)([+-]\d\d)(\d\d)?$/,
      (_, time: string, hours: string, minutes = '00') => `${time}${hours}:${minutes}`,
    )

/** RFC 3339 in UTC, always with milliseconds: 2026-01-31T12:00:00.000Z. */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString()
}

/** The same without a fraction where there is none, as Late writes it: 2026-01-31T12:00:00Z. */
export const formatShortInstant = (ms: number): string => formatInstant(ms).replace('.000Z', 'Z')
