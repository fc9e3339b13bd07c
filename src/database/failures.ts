import { AppError } from '../kernel/errors.ts'

/** Prisma's kinds and codes for a database that cannot serve now: unreachable, closed, out of connections, busy. */
const UNAVAILABLE = new Set([
  'AuthenticationFailed',
  'ConnectionClosed',
  'DatabaseAccessDenied',
  'DatabaseDoesNotExist',
  'DatabaseNotReachable',
  'SocketTimeout',
  'TlsConnectionError',
  'TooManyConnections',
  'TransactionAlreadyClosed',
  'TransactionWriteConflict',
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  'P2028',
  'P2034',
  'P2037',
])

/** SQLSTATEs that mean the same: connection, resources, shutdown, rollback, read-only, timeouts, disk. */
const UNAVAILABLE_SQLSTATE = /^(08|28|3D|40|53|57P|58|25006|55P03|57014)/

/** SQLite: busy, locked, read-only, interrupted, I/O error, full, cannot open. https://sqlite.org/rescode.html */
const UNAVAILABLE_SQLITE = new Set([5, 6, 8, 9, 10, 13, 14])

/** Failures of `pg` that carry no code. */
const UNAVAILABLE_MESSAGE =
  /timeout exceeded when trying to connect|Cannot use a pool after calling end|Connection terminated|is not queryable|ECONNREFUSED|ECONNRESET|EPIPE/

const RETRY_AFTER_SECONDS = 2

/**
 * A driver's failure as the rest of the program may know it: SERVICE_UNAVAILABLE where trying again can help, else
 * the error itself, which is a fault of ours. Its text is for our log; no client ever sees it.
 */
export function translateFailure(error: unknown): unknown {
  return error instanceof AppError || !isUnavailable(error) ? error : unavailable(error)
}

/** Says that the database cannot serve now, whatever the reason. */
export const unavailable = (cause: unknown): AppError =>
  new AppError(
    'SERVICE_UNAVAILABLE',
    'The database cannot be reached or cannot take this now. Try again soon.',
    { retryAfterSeconds: RETRY_AFTER_SECONDS, cause },
  )

function isUnavailable(error: unknown): boolean {
  const state = sqlState(error)
  if (state !== undefined && UNAVAILABLE_SQLSTATE.test(state)) return true
  return causes(error).some(
    ({ kind, code, extendedCode, message }) =>
      UNAVAILABLE.has(String(kind)) ||
      UNAVAILABLE.has(String(code)) ||
      (typeof extendedCode === 'number' && UNAVAILABLE_SQLITE.has(extendedCode & 0xff)) ||
      (typeof message === 'string' && UNAVAILABLE_MESSAGE.test(message)),
  )
}

/** The SQLSTATE behind a failure of Postgres, of its driver or of Prisma; undefined for any other. */
export function sqlState(error: unknown): string | undefined {
  const codes = causes(error).flatMap(({ originalCode, code }) => [originalCode, code])
  return codes.find(
    (code): code is string => typeof code === 'string' && /^(?!P\d{4}$)[0-9A-Z]{5}$/.test(code),
  )
}

/** What is missing in a database: a schema, a table, a column, a function. */
const MISSING = /^(3F000|42P01|42703|42883|P2021|P2022)$/

/**
 * What a failure of the database comes to, for a person at a terminal; undefined for a failure of another kind. Without
 * the driver's text, which may hold what was sent.
 */
export function failureSentence(error: unknown): string | undefined {
  const codes = causes(error).flatMap(({ originalCode, code }) => [originalCode, code])
  const code =
    sqlState(error) ?? codes.find((one): one is string => typeof one === 'string' && /^P\d{4}$/.test(one))
  const isOfDatabase = code !== undefined || causes(error).some(({ name }) => OF_DATABASE.test(String(name)))
  if (!isOfDatabase) return undefined
  return code !== undefined && MISSING.test(code)
    ? 'The database lacks a table or a column that connlog needs. Run `connlog migrate`, then `connlog doctor`.'
    : `The database did not do what was asked${code === undefined ? '' : ` (${code})`}. Run \`connlog doctor\`.`
}

const OF_DATABASE = /^(PrismaClient\w+|DriverAdapterError|DatabaseError|SqliteError)$/

interface Cause {
  readonly name?: unknown
  readonly kind?: unknown
  readonly code?: unknown
  readonly originalCode?: unknown
  readonly extendedCode?: unknown
  readonly message?: unknown
  readonly cause?: unknown
  readonly meta?: { readonly driverAdapterError?: unknown }
}

/** An error and what caused it, outermost first; Prisma keeps the driver's error in `meta`. */
function causes(error: unknown): Cause[] {
  const found: Cause[] = []
  let at = error
  while (typeof at === 'object' && at !== null && found.length < 8) {
    const cause: Cause = at
    found.push(cause)
    at = cause.cause ?? cause.meta?.driverAdapterError
  }
  return found
}
