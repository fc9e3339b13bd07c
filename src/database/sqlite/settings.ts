import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { SqliteOpenError } from './open-error.ts'

/** Earlier versions may lose committed frames when the write-ahead log is reset (https://www.sqlite.org/wal.html). */
export const OLDEST_SAFE_VERSION = '3.51.3'

const SYNCHRONOUS_FULL = 2
const SECURE_DELETE_FAST = 2

/**
 * Makes `db` the writer: write-ahead logging, so that reads go on beside a write; an fsync for each commit, so that
 * what was acknowledged survives a power failure; foreign keys enforced; what is deleted overwritten with zeros where
 * the page is written anyway, so that pages carry no copies of rows that are gone. Reads every setting back, since SQLite
 * ignores what it cannot do, and proves by a write, undone, that the file can be written.
 * A database in memory has no log, and needs none.
 */
export function configureWriter(db: DatabaseSyncInstance, path: string): void {
  if (!isVersionAtLeast(sqliteVersion(db), OLDEST_SAFE_VERSION)) throw new SqliteOpenError('old-sqlite', path)
  const journalMode = setting(db, 'PRAGMA journal_mode = WAL')
  if (journalMode !== 'wal' && path !== ':memory:') throw new SqliteOpenError('no-wal', path)
  db.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = FAST')
  requireSetting(db, 'synchronous', SYNCHRONOUS_FULL)
  requireSetting(db, 'foreign_keys', 1)
  requireSetting(db, 'secure_delete', SECURE_DELETE_FAST)
  proveWritable(db)
}

/** Makes `db` the reader: it refuses whatever would change the database. */
export function configureReader(db: DatabaseSyncInstance): void {
  db.exec('PRAGMA query_only = ON')
  requireSetting(db, 'query_only', 1)
}

export function sqliteVersion(db: DatabaseSyncInstance): string {
  return String(setting(db, 'SELECT sqlite_version()'))
}

/** Compares versions as dotted numbers: 3.51.10 is at least 3.51.3. */
export function isVersionAtLeast(version: string, oldest: string): boolean {
  return version.localeCompare(oldest, 'en', { numeric: true }) >= 0
}

function setting(db: DatabaseSyncInstance, sql: string): unknown {
  const row: unknown = db.prepare(sql, { returnArrays: true }).get()
  return Array.isArray(row) ? row[0] : undefined
}

function requireSetting(db: DatabaseSyncInstance, name: string, expected: number): void {
  const found = setting(db, `PRAGMA ${name}`)
  if (found === expected) return
  throw new Error(
    `Expected SQLite to take the setting ${name} = ${expected}, but it stays at ${String(found)}.`,
  )
}

function proveWritable(db: DatabaseSyncInstance): void {
  const version = Number(setting(db, 'PRAGMA user_version'))
  try {
    db.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${version}; ROLLBACK`)
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK')
  }
}
