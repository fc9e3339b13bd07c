import { types } from 'node:util'
import { AppError, badInput } from '../kernel/errors.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { UnsafeNumber } from '../kernel/parse-json.ts'
import { isTokenLike } from '../kernel/token-like.ts'
import { type BadCharacter, badCharacterOf } from '../kernel/text.ts'

/** As JSON. It holds after secrets have given way to `[redacted]` too, so that what is exported can be imported again. */
export const MAX_METADATA_BYTES = 16_384

const MAX_METADATA_DEPTH = 10
/** A key may hold a secret too, or be as long as it likes. */
const SHOWN_KEY = /^[\w$-]{1,40}$/
const KEPT_NUMBER = `a number that keeps its digits (whole ones up to ${Number.MAX_SAFE_INTEGER}) or text`

interface Walk {
  /** Where the metadata stands, for sentences. */
  readonly top: string
  readonly index: number | undefined
  /** The least that has been walked takes as JSON: what is far too large is not walked to its end. */
  bytes: number
}

/**
 * The metadata of a log as JSON. As `JSON.stringify` does it, `toJSON` is called and members that are undefined are left
 * out. What it would drop or change without a word otherwise is rejected.
 * @param top what the caller calls the metadata, for sentences
 * @throws {AppError} BAD_USER_INPUT naming the first part that cannot be stored
 */
export function parseMetadata(value: unknown, top: string, index: number | undefined): JsonObject {
  const walk: Walk = { top, index, bytes: 0 }
  const json = withoutToJson(value, '')
  if (typeof json !== 'object' || json === null || Array.isArray(json) || json instanceof UnsafeNumber)
    throw badInput(top, 'a JSON object', value, optionsOf(walk))
  const metadata = objectOf(json, top, MAX_METADATA_DEPTH - 1, walk)
  requireSize(metadata, top, index, 'as JSON')
  return metadata
}

/**
 * @param when in which form it is measured, for the sentence
 * @throws {AppError} BAD_USER_INPUT for metadata that is too large as JSON
 */
export function requireSize(
  metadata: JsonObject,
  top: string,
  index: number | undefined,
  when: string,
): void {
  if (Buffer.byteLength(JSON.stringify(metadata)) > MAX_METADATA_BYTES) throw tooLarge({ top, index }, when)
}

function objectOf(value: object, at: string, depthLeft: number, walk: Walk): JsonObject {
  const keys = Object.keys(value)
  if (isNotJson(value, keys.length)) throw wrong(walk, at, 'a value that JSON has', kindOf(value))
  const members: [string, JsonValue][] = []
  for (const key of keys) {
    const inner = withoutToJson(Reflect.get(value, key), key)
    if (inner === undefined) continue
    grow(walk, key.length + '"":,'.length)
    const badCharacter = badCharacterOf(key)
    if (badCharacter) throw badKey(walk, at, badCharacter)
    members.push([key, valueOf(inner, at, key, depthLeft, walk)])
  }
  return Object.fromEntries(members)
}

/** The value at `key` of the object or list that stands at `at`. */
function valueOf(value: unknown, at: string, key: string | number, depthLeft: number, walk: Walk): JsonValue {
  if (typeof value === 'string') {
    grow(walk, value.length + '""'.length)
    const badCharacter = badCharacterOf(value)
    if (!badCharacter) return value
    throw wrong(walk, placeOf(at, key), `text without ${badCharacter.name}`, badCharacter.found)
  }
  grow(walk, '0'.length)
  if (typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number' && isKept(value)) return value
  const place = placeOf(at, key)
  if (typeof value === 'number' || value instanceof UnsafeNumber) throw lossy(walk, place, value)
  if (typeof value !== 'object') throw wrong(walk, place, 'a value that JSON has', kindOf(value))
  if (depthLeft === 0) throw tooDeep(walk)
  if (!Array.isArray(value)) return objectOf(value, place, depthLeft - 1, walk)
  // As in JSON, which has no gaps.
  return Array.from(value, (inner: unknown, index) =>
    valueOf(withoutToJson(inner, String(index)) ?? null, place, index, depthLeft - 1, walk),
  )
}

/** What an object wants to be in JSON: dates are text. A date that is none stays, to be rejected. */
function withoutToJson(value: unknown, key: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'bigint') || value === null) return value
  if (value instanceof UnsafeNumber || (value instanceof Date && Number.isNaN(value.getTime()))) return value
  const { toJSON } = value as { toJSON?: unknown }
  return typeof toJSON === 'function' ? (toJSON.call(value, key) as unknown) : value
}

const isKept = (value: number) =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))

/** Maps, errors, promises and the like, of which JSON would keep nothing or a part. */
function isNotJson(value: object, members: number): boolean {
  if (types.isNativeError(value) || types.isBoxedPrimitive(value)) return true
  if (members > 0) return false
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype !== null && Object.getPrototypeOf(prototype) !== null
}

function kindOf(value: unknown): string {
  if (value instanceof Date) return 'an invalid date'
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const { name } = value.constructor
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
}

function placeOf(at: string, key: string | number): string {
  if (typeof key === 'number') return `${at}[${key}]`
  return `${at}.${SHOWN_KEY.test(key) && !isTokenLike(key) ? key : '…'}`
}

function grow(walk: Walk, bytes: number): void {
  walk.bytes += bytes
  if (walk.bytes > MAX_METADATA_BYTES) throw tooLarge(walk, 'as JSON')
}

const lossy = (walk: Walk, place: string, value: number | UnsafeNumber) =>
  typeof value === 'number' && !Number.isFinite(value)
    ? wrong(walk, place, 'a finite number', String(value))
    : wrong(walk, place, KEPT_NUMBER, 'a number that does not')

const badKey = ({ index }: Walk, at: string, { name, found }: BadCharacter) =>
  new AppError(
    'BAD_USER_INPUT',
    `Expected each key of \`${at}\` to be text without ${name}, got ${found}.`,
    optionsOf({ index }),
  )

const tooLarge = (walk: Pick<Walk, 'top' | 'index'>, when: string) =>
  wrong(walk, walk.top, `an object of at most ${MAX_METADATA_BYTES} bytes ${when}`, 'a larger one')

const tooDeep = (walk: Walk) =>
  wrong(walk, walk.top, `an object nested at most ${MAX_METADATA_DEPTH} deep`, 'a deeper one')

/** Says what came by its kind: metadata may hold secrets. */
const wrong = (walk: Pick<Walk, 'index'>, place: string, expected: string, got: string) =>
  new AppError('BAD_USER_INPUT', `Expected \`${place}\` to be ${expected}, got ${got}.`, optionsOf(walk))

const optionsOf = ({ index }: Pick<Walk, 'index'>) => (index === undefined ? {} : { index })
