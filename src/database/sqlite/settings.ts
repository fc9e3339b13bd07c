import { SqliteOpenError } from './open-error.ts'
import type { SqliteConnection, WritableConnection } from './session.ts'

/** Earlier versions may lose committed frames when the write-ahead log is reset (https://www.sqlite.org/wal.html). */
export const OLDEST_SAFE_VERSION = '3.51.3'

const SYNCHRONOUS_FULL = 2
const SECURE_DELETE_FAST = 2

/**
 * Pages in the write-ahead log from which on it is moved into the file: a batch of logs fills SQLite's own 1,000 alone, and
 * each page would be written twice.
 */
const CHECKPOINT_PAGES = 4_000

/** Recording touches an index page here and there; with SQLite's own 2 MiB most of them would be read again. */
const WRITER_CACHE_KIB = 65_536

/**
 * Makes a connection the writer: write-ahead logging, so that reads go on beside a write; an fsync for each commit, so
 * that what was acknowledged survives a power failure; foreign keys enforced; what is deleted overwritten with zeros where
 * the page is written anyway, so that pages carry no copies of rows that are gone. Reads every setting back, since SQLite
 * ignores what it cannot do, and proves by a write, undone, that the file can be written.
 * A database in memory has no log, and needs none.
 */
export async function configureWriter(writer: WritableConnection, path: string): Promise<void> {
  if (!isVersionAtLeast(await sqliteVersion(writer), OLDEST_SAFE_VERSION))
    throw new SqliteOpenError('old-sqlite', path)
  const journalMode = await setting(writer, 'PRAGMA journal_mode = WAL')
  if (journalMode !== 'wal' && path !== ':memory:') throw new SqliteOpenError('no-wal', path)
  await writer.exec(
    `PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = FAST; PRAGMA cache_size = -${WRITER_CACHE_KIB}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
  )
  await requireSetting(writer, 'synchronous', SYNCHRONOUS_FULL)
  await requireSetting(writer, 'foreign_keys', 1)
  await requireSetting(writer, 'secure_delete', SECURE_DELETE_FAST)
  await proveWritable(writer)
}

/** Makes a connection the reader: it refuses whatever would change the database. */
export async function configureReader(reader: SqliteConnection): Promise<void> {
  await reader.exec('PRAGMA query_only = ON')
  await requireSetting(reader, 'query_only', 1)
}

export async function sqliteVersion(connection: SqliteConnection): Promise<string> {
  return String(await setting(connection, 'SELECT sqlite_version()'))
}

/** Compares versions as dotted numbers: 3.51.10 is at least 3.51.3. */
export function isVersionAtLeast(version: string, oldest: string): boolean {
  return version.localeCompare(oldest, 'en', { numeric: true }) >= 0
}

async function setting(connection: SqliteConnection, sql: string): Promise<unknown> {
  const { rows } = await connection.all(sql, [])
  return rows[0]?.[0]
}

async function requireSetting(connection: SqliteConnection, name: string, expected: number): Promise<void> {
  const found = await setting(connection, `PRAGMA ${name}`)
  if (Number(found) === expected) return
  throw new Error(
    `Expected SQLite to take the setting ${name} = ${expected}, but it stays at ${String(found)}.`,
  )
}

async function proveWritable(writer: WritableConnection): Promise<void> {
  const version = Number(await setting(writer, 'PRAGMA user_version'))
  try {
    await writer.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${version}; ROLLBACK`)
  } finally {
    if (writer.isTransaction()) await writer.exec('ROLLBACK')
  }
}
