import { formatInstant } from '../kernel/instant.ts'

/**
 * A value as MongoDB's Extended JSON wraps it (`mongoexport`), unwrapped: `{"$oid": "…"}`, `{"$date": …}`,
 * `{"$numberLong": "…"}` and its like. Anything else comes back as it is.
 */
export function unwrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const [entry, ...more] = Object.entries(value) as [string, unknown][]
  if (!entry || more.length > 0) return value
  const [name, inner] = entry
  if (name === '$oid') return inner
  if (name === '$date') return dateOf(unwrapped(inner))
  if (/^\$number(?:Int|Long|Double|Decimal)$/.test(name)) return numberOf(inner)
  return value
}

function dateOf(value: unknown): unknown {
  const ms =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && /^-?\d+$/.test(value)
        ? Number(value)
        : NaN
  return Math.abs(ms) <= 8.64e15 ? formatInstant(ms) : value
}

/** A number where it keeps its digits so, else its digits. */
function numberOf(value: unknown): unknown {
  return typeof value === 'string' && String(Number(value)) === value ? Number(value) : value
}
