import { z } from 'zod'

/** How a well-formed instant is described in sentences. */
export const INSTANT_EXPECTED = 'an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z'

const RFC_3339 = z.iso.datetime({ offset: true })
const EARLIEST_MS = Date.parse('0001-01-01T00:00:00.000Z')

/** The last instant that four digits of a year can tell. */
export const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Reads an instant as in RFC 3339, section 5.6, whose offset is required; digits below the millisecond are cut.
 * In UTC it must lie in the years 1 to 9999: others have no four digits, or no place in Postgres.
 * @returns milliseconds since the epoch, or undefined where the text is no instant.
 */
export function parseInstant(text: string): number | undefined {
  if (!RFC_3339.safeParse(text).success) return undefined
  const ms = Date.parse(text)
  return ms >= EARLIEST_MS && ms <= LATEST_MS ? ms : undefined
}

/** RFC 3339 in UTC, always with milliseconds: 2026-01-31T12:00:00.000Z. */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString()
}
