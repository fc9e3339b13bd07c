import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite'
import type { SqlQuery, SqlResultSet } from '@prisma/driver-adapter-utils'
import { toBoundValues } from './bound-values.ts'
import { misuse, toAdapterError } from './failures.ts'
import { declaredType, toObjects, toResultSet, type ResultColumn } from './result-rows.ts'
import { leadingKeyword } from './routing.ts'

const MAX_PREPARED_STATEMENTS = 200

/**
 * Statements on one connection. Synchronous, as the driver is: a call blocks the process until SQLite has answered,
 * so a statement must not scan. Every failure is thrown as a DriverAdapterError.
 */
export interface SqliteSession {
  /** Runs one statement and returns its rows. */
  readonly query: (query: SqlQuery) => SqlResultSet
  /** Runs one statement and returns how many rows it inserted, changed or deleted. */
  readonly execute: (query: SqlQuery) => number
  /** Runs statements separated by semicolons, each on its own unless a transaction is open. */
  readonly script: (sql: string) => void
  /** Runs one statement and returns its rows as objects; for what is too simple to need Prisma. */
  readonly rows: (sql: string, args?: readonly unknown[]) => Record<string, unknown>[]
  /** Lets go of the prepared statements. The driver frees one when it is garbage-collected, not before. */
  readonly forget: () => void
}

interface Prepared {
  readonly statement: StatementSyncInstance
  columns?: readonly ResultColumn[]
}

export function createSession(db: DatabaseSyncInstance): SqliteSession {
  const prepared = new Map<string, Prepared>() // oldest use first
  const schemaVersion = db.prepare('PRAGMA schema_version', { returnArrays: true })
  const totalChanges = db.prepare('SELECT total_changes()', { returnArrays: true })
  let knownSchema: unknown

  // A statement sees a changed schema by itself, but its list of columns, costly to read, is kept by us.
  function forgetStaleColumns(): void {
    const version = firstCell(schemaVersion.get())
    if (version !== knownSchema) prepared.clear()
    knownSchema = version
  }

  function prepare(sql: string): Prepared {
    forgetStaleColumns()
    const known = prepared.get(sql)
    prepared.delete(sql)
    const entry = known ?? {
      statement: db.prepare(withoutNul(sql), { returnArrays: true, readBigInts: true }),
    }
    prepared.set(sql, entry)
    const oldest = prepared.keys().next()
    if (prepared.size > MAX_PREPARED_STATEMENTS && !oldest.done) prepared.delete(oldest.value)
    return entry
  }

  // To be called after the statement has run: until then it may be prepared for the schema of some time ago.
  function columnsOf(entry: Prepared): readonly ResultColumn[] {
    entry.columns ??= entry.statement
      .columns()
      .map(({ name, type }) => ({ name, declared: declaredType(type) }))
    return entry.columns
  }

  function query({ sql, args, argTypes }: SqlQuery): SqlResultSet {
    return asAdapterErrors(() => {
      const entry = prepare(sql)
      const rows = entry.statement.all(...toBoundValues(args, argTypes)).map(cells)
      return toResultSet(columnsOf(entry), rows)
    })
  }

  function execute({ sql, args, argTypes }: SqlQuery): number {
    return asAdapterErrors(() => {
      const { statement } = prepare(sql)
      const values = toBoundValues(args, argTypes)
      if (/^(INSERT|UPDATE|DELETE|REPLACE)$/.test(leadingKeyword(sql)))
        return count(statement.run(...values).changes)
      // For all else SQLite goes on reporting the count of the last statement that did change rows.
      const before = firstCell(totalChanges.get())
      const { changes } = statement.run(...values)
      return firstCell(totalChanges.get()) === before ? 0 : count(changes)
    })
  }

  return {
    query,
    execute,
    script: (sql) => asAdapterErrors(() => db.exec(withoutNul(sql))),
    rows: (sql, args = []) => toObjects(query({ sql, args: [...args], argTypes: [] })),
    forget: () => prepared.clear(),
  }
}

// Typed as a number, but a bigint from a statement that reads integers as such.
function count(changes: number | bigint): number {
  return Number(changes)
}

function cells(row: unknown): unknown[] {
  return Array.isArray(row) ? row : []
}

function firstCell(row: unknown): unknown {
  return cells(row)[0]
}

function withoutNul(sql: string): string {
  if (sql.includes('\0')) throw misuse('The SQL contains U+0000, at which SQLite would stop reading it.')
  return sql
}

function asAdapterErrors<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toAdapterError(error)
  }
}
