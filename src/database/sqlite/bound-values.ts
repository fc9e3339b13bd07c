import { DriverAdapterError, type ArgType } from '@prisma/driver-adapter-utils'
import { parseInstant } from './instants.ts'

/** What the driver binds faithfully. Anything else it would bind as NULL without a word. */
export type BoundValue = null | number | bigint | string | Uint8Array

const MAX_INT32 = 2 ** 31 - 1
const MIN_INT32 = -(2 ** 31)
const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)

/**
 * The arguments of a statement as SQLite stores them: booleans as 0 and 1, instants as milliseconds, JSON as text,
 * bytes from base64. Throws InvalidInputValue or ValueOutOfRange (by position, never naming the value) for what
 * SQLite could only store as something else.
 */
export function toBoundValues(args: readonly unknown[], types: readonly ArgType[]): BoundValue[] {
  return args.map((value, index) => toBoundValue(value, types[index]?.scalarType ?? 'unknown', index + 1))
}

function toBoundValue(value: unknown, type: ArgType['scalarType'], position: number): BoundValue {
  if (value === null) return null
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'bigint') return inRange(value, position)
  if (typeof value === 'number') return fromNumber(value, type, position)
  if (typeof value === 'string') return fromText(value, type, position)
  if (value instanceof Date) return instant(value.getTime(), position)
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (type === 'json' && typeof value === 'object') return text(JSON.stringify(value), position)
  const found = Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`
  return refuse(position, `SQLite cannot store ${found}`)
}

function fromNumber(value: number, type: ArgType['scalarType'], position: number): BoundValue {
  if (Number.isNaN(value)) return refuse(position, 'expected a number')
  if (type === 'datetime') return instant(value, position)
  // The driver binds a whole number as INTEGER within 32 bits, but as REAL beyond them, which is another value in
  // text and in JSON: 3000000000.0. Prisma, for its part, calls such a number in raw SQL a float.
  const isWide = value > MAX_INT32 || value < MIN_INT32
  return isWide && Number.isSafeInteger(value) ? BigInt(value) : value
}

function fromText(value: string, type: ArgType['scalarType'], position: number): BoundValue {
  if (type === 'datetime') return instant(parseInstant(value), position)
  if (type === 'bytes') return Buffer.from(value, 'base64')
  if (type === 'int' || type === 'bigint') {
    return /^[+-]?\d+$/.test(value)
      ? inRange(BigInt(value), position)
      : refuse(position, 'expected an integer')
  }
  if (type === 'float' || type === 'decimal') {
    return fromNumber(value.trim() === '' ? Number.NaN : Number(value), type, position)
  }
  return text(value, position)
}

function text(value: string, position: number): string {
  // The driver cuts text at U+0000, silently. Postgres refuses it too.
  return value.includes('\0') ? refuse(position, 'text may not contain the character U+0000') : value
}

function instant(epochMs: number, position: number): bigint {
  if (!Number.isFinite(epochMs)) return refuse(position, 'expected an ISO 8601 instant')
  return BigInt(Math.trunc(epochMs))
}

function inRange(value: bigint, position: number): bigint {
  if (value >= MIN_INT64 && value <= MAX_INT64) return value
  const cause = `Argument ${position} of the statement: expected an integer of 64 bits, got a larger one.`
  throw new DriverAdapterError({ kind: 'ValueOutOfRange', cause })
}

function refuse(position: number, problem: string): never {
  const message = `Argument ${position} of the statement: ${problem}.`
  throw new DriverAdapterError({ kind: 'InvalidInputValue', message })
}
