import {
  ColumnTypeEnum,
  DriverAdapterError,
  type ColumnType,
  type SqlResultSet,
} from '@prisma/driver-adapter-utils'
import { formatInstant, parseInstant } from './instants.ts'

/** A column of a result: `declared` is undefined for an expression, or for a type that Prisma does not know. */
export interface ResultColumn {
  readonly name: string
  readonly declared: ColumnType | undefined
}

const DECLARED_TYPES: Readonly<Record<string, ColumnType>> = {
  BIGINT: ColumnTypeEnum.Int64,
  BLOB: ColumnTypeEnum.Bytes,
  BOOLEAN: ColumnTypeEnum.Boolean,
  CHAR: ColumnTypeEnum.Text,
  CLOB: ColumnTypeEnum.Text,
  DATETIME: ColumnTypeEnum.DateTime,
  DECIMAL: ColumnTypeEnum.Numeric,
  DOUBLE: ColumnTypeEnum.Double,
  FLOAT: ColumnTypeEnum.Double,
  INT: ColumnTypeEnum.Int32,
  INTEGER: ColumnTypeEnum.Int32,
  JSON: ColumnTypeEnum.Json,
  JSONB: ColumnTypeEnum.Json,
  NUMERIC: ColumnTypeEnum.Numeric,
  REAL: ColumnTypeEnum.Double,
  SMALLINT: ColumnTypeEnum.Int32,
  TEXT: ColumnTypeEnum.Text,
  TIMESTAMP: ColumnTypeEnum.DateTime,
  TINYINT: ColumnTypeEnum.Int32,
  VARCHAR: ColumnTypeEnum.Text,
}

/** Prisma's type for the type in a CREATE TABLE, whatever its case and length: `varchar(36)` is Text,
 * `DOUBLE PRECISION` Double. */
export function declaredType(declaration: string | null): ColumnType | undefined {
  const word = /^[a-z]+/i.exec(declaration ?? '')?.[0]
  return word === undefined ? undefined : DECLARED_TYPES[word.toUpperCase()]
}

/**
 * The result in the form Prisma reads. Converts the cells of `rows` in place: they must be arrays fresh from the
 * driver, with every integer a bigint. Integers come out as numbers, or as decimal text where a number would round.
 */
export function toResultSet(columns: readonly ResultColumn[], rows: unknown[][]): SqlResultSet {
  const columnTypes = columns.map(({ name, declared }, index) => {
    const convert = converterOf(declared, name)
    if (!convert || declared === undefined) return convertNumbers(rows, index, declared)
    for (const row of rows) if (row[index] !== null) row[index] = convert(row[index])
    return declared
  })
  return { columnNames: columns.map((column) => column.name), columnTypes, rows }
}

/** The rows of a result as objects, for what reads a few by hand. */
export function toObjects({ columnNames, rows }: SqlResultSet): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(columnNames.map((name, index) => [name, row[index]])))
}

function converterOf(type: ColumnType | undefined, column: string): ((cell: unknown) => unknown) | undefined {
  if (type === ColumnTypeEnum.DateTime) return (cell) => isoText(cell, column)
  if (type === ColumnTypeEnum.Boolean) return (cell) => (isNumeric(cell) ? Number(cell) !== 0 : cell)
  // A column declared JSON or JSONB has numeric affinity: the text `1` is stored as the number 1.
  if (type === ColumnTypeEnum.Json) return (cell) => (isNumeric(cell) ? String(cell) : cell)
  return undefined
}

function isNumeric(cell: unknown): cell is bigint | number {
  return typeof cell === 'bigint' || typeof cell === 'number'
}

function isoText(cell: unknown, column: string): string {
  const epochMs = typeof cell === 'string' ? parseInstant(cell) : Math.trunc(Number(cell))
  const iso = formatInstant(epochMs)
  if (iso !== undefined) return iso
  const cause = `Column \`${column}\` is declared DATETIME, but holds a value that is no instant.`
  throw new DriverAdapterError({ kind: 'InconsistentColumnData', cause })
}

/** Makes numbers of the bigints of one column, and says which type holds all of its cells without loss. */
function convertNumbers(rows: unknown[][], index: number, declared: ColumnType | undefined): ColumnType {
  let integers = false
  let wideIntegers = false
  let fractions = false
  const others = new Set<ColumnType>()
  for (const row of rows) {
    const cell = row[index]
    if (typeof cell === 'bigint') {
      const narrow = Number(cell)
      integers = true
      if (Number.isSafeInteger(narrow)) row[index] = narrow
      else {
        wideIntegers = true
        row[index] = declared === ColumnTypeEnum.Double ? narrow : cell.toString()
      }
    } else if (typeof cell === 'number') fractions = true
    else if (cell !== null) others.add(typeof cell === 'string' ? ColumnTypeEnum.Text : ColumnTypeEnum.Bytes)
  }
  const isInteger = declared === ColumnTypeEnum.Int32 || declared === ColumnTypeEnum.Int64
  if (declared !== undefined && !isInteger) return declared
  const [other] = others
  // Int32 and Int64 would cut fractions off, and no typed column may hold both text and numbers.
  if (other !== undefined)
    return others.size > 1 || integers || fractions ? ColumnTypeEnum.UnknownNumber : other
  if (fractions) return wideIntegers ? ColumnTypeEnum.UnknownNumber : ColumnTypeEnum.Double
  return wideIntegers ? ColumnTypeEnum.Int64 : (declared ?? ColumnTypeEnum.Int32)
}
