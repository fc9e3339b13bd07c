import { mkdir, open, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { SqlQuery, SqlResultSet } from '@prisma/driver-adapter-utils'
import type { Clock } from '../../kernel/clock.ts'
import { IN_MEMORY } from '../../kernel/sqlite-url.ts'
import { isRefusedWrite } from './failures.ts'
import { SqliteOpenError, toOpenError } from './open-error.ts'
import { type PatienceOptions, createPatience } from './patience.ts'
import { type SqliteReaders, createReaders } from './readers.ts'
import { toObjects } from './result-rows.ts'
import { createRouter } from './routing.ts'
import { createSession, queryOn, type SqliteSession } from './session.ts'
import { configureReader, configureWriter, sqliteVersion } from './settings.ts'
import { type SqliteThread, openThread } from './thread.ts'
import type { SqliteTransaction } from './transaction.ts'
import { createWriter, type TransactionOptions } from './writer.ts'

const DEFAULT_BUSY_TIMEOUT_MS = 5_000
export const DEFAULT_READERS = 4
const DEFAULT_READ_TIMEOUT_MS = 10_000

export interface SqliteConnectionsOptions {
  /** The database file, made if need be together with its directory; or `:memory:`. */
  readonly path: string
  readonly clock: Clock
  /** How long a statement waits for a lock that another process holds; 5,000 unless told. */
  readonly busyTimeoutMs?: number
  /** Most threads that read; 4 unless given. */
  readonly readers?: number | undefined
  /** After how long a read that scans is interrupted; 10,000 unless given. */
  readonly readTimeoutMs?: number | undefined
  /** Called when nothing can be written any more before the process ends. */
  readonly onLost?: (() => void) | undefined
}

/**
 * One database file, open several times, each connection in a thread of its own: a writer, which its callers use in turn,
 * and readers, which see what was committed before a statement began, and nothing else. Nothing runs in the event loop,
 * and a read that scans ends with its request. A database in memory has only the writer, and reads take their turn on it.
 * Failures are DriverAdapterErrors: SocketTimeout when another process kept the lock, ConnectionClosed after close.
 */
export interface SqliteConnections {
  /** The absolute path of the file, or `:memory:`. */
  readonly path: string
  readonly sqliteVersion: string
  /**
   * Runs one statement, on a reader if it is one that only reads, and returns its rows.
   * @param signal ends a read early, or before it begins: with SERVICE_UNAVAILABLE
   */
  readonly query: (query: SqlQuery, signal?: AbortSignal) => Promise<SqlResultSet>
  /** As `query`, with plain arguments, and rows as objects. */
  readonly rows: (
    sql: string,
    args?: readonly unknown[],
    signal?: AbortSignal,
  ) => Promise<Record<string, unknown>[]>
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
  readers: most = DEFAULT_READERS,
  readTimeoutMs: timeoutMs = DEFAULT_READ_TIMEOUT_MS,
  onLost,
}: SqliteConnectionsOptions): Promise<SqliteConnections> {
  // Resolved, also because SQLite would read a path that starts with `file:` as a URI.
  const file = path === IN_MEMORY ? path : resolve(path)
  const waiting = { clock, busyTimeoutMs }
  let writer: SqliteThread | undefined
  try {
    if (file !== IN_MEMORY) await prepareFile(file)
    const thread = await openThread(file, onLost)
    writer = thread
    await createPatience(waiting).ask()(() => configureWriter(thread, file))
    const readers =
      file === IN_MEMORY
        ? undefined
        : createReaders({ most, timeoutMs, open: () => openReader(file, waiting) })
    return createConnections(file, waiting, await sqliteVersion(thread), thread, readers)
  } catch (error) {
    await writer?.close()
    throw toOpenError(error, file)
  }
}

async function openReader(file: string, waiting: PatienceOptions): Promise<SqliteThread> {
  const reader = await openThread(file)
  try {
    await createPatience(waiting).ask()(() => configureReader(reader))
    return reader
  } catch (error) {
    await reader.close()
    throw error
  }
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
  waiting: PatienceOptions,
  sqliteVersion: string,
  thread: SqliteThread,
  readers: SqliteReaders | undefined,
): SqliteConnections {
  const writer = createWriter(thread, createSession(thread), waiting)
  const router = createRouter()
  let closing: Promise<void> | undefined

  async function query(query: SqlQuery, signal?: AbortSignal): Promise<SqlResultSet> {
    const route = router.route(query.sql)
    if (readers && route !== 'writer') {
      const read = () => readers.use((connection) => queryOn(connection, query), signal)
      try {
        return await createPatience(waiting).ask()(read)
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
    rows: async (sql, args = [], signal?) =>
      toObjects(await query({ sql, args: [...args], argTypes: [] }, signal)),
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
        await readers?.close()
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
