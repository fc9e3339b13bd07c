import { DriverAdapterError, type Error as Failure } from '@prisma/driver-adapter-utils'

// Result codes of SQLite, https://www.sqlite.org/rescode.html. The low byte of an extended code is its primary code.
const PRIMARY_CODE_MASK = 0xff
export const SQLITE_ERROR = 1
export const SQLITE_BUSY = 5
export const SQLITE_READONLY = 8
export const SQLITE_IOERR = 10
export const SQLITE_CORRUPT = 11
export const SQLITE_FULL = 13
export const SQLITE_CANTOPEN = 14
export const SQLITE_MISUSE = 21
export const SQLITE_NOTADB = 26
const CONSTRAINT_CHECK = 275
const CONSTRAINT_FOREIGN_KEY = 787
const CONSTRAINT_NOT_NULL = 1299
const CONSTRAINT_PRIMARY_KEY = 1555
const CONSTRAINT_UNIQUE = 2067
const CONSTRAINT_ROWID = 2579

// The driver forgets the code of an error thrown by `all()`; SQLite's own text is then the only trace of it.
const CODES_BY_MESSAGE: readonly (readonly [start: string, code: number])[] = [
  ['database is locked', SQLITE_BUSY],
  ['database table is locked', 6],
  ['out of memory', 7],
  ['attempt to write a readonly database', SQLITE_READONLY],
  ['interrupted', 9],
  ['disk I/O error', SQLITE_IOERR],
  ['database disk image is malformed', SQLITE_CORRUPT],
  ['database or disk is full', SQLITE_FULL],
  ['unable to open database file', SQLITE_CANTOPEN],
  ['string or blob too big', 18],
  ['datatype mismatch', 20],
  ['column index out of range', 25],
  ['file is not a database', SQLITE_NOTADB],
  ['CHECK constraint failed', CONSTRAINT_CHECK],
  ['FOREIGN KEY constraint failed', CONSTRAINT_FOREIGN_KEY],
  ['NOT NULL constraint failed', CONSTRAINT_NOT_NULL],
  ['UNIQUE constraint failed', CONSTRAINT_UNIQUE],
]

interface DriverError {
  readonly code: string
  readonly message: string
  readonly errcode?: number
}

function isDriverError(error: unknown): error is DriverError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

/** The (extended, where the driver tells it) result code of an error of SQLite; undefined for any other error. */
export function resultCode(error: unknown): number | undefined {
  if (!isDriverError(error) || error.code !== 'ERR_SQLITE_ERROR') return undefined
  if (error.errcode !== undefined) return error.errcode
  return CODES_BY_MESSAGE.find(([start]) => error.message.startsWith(start))?.[1] ?? SQLITE_ERROR
}

/** The code without its extension: SQLITE_BUSY for SQLITE_BUSY_SNAPSHOT. */
export function primaryCode(code: number): number {
  return code & PRIMARY_CODE_MASK
}

/**
 * What the driver threw, in the words that Prisma turns into its P-codes: a DriverAdapterError for whatever SQLite
 * or the state of the connection refused, and the error itself, unchanged, where it is a fault of ours.
 */
export function toAdapterError(error: unknown): unknown {
  const code = resultCode(error)
  if (!isDriverError(error)) return error
  const original = { originalCode: String(code ?? error.code), originalMessage: error.message }
  if (code !== undefined) return new DriverAdapterError({ ...original, ...describe(code, error.message) })
  if (/^database (connection )?is (not open|closed)$/i.test(error.message)) {
    return new DriverAdapterError({ ...original, kind: 'ConnectionClosed' })
  }
  if (error.message === 'Statement is not properly initialized') {
    return misuse('The SQL holds no statement, only white space or comments.')
  }
  return error
}

/** A call that SQLite itself would have let through to its harm, refused with a sentence for the caller. */
export function misuse(message: string): DriverAdapterError {
  return new DriverAdapterError({ kind: 'sqlite', extendedCode: SQLITE_MISUSE, message })
}

/** Somebody else holds the lock: nothing happened, and the same statement may succeed a little later. */
export function isBusy(error: unknown): boolean {
  if (error instanceof DriverAdapterError) return error.cause.kind === 'SocketTimeout'
  const code = resultCode(error)
  return code !== undefined && primaryCode(code) === SQLITE_BUSY
}

/** The connection may only read: nothing happened, and the statement belongs on the writer. */
export function isRefusedWrite(error: unknown): boolean {
  if (!(error instanceof DriverAdapterError) || error.cause.kind !== 'sqlite') return false
  return primaryCode(error.cause.extendedCode) === SQLITE_READONLY
}

function describe(code: number, message: string): Failure {
  if (primaryCode(code) === SQLITE_BUSY) return { kind: 'SocketTimeout' }
  switch (code) {
    case CONSTRAINT_UNIQUE:
    case CONSTRAINT_PRIMARY_KEY:
    case CONSTRAINT_ROWID:
      return { kind: 'UniqueConstraintViolation', ...violated(message) }
    case CONSTRAINT_NOT_NULL:
      return { kind: 'NullConstraintViolation', ...violated(message) }
    case CONSTRAINT_FOREIGN_KEY:
      return { kind: 'ForeignKeyConstraintViolation', constraint: { foreignKey: {} } }
  }
  const table = /^no such table: (.+)$/.exec(message)?.[1]
  if (table !== undefined) return { kind: 'TableDoesNotExist', table }
  const column = /^(?:no such column: |table .+ has no column named )(.+)$/.exec(message)?.[1]
  if (column !== undefined) return { kind: 'ColumnNotFound', column }
  return { kind: 'sqlite', extendedCode: code, message }
}

/** Reads "UNIQUE constraint failed: Key.tenant, Key.name" or "… failed: index 'key_name'". */
function violated(message: string) {
  const detail = message.slice(message.indexOf(': ') + 2)
  const index = /^index '(.+)'$/.exec(detail)?.[1]
  if (index !== undefined) return { constraint: { index } }
  const columns = detail.split(', ').map((column) => column.split('.'))
  const table = columns[0]?.[0]
  return {
    constraint: { fields: columns.map((parts) => parts.at(-1) ?? '') },
    ...(table === undefined ? {} : { table }),
  }
}
