import {
  primaryCode,
  resultCode,
  SQLITE_BUSY,
  SQLITE_CANTOPEN,
  SQLITE_CORRUPT,
  SQLITE_FULL,
  SQLITE_IOERR,
  SQLITE_NOTADB,
  SQLITE_READONLY,
} from './failures.ts'

/** Why a database file could not be opened. */
export type SqliteOpenReason =
  | 'damaged'
  | 'disk-full'
  | 'is-a-directory'
  | 'locked'
  | 'no-access'
  | 'no-directory'
  | 'no-wal'
  | 'not-a-database'
  | 'old-sqlite'
  | 'read-only'
  | 'unreadable'

const SENTENCES: Readonly<Record<SqliteOpenReason, string>> = {
  damaged: 'the database is damaged; restore it from a backup.',
  'disk-full': 'the disk is full.',
  'is-a-directory': 'expected the path of a file, got a directory.',
  locked: 'another process holds the lock on it.',
  'no-access':
    'permission denied. The file and its directory must be readable and writable, since SQLite keeps two more files beside it.',
  'no-directory': 'its directory does not exist and cannot be made, because a part of the path is a file.',
  'no-wal':
    'its file system has no write-ahead logging (network file systems often have none), without which acknowledged writes could be lost.',
  'not-a-database': 'the file is not an SQLite database.',
  'old-sqlite': 'this build of SQLite has known faults in write-ahead logging; 3.51.3 or later is needed.',
  'read-only': 'the file or its file system is read-only.',
  unreadable: 'it cannot be read.',
}

/** A database file could not be opened. The message is one sentence for a person, and names the file. */
export class SqliteOpenError extends Error {
  override readonly name = 'SqliteOpenError'
  readonly reason: SqliteOpenReason
  readonly path: string

  constructor(reason: SqliteOpenReason, path: string, options?: ErrorOptions) {
    super(`Cannot open the SQLite database ${path}: ${SENTENCES[reason]}`, options)
    this.reason = reason
    this.path = path
  }
}

const REASONS_BY_CODE: Readonly<Record<number, SqliteOpenReason>> = {
  [SQLITE_BUSY]: 'locked',
  [SQLITE_CANTOPEN]: 'no-access',
  [SQLITE_CORRUPT]: 'damaged',
  [SQLITE_FULL]: 'disk-full',
  [SQLITE_IOERR]: 'unreadable',
  [SQLITE_NOTADB]: 'not-a-database',
  [SQLITE_READONLY]: 'read-only',
}

const REASONS_BY_SYSTEM_ERROR: Readonly<Record<string, SqliteOpenReason>> = {
  EACCES: 'no-access',
  EEXIST: 'no-directory',
  ENOSPC: 'disk-full',
  ENOTDIR: 'no-directory',
  EPERM: 'no-access',
  EROFS: 'read-only',
}

/** The error for a person, if SQLite or the file system refused the file; any other error as it is. */
export function toOpenError(error: unknown, path: string): unknown {
  const code = resultCode(error)
  const systemCode = error instanceof Error && 'code' in error ? String(error.code) : ''
  const reason =
    code === undefined
      ? REASONS_BY_SYSTEM_ERROR[systemCode]
      : (REASONS_BY_CODE[primaryCode(code)] ?? 'unreadable')
  return reason === undefined ? error : new SqliteOpenError(reason, path, { cause: error })
}
