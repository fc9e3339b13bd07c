import { formatInstant, parseInstant, toRfc3339 } from '../../kernel/instant.ts'
import { UnsafeNumber } from '../../kernel/parse-json.ts'
import { unwrapped } from '../../late/extended-json.ts'

export const isAbsent = (value: unknown): value is null | undefined => value === null || value === undefined

/** Text, or what says as much: a number by its digits, true and false. */
export function textOf(given: unknown): string | undefined {
  const value = unwrapped(given)
  if (value instanceof UnsafeNumber) return value.digits
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

/** What a platform answered, kept as an object or a list, as JSON. */
export const jsonTextOf = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : undefined

export function numberOf(given: unknown): number | undefined {
  const value = unwrapped(given)
  if (typeof value === 'string') return /^\d{1,15}(?:\.\d+)?$/.test(value) ? Number(value) : undefined
  return typeof value === 'number' ? value : undefined
}

/** Milliseconds since 1970 that may be meant: the same instants in seconds would lie in its first months. */
const EARLIEST_MS = Date.UTC(2000, 0)
const LATEST_MS = Date.UTC(2100, 0)

/** An instant in RFC 3339 from the notations that servers have for it, or undefined. An offset is never guessed. */
export function instantTextOf(given: unknown): string | undefined {
  const value = unwrapped(given)
  if (typeof value === 'number')
    return value >= EARLIEST_MS && value < LATEST_MS ? formatInstant(value) : undefined
  if (typeof value !== 'string') return undefined
  const text = toRfc3339(value.trim())
  return parseInstant(text) === undefined ? undefined : text
}

/** Deeper metadata is not taken. */
const MAX_DEPTH = 12

/** The same JSON with the digits of each number that JavaScript would change as text, so that none of them is lost. */
export function withDigitsAsText(value: unknown, depthLeft = MAX_DEPTH): unknown {
  if (value instanceof UnsafeNumber) return value.digits
  if (typeof value !== 'object' || value === null || depthLeft === 0) return value
  if (Array.isArray(value)) return value.map((inner) => withDigitsAsText(inner, depthLeft - 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withDigitsAsText(inner, depthLeft - 1)]),
  )
}
