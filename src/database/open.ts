import type { Clock } from '../kernel/clock.ts'
import { type DatabaseAddress, parseDatabaseUrl } from '../kernel/database-url.ts'
import type { Logger } from '../kernel/logger.ts'
import { UrlProblem } from '../kernel/url-problem.ts'
import { DatabaseOpenError } from './open-error.ts'
import type { Database } from './port.ts'

export interface OpenOptions {
  /** Connections to Postgres that may be held; of no meaning to SQLite. */
  readonly poolSize: number
  /** Threads that read from SQLite; of no meaning to Postgres. 4 unless given. */
  readonly sqliteReaders?: number | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** The time of a request, in which what is asked of the database nests; 15 seconds unless given. */
  readonly requestMs?: number | undefined
  /** Called when SQLite can be written to no more before the process ends; Postgres is connected to anew. */
  readonly onLost?: (() => void) | undefined
  /** Whether a file that is missing is created; true unless given. On Postgres nothing is created by opening. */
  readonly mayCreate?: boolean | undefined
  /** For maintenance: statements may take an hour. */
  readonly unhurried?: boolean | undefined
}

/**
 * Opens the database that a `DATABASE_URL` names. It is not migrated yet.
 * @throws {DatabaseOpenError} with a sentence for the operator
 */
export async function openDatabase(url: string, options: OpenOptions): Promise<Database> {
  const address = addressOf(url)
  if (address.type === 'sqlite') {
    const { openSqlite } = await import('./sqlite/open.ts')
    return openSqlite(address, options)
  }
  const { openPostgres } = await import('./postgres/open.ts')
  return openPostgres(address, options)
}

function addressOf(url: string): DatabaseAddress {
  try {
    return parseDatabaseUrl(url)
  } catch (error) {
    throw error instanceof UrlProblem ? new DatabaseOpenError(error.message) : error
  }
}
