import { UnsafeNumber } from '../kernel/parse-json.ts'
import { MAX_ID_LENGTH, isStorable } from '../kernel/text.ts'
import { unwrapped } from './extended-json.ts'

/**
 * An id in whatever form a server writes it, as text: a number by its digits; of an object that stands in the place of its
 * id, the `_id` in it. Undefined for what is no id that can be stored.
 */
export function idOf(given: unknown): string | undefined {
  const value = unwrapped(given)
  if (value instanceof UnsafeNumber) return /^-?\d+$/.test(value.digits) ? idOf(value.digits) : undefined
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : undefined
  if (typeof value === 'object' && value !== null && '_id' in value) return idOf(value._id)
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH && isStorable(value)
    ? value
    : undefined
}
