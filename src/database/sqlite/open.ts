import { existsSync } from 'node:fs'
import { PrismaClient } from '../../generated/sqlite/client.ts'
import { IN_MEMORY, type SqliteAddress } from '../../kernel/sqlite-url.ts'
import { overClient, translated } from '../client.ts'
import { NO_HINTS } from '../hints.ts'
import {
  CREATE_RECORDS,
  type MigrationRecord,
  type MigrationTarget,
  SELECT_RECORDS,
  createMigrations,
} from '../migrations.ts'
import { DatabaseOpenError, noDatabase } from '../open-error.ts'
import type { Database } from '../port.ts'
import { createSqliteAdapterFactory } from './adapter.ts'
import type { OpenOptions } from '../open.ts'
import type { Sql } from '../sql.ts'
import { UNHURRIED, timeoutsWithin } from '../timeouts.ts'
import {
  DEFAULT_READERS,
  type SqliteConnections,
  type SqliteConnectionsOptions,
  openSqliteConnections,
} from './connections.ts'
import { createEraser } from './eraser.ts'
import { createHealth } from './health.ts'
import { createLoad } from './load.ts'
import { sqliteDialect } from './dialect.ts'
import { SqliteOpenError } from './open-error.ts'

/**
 * Opens an SQLite file.
 * @throws {DatabaseOpenError} with a sentence for the operator
 */
export async function openSqlite(
  { path, display }: SqliteAddress,
  {
    clock,
    unhurried,
    requestMs,
    sqliteReaders: readers = DEFAULT_READERS,
    onLost,
    mayCreate = true,
  }: Omit<OpenOptions, 'poolSize' | 'logger'>,
): Promise<Database> {
  if (!mayCreate && path !== IN_MEMORY && !existsSync(path)) throw new DatabaseOpenError(noDatabase(display))
  const timeouts = unhurried ? UNHURRIED : timeoutsWithin(requestMs)
  const connections = await openConnections({
    path,
    clock,
    readers,
    readTimeoutMs: timeouts.statementMs,
    onLost,
  })
  const client = new PrismaClient({ adapter: createSqliteAdapterFactory(connections) })
  const over: ReturnType<typeof overClient> = {
    ...overClient(client, timeouts),
    // Past Prisma, which cannot end a statement early, and whose own way of reading rows takes longer than a thread.
    query: <Row>({ sql, values }: Sql, signal?: AbortSignal) =>
      translated(connections.rows(sql, values, signal) as Promise<Row[]>),
  }
  return {
    ...over,
    writing: over.transaction,
    dialect: sqliteDialect,
    readsAtOnce: path === IN_MEMORY ? 1 : readers,
    // One file holds all days, and one writer keeps the counts: there is nothing to prepare, to drop or to merge.
    storage: {
      prepare: async () => undefined,
      lacksPart: () => false,
      dropExpired: async () => ({ logs: 0, inUse: [], isElsewhere: false }),
      mergeCounts: async () => false,
    },
    hints: NO_HINTS,
    allowances: undefined,
    health: createHealth(connections),
    load: createLoad(over),
    eraser: createEraser(connections, { ...over, clock, mayVacuum: unhurried === true }),
    migrations: createMigrations('sqlite', migrationTarget(connections)),
    close: async () => {
      await client.$disconnect()
      await connections.close()
    },
  }
}

async function openConnections(options: SqliteConnectionsOptions): Promise<SqliteConnections> {
  try {
    return await openSqliteConnections(options)
  } catch (error) {
    if (error instanceof SqliteOpenError) throw new DatabaseOpenError(error.message, { cause: error })
    throw error
  }
}

const EXISTS = `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_prisma_migrations'`

const toRecord = (row: Record<string, unknown>): MigrationRecord => ({
  migration_name: String(row['migration_name']),
  checksum: String(row['checksum']),
  finished: Number(row['finished']) === 1,
})

const migrationTarget = (connections: SqliteConnections): MigrationTarget => ({
  records: async () =>
    (await connections.rows(EXISTS)).length === 0
      ? []
      : (await connections.rows(SELECT_RECORDS)).map(toRecord),
  exclusively: (work) =>
    connections.transaction(
      (session) =>
        work({
          records: async () =>
            (await session.rows(EXISTS)).length === 0
              ? []
              : (await session.rows(SELECT_RECORDS)).map(toRecord),
          apply: async (sql, record) => session.script(`${CREATE_RECORDS.sqlite} ${sql}\n${record}`),
        }),
      { rewritesTables: true },
    ),
})
