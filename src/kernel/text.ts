import { z } from 'zod'
import { AppError, expectation, showKind } from './errors.ts'
import { UnsafeNumber } from './parse-json.ts'
import { isPlain } from './token-like.ts'

/** The longest id that is taken, in characters; the widest index key of Postgres holds three of them. */
export const MAX_ID_LENGTH = 128

/**
 * Text that both databases keep unchanged. U+0000 is refused by Postgres and a lone surrogate is replaced by both,
 * so neither is let in.
 */
export function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed()
}

/** What makes a text not {@link isStorable}, for sentences. */
export interface BadCharacter {
  readonly name: string
  readonly found: string
}

/** The first character of a text that is not {@link isStorable}. */
export function badCharacterOf(text: string): BadCharacter | undefined {
  if (isStorable(text)) return undefined
  const zero = text.indexOf('\u0000')
  const half = text.search(/\p{Surrogate}/u)
  return zero !== -1 && (half === -1 || zero < half)
    ? { name: 'U+0000', found: `one at character ${zero + 1}` }
    : { name: 'lone surrogates', found: `one at character ${half + 1}` }
}

/** The text with U+FFFD in the place of each character that is not {@link isStorable}. */
export const storable = (text: string): string =>
  isStorable(text) ? text : text.toWellFormed().replaceAll('\u0000', '\uFFFD')

/** A string of `min` to `max` characters (UTF-16 code units) that {@link isStorable}. */
export function textSchema(max: number, min = 0) {
  const expected = `text of ${min === 0 ? 'at most' : `${min} to`} ${max} characters, without U+0000 or lone surrogates`
  return z
    .string(expected)
    .min(min, expected)
    .max(max, expected)
    .refine(isStorable, { error: expected, abort: true })
}

export const idSchema = textSchema(MAX_ID_LENGTH, 1)

/**
 * Parses `value`, whose schema must carry as its messages the ends of sentences that begin "Expected … to be".
 * @param at what the value is called by the one who sent it, such as `input`; empty for the outermost value
 * @throws {AppError} BAD_USER_INPUT about the first problem, naming its field
 */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown, at: string, index?: number): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  // A number in the place of an object is looked into as if it were one.
  const path = value instanceof UnsafeNumber ? [] : (issue?.path ?? [])
  const options = index === undefined ? {} : { index }
  const got = valueAt(value, path)
  const isNumberForObject =
    got instanceof UnsafeNumber && (path.length === 0 || issue?.code === 'unrecognized_keys')
  if (issue?.code === 'unrecognized_keys' && !isNumberForObject) {
    const [key] = issue.keys
    throw new AppError(
      'BAD_USER_INPUT',
      `Expected ${issue.message}, got ${unknownField(at, path, key ?? '')}.`,
      options,
    )
  }
  const expected = isNumberForObject ? 'an object' : (issue?.message ?? 'valid')
  const sentence = expectation(fieldName(at, path), expected, got)
  throw new AppError('BAD_USER_INPUT', sentence, options)
}

/** A field that should not be there, by its name where that can be no secret and fits into a sentence. */
const unknownField = (at: string, path: readonly PropertyKey[], key: string) =>
  /^[\w.$-]{1,40}$/.test(key) && isPlain(key)
    ? `the unknown field \`${fieldName(at, [...path, key])}\``
    : `an unknown field${path.length === 0 && at === '' ? '' : ` in \`${fieldName(at, path)}\``}, whose name is ${showKind(key)}`

function fieldName(at: string, path: readonly PropertyKey[]): string {
  const name = path.reduce<string>(
    (name, key) =>
      typeof key === 'number' ? `${name}[${key}]` : name === '' ? String(key) : `${name}.${String(key)}`,
    at,
  )
  return name === '' ? 'body' : name
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  )
}
