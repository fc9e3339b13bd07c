import { AppError } from '../kernel/errors.ts'

/** Prisma's codes for a database that cannot serve right now: unreachable, closed, timed out, no connection free, busy. */
const UNAVAILABLE = new Set([
  'P1000',
  'P1001',
  'P1002',
  'P1003',
  'P1008',
  'P1010',
  'P1011',
  'P1017',
  'P1018',
  'P2024',
  'P2028',
  'P2034',
  'P2037',
])

/** SQLSTATE classes and codes that mean the same: connection, resources, shutdown, timeouts, read-only, disk full. */
const UNAVAILABLE_SQLSTATE = /^(08|53|57P|40|25006|55P03|57014|58)/

/** SQLite: full, I/O error, read-only, busy, locked, cannot open. https://sqlite.org/rescode.html */
const UNAVAILABLE_SQLITE = new Set([5, 6, 8, 10, 13, 14])

const RETRY_AFTER_SECONDS = 2

/**
 * A driver's failure as the rest of the program may know it: SERVICE_UNAVAILABLE where trying again can help, else
 * the error itself, which is a fault of ours. Its text is for our log; no client ever sees it.
 */
export function translateFailure(error: unknown): unknown {
  if (error instanceof AppError || !isUnavailable(error)) return error
  return new AppError(
    'SERVICE_UNAVAILABLE',
    'The database cannot be reached or cannot take this now. Try again soon.',
    {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      cause: error,
    },
  )
}

function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && typeof error.code === 'string' && UNAVAILABLE.has(error.code)) return true
  const { sqlState, sqliteCode } = driverCodes(error)
  if (sqlState !== undefined && UNAVAILABLE_SQLSTATE.test(sqlState)) return true
  if (sqliteCode !== undefined && UNAVAILABLE_SQLITE.has(sqliteCode & 0xff)) return true
  return /timeout exceeded when trying to connect|Connection terminated|ECONNREFUSED|ECONNRESET/.test(
    error.message,
  )
}

/** The SQLSTATE or SQLite code behind an error of Prisma or of a driver, wherever it is kept. */
export function driverCodes(error: unknown): { sqlState?: string; sqliteCode?: number } {
  for (const found of causes(error)) {
    if (found['kind'] === 'sqlite' && typeof found['extendedCode'] === 'number')
      return { sqliteCode: found['extendedCode'] }
    const code = found['kind'] === 'postgres' ? found['code'] : (found['originalCode'] ?? found['code'])
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^P\d{4}$/.test(code))
      return { sqlState: code }
  }
  return {}
}

function* causes(error: unknown): Generator<Record<string, unknown>> {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 6; depth += 1) {
    const found = at as Record<string, unknown>
    yield found
    const meta = found['meta'] as { driverAdapterError?: unknown } | undefined
    at = found['cause'] ?? meta?.driverAdapterError
  }
}
