/**
 * Instants are stored as INTEGER milliseconds since 1970-01-01T00:00:00Z, so that they sort, compare and index as
 * numbers. Text is understood as well, since SQL (`CURRENT_TIMESTAMP`) and other tools write it: ISO 8601, with a
 * space or a T, and UTC where it names no zone (JavaScript alone would take it for local time).
 * NaN where the text is no instant.
 */
export function parseInstant(text: string): number {
  const iso = text.trim().replace(/^(\d{4}-\d\d-\d\d) /, '$1T')
  const namesZone = /[zZ]$|[+-]\d\d(?::?\d\d)?$/.test(iso.slice(10))
  return Date.parse(iso.includes('T') && !namesZone ? `${iso}Z` : iso)
}

/** The instant as ISO 8601 in UTC; undefined where it is outside what a Date holds. */
export function formatInstant(epochMs: number): string | undefined {
  const date = new Date(epochMs)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
