import type { Column } from '../dialect.ts'
import { type Sql, join, raw, sql } from '../sql.ts'

/** The values of a column, and the type of its array. */
export interface ArrayParameter {
  readonly type: string
  readonly bytes: Uint8Array
}

/** Rows as a table `name`, their columns by name. They are as long as one another. */
export const rowsOf = (name: string, columns: Readonly<Record<string, ArrayParameter>>): Sql => {
  const parameters = Object.values(columns).map(({ type, bytes }) => sql`${bytes}::${raw(type)}[]`)
  return sql`unnest(${join(parameters)}) AS ${raw(`${name}(${Object.keys(columns).join(', ')})`)}`
}

/** Where Postgres begins to count time, 2000-01-01T00:00:00Z, in milliseconds since 1970. */
const POSTGRES_EPOCH_MS = 946_684_800_000

const NULL_LENGTH = -1
const LENGTH_BYTES = 4
const HEADER_BYTES = 20

/** The OIDs of types, which stay as they are (src/include/catalog/pg_type.dat). */
const OIDS = { text: 25, json: 114, integer: 23, timestamptz: 1184 }

export const texts = (values: readonly (string | null)[]): ArrayParameter => ofTexts('text', values)

const jsons = (values: readonly unknown[]): ArrayParameter =>
  ofTexts(
    'json',
    values.map((value) => (value === null ? null : JSON.stringify(value))),
  )

export const integers = (values: readonly (number | null)[]): ArrayParameter =>
  ofNumbers('integer', 4, values, (bytes, value, at) => bytes.writeInt32BE(value, at))

/** @param values milliseconds since 1970 */
export const instants = (values: readonly (number | null)[]): ArrayParameter =>
  ofNumbers('timestamptz', 8, values, (bytes, value, at) =>
    bytes.writeBigInt64BE(BigInt(value - POSTGRES_EPOCH_MS) * 1_000n, at),
  )

/** Values of a column of this type, as JavaScript has them. */
export function arrayOf(type: Column['type'], values: readonly unknown[]): ArrayParameter {
  if (type === 'json') return jsons(values)
  if (type === 'text') return texts(values as (string | null)[])
  return (type === 'integer' ? integers : instants)(values as (number | null)[])
}

function ofTexts(type: 'text' | 'json', values: readonly (string | null)[]): ArrayParameter {
  let size = HEADER_BYTES
  for (const value of values) size += LENGTH_BYTES + (value === null ? 0 : Buffer.byteLength(value))
  const bytes = Buffer.allocUnsafe(size)
  let at = writeHeader(bytes, type, values.length)
  for (const value of values) {
    const length = value === null ? 0 : bytes.write(value, at + LENGTH_BYTES)
    at = bytes.writeInt32BE(value === null ? NULL_LENGTH : length, at) + length
  }
  return { type, bytes }
}

function ofNumbers(
  type: 'integer' | 'timestamptz',
  valueBytes: number,
  values: readonly (number | null)[],
  write: (bytes: Buffer, value: number, at: number) => void,
): ArrayParameter {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + values.length * (LENGTH_BYTES + valueBytes))
  let at = writeHeader(bytes, type, values.length)
  for (const value of values) {
    at = bytes.writeInt32BE(value === null ? NULL_LENGTH : valueBytes, at)
    if (value === null) continue
    write(bytes, value, at)
    at += valueBytes
  }
  return { type, bytes: bytes.subarray(0, at) }
}

/**
 * What an array of one dimension begins with as `array_recv` reads it (src/backend/utils/adt/arrayfuncs.c): how many
 * dimensions, whether there may be nulls, the type of the elements, how many there are, the index of the first. Each
 * element follows with its length before it.
 * @returns where the first element goes
 */
function writeHeader(bytes: Buffer, type: keyof typeof OIDS, length: number): number {
  let at = 0
  for (const field of [1, 1, OIDS[type], length, 1]) at = bytes.writeInt32BE(field, at)
  return at
}
