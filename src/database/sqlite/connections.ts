import { mkdir, open, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import type { SqlQuery, SqlResultSet } from '@prisma/driver-adapter-utils'
import type { Clock } from '../../kernel/clock.ts'
import { IN_MEMORY } from '../../kernel/sqlite-url.ts'
import { isRefusedWrite } from './failures.ts'
import { SqliteOpenError, toOpenError } from './open-error.ts'
import { createPatience } from './patience.ts'
import { toObjects } from './result-rows.ts'
import { createRouter } from './routing.ts'
import { createSession, type SqliteConnection, type SqliteSession } from './session.ts'
import { configureReader, configureWriter, sqliteVersion } from './settings.ts'
import { createStatements } from './statements.js'
import { type SqliteThread, openThread } from './thread.ts'
import type { SqliteTransaction } from './transaction.ts'
import { createWriter, type TransactionOptions } from './writer.ts'

const DEFAULT_BUSY_TIMEOUT_MS = 5_000

export interface SqliteConnectionsOptions {
  /** The database file, made if need be together with its directory; or `:memory:`. */
  readonly path: string
  readonly clock: Clock
  /** How long a statement waits for a lock that another process holds; 5,000 unless told. */
  readonly busyTimeoutMs?: number
  /** Called when nothing can be written any more before the process ends. */
  readonly onLost?: (() => void) | undefined
}

/**
 * One database file, open twice: a writer, which its callers use in turn and which runs in a thread of its own, and a
 * reader, which waits for nobody and sees what was committed, nothing else. The reader is synchronous: what it reads
 * must not scan. A database in memory has the writer alone, and reads take their turn on it.
 * Failures are DriverAdapterErrors: SocketTimeout when another process kept the lock, ConnectionClosed after close.
 */
export interface SqliteConnections {
  /** The absolute path of the file, or `:memory:`. */
  readonly path: string
  readonly sqliteVersion: string
  /** Runs one statement, on the reader if it is one that only reads, and returns its rows. */
  readonly query: (query: SqlQuery) => Promise<SqlResultSet>
  /** As `query`, with plain arguments, and rows as objects. */
  readonly rows: (sql: string, args?: readonly unknown[]) => Promise<Record<string, unknown>[]>
  /** Runs one statement on the writer and returns how many rows it inserted, changed or deleted. */
  readonly execute: (query: SqlQuery) => Promise<number>
  /** Runs statements separated by semicolons on the writer, each committed on its own: not all or nothing. */
  readonly script: (sql: string) => Promise<void>
  /** Runs `work` on the writer between BEGIN IMMEDIATE and COMMIT; undoes all of it and throws if `work` throws. */
  readonly transaction: <T>(
    work: (session: SqliteSession) => T | Promise<T>,
    options?: TransactionOptions,
  ) => Promise<T>
  /** Begins a transaction that the caller must commit or roll back: every other write waits for that. */
  readonly begin: () => Promise<SqliteTransaction>
  /**
   * Moves the write-ahead log into the file and empties it. One row, whose `busy` is 0 if that was done and 1 if
   * somebody who reads or writes kept it from that.
   */
  readonly checkpoint: () => Promise<Record<string, unknown>[]>
  /** Closes the file when the writes asked for so far are done, an open transaction included. Idempotent. */
  readonly close: () => Promise<void>
}

/** Opens a database file, or throws a SqliteOpenError that says in one sentence why that could not be. */
export async function openSqliteConnections({
  path,
  clock,
  busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS,
  onLost,
}: SqliteConnectionsOptions): Promise<SqliteConnections> {
  // Resolved, also because SQLite would read a path that starts with `file:` as a URI.
  const file = path === IN_MEMORY ? path : resolve(path)
  const waiting = { clock, busyTimeoutMs }
  const opened: Pick<SqliteThread, 'close'>[] = []
  try {
    if (file !== IN_MEMORY) await prepareFile(file)
    const writer = await openThread(file, onLost)
    opened.push(writer)
    await createPatience(waiting).ask()(() => configureWriter(writer, file))
    if (file === IN_MEMORY) return createConnections(file, waiting, await sqliteVersion(writer), writer)
    const reader = openReader(file)
    opened.push(reader)
    await createPatience(waiting).ask()(() => configureReader(reader))
    return createConnections(file, waiting, await sqliteVersion(writer), writer, reader)
  } catch (error) {
    for (const connection of opened) await connection.close()
    throw toOpenError(error, file)
  }
}

function openReader(file: string): SqliteConnection & Pick<SqliteThread, 'close'> {
  const { close, ...statements } = createStatements(new DatabaseSync(file, { timeout: 0 }))
  return { ...statements, close: async () => close() }
}

/**
 * Makes the file and its folder, if they are missing, for this user only: logs of all tenants are in it, and the secret
 * that cursors are signed with. SQLite gives its log and its shared memory the mode of the file.
 */
async function prepareFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const found = await stat(file).catch(() => undefined)
  if (found?.isDirectory()) throw new SqliteOpenError('is-a-directory', file)
  if (!found) await (await open(file, 'a', 0o600)).close()
}

function createConnections(
  path: string,
  waiting: { readonly clock: Clock; readonly busyTimeoutMs: number },
  sqliteVersion: string,
  thread: SqliteThread,
  reader?: SqliteConnection & Pick<SqliteThread, 'close'>,
): SqliteConnections {
  const writer = createWriter(thread, createSession(thread), waiting)
  const readerSession = reader && createSession(reader)
  const router = createRouter()
  let closing: Promise<void> | undefined

  async function query(query: SqlQuery): Promise<SqlResultSet> {
    const route = router.route(query.sql)
    if (readerSession && route !== 'writer') {
      try {
        return await createPatience(waiting).ask()(() => readerSession.query(query))
      } catch (error) {
        if (route === 'reader' || !isRefusedWrite(error)) throw error
        router.rememberWrite(query.sql)
      }
    }
    return writer.write((session) => session.query(query))
  }

  return {
    path,
    sqliteVersion,
    query,
    rows: async (sql, args = []) => toObjects(await query({ sql, args: [...args], argTypes: [] })),
    execute: async (query) => writer.write((session) => session.execute(query)),
    script: writer.script,
    checkpoint: () => writer.write((session) => session.rows('PRAGMA wal_checkpoint(TRUNCATE)')),
    begin: writer.begin,
    transaction: async (work, options) => {
      const transaction = await writer.begin(options)
      try {
        const result = await work(transaction.session)
        await transaction.commit()
        return result
      } finally {
        await transaction.rollback()
      }
    },
    close: async () => {
      closing ??= writer.finish(async () => {
        await reader?.close()
        await closeWriter(thread)
      })
      await closing
    },
  }
}

/**
 * Moves the write-ahead log into the database file before closing, so that the file alone is the whole database.
 * SQLite does so itself on the last close, but not while prepared statements wait for the garbage collector.
 */
async function closeWriter(thread: SqliteThread): Promise<void> {
  if (!thread.isOpen()) return
  try {
    await thread.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // The log stays beside the file, whole: the next to open the file reads it.
  } finally {
    await thread.close()
  }
}
