import { existsSync } from 'node:fs'
import { PrismaClient } from '../../generated/sqlite/client.ts'
import type { Clock } from '../../kernel/clock.ts'
import { IN_MEMORY, type SqliteAddress } from '../../kernel/sqlite-url.ts'
import { overClient } from '../client.ts'
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
import { UNHURRIED, timeoutsWithin } from '../timeouts.ts'
import { type SqliteConnections, openSqliteConnections } from './connections.ts'
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
  { clock, unhurried, requestMs, onLost, mayCreate = true }: Omit<OpenOptions, 'poolSize' | 'logger'>,
): Promise<Database> {
  if (!mayCreate && path !== IN_MEMORY && !existsSync(path)) throw new DatabaseOpenError(noDatabase(display))
  const connections = await openConnections(path, clock, onLost)
  const client = new PrismaClient({ adapter: createSqliteAdapterFactory(connections) })
  const over = overClient(client, unhurried ? UNHURRIED : timeoutsWithin(requestMs))
  return {
    ...over,
    writing: over.transaction,
    dialect: sqliteDialect,
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

async function openConnections(
  path: string,
  clock: Clock,
  onLost: (() => void) | undefined,
): Promise<SqliteConnections> {
  try {
    return await openSqliteConnections({ path, clock, onLost })
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
