import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Database } from './port.ts'

export interface OpenOptions {
  /** Connections to Postgres that may be held; of no meaning to SQLite. */
  readonly poolSize: number
  readonly clock: Clock
  readonly logger: Logger
  /** The time of a request, in which what is asked of the database nests; 15 seconds unless given. */
  readonly requestMs?: number | undefined
  /** Called when SQLite can be written to no more before the process ends; Postgres is connected to anew. */
  readonly onLost?: (() => void) | undefined
  /** For maintenance: statements may take an hour. */
  readonly unhurried?: boolean | undefined
}

/**
 * Opens the database that a URL names: `file:` is SQLite, anything else Postgres. It is not migrated yet.
 * @throws {DatabaseOpenError} with a sentence for the operator
 */
export async function openDatabase(url: string, options: OpenOptions): Promise<Database> {
  if (url.startsWith('file:')) {
    const { openSqlite } = await import('./sqlite/open.ts')
    return openSqlite(url, options)
  }
  const { openPostgres } = await import('./postgres/open.ts')
  return openPostgres(url, options)
}
