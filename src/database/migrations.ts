import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { AppError } from '../kernel/errors.ts'
import { translateFailure } from './failures.ts'
import { DatabaseOpenError } from './open-error.ts'
import type { Migrations } from './port.ts'

export type Provider = 'sqlite' | 'postgresql'

export interface Migration {
  readonly name: string
  readonly sql: string
  /** SHA-256 of the file in hex, as `prisma migrate` records it. */
  readonly checksum: string
}

/** One line of Prisma's `_prisma_migrations`. */
export interface MigrationRecord {
  readonly migration_name: string
  readonly checksum: string
  readonly finished: boolean
}

/** What a database has to be able to do to be migrated. */
export interface MigrationTarget {
  /** The records that were not rolled back, oldest first; none where the table is missing. */
  records(): Promise<MigrationRecord[]>
  /** Calls `work` while no other process migrates the same database. */
  exclusively<T>(work: (session: MigrationSession) => Promise<T>): Promise<T>
}

/** One connection, or one transaction, that nobody else uses meanwhile. */
export interface MigrationSession {
  records(): Promise<MigrationRecord[]>
  /** Runs `sql` and `record` in one transaction, so that a migration is applied whole or not at all. */
  apply(sql: string, record: string): Promise<void>
}

/** Reads Prisma's table; it may not exist yet. */
export const SELECT_RECORDS = `
  SELECT migration_name, checksum, finished_at IS NOT NULL AS finished FROM "_prisma_migrations"
  WHERE rolled_back_at IS NULL ORDER BY started_at`

/** Prisma's own table, so that `prisma migrate status` and `deploy` agree with what is done here. */
export const CREATE_RECORDS: Readonly<Record<Provider, string>> = {
  sqlite: `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id" TEXT PRIMARY KEY NOT NULL, "checksum" TEXT NOT NULL, "finished_at" DATETIME, "migration_name" TEXT NOT NULL,
    "logs" TEXT, "rolled_back_at" DATETIME, "started_at" DATETIME NOT NULL DEFAULT current_timestamp,
    "applied_steps_count" INTEGER UNSIGNED NOT NULL DEFAULT 0
  );`,
  postgresql: `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0
  );`,
}

const FINISHED_AT: Readonly<Record<Provider, string>> = {
  sqlite: "CAST(strftime('%s', 'now') AS INTEGER) * 1000",
  postgresql: 'now()',
}

/** The migrations that come with this program, in the order in which they are applied. */
export function readMigrations(provider: Provider): Migration[] {
  const folder = new URL(`../../prisma/${provider}/migrations/`, import.meta.url)
  return readdirSync(folder)
    .filter((name) => existsSync(new URL(`${name}/migration.sql`, folder)))
    .sort()
    .map((name) => {
      const sql = readFileSync(new URL(`${name}/migration.sql`, folder), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
}

/**
 * Applies Prisma's migration folders and records them as Prisma does. Prisma's own engine is not used at run time: it
 * holds an exclusive lock on SQLite files and is half again as large as the rest of the program.
 */
export function createMigrations(provider: Provider, target: MigrationTarget): Migrations {
  const known = readMigrations(provider)
  const applyOne = async (session: MigrationSession, migration: Migration) => {
    try {
      await session.apply(migration.sql, record(provider, migration))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new DatabaseOpenError(`Migration ${migration.name} could not be applied: ${reason}`, {
        cause: error,
      })
    }
  }
  return {
    applied: async () => {
      const todo = missing(known, await readable(target.records()))
      return known.filter((one) => !todo.includes(one)).map(({ name }) => name)
    },
    isNew: async () => (await readable(target.records())).length === 0,
    pending: async () => missing(known, await readable(target.records())).map(({ name }) => name),
    apply: async () => {
      // Nobody waits for a lock where there is nothing to do.
      if (missing(known, await readable(target.records())).length === 0) return []
      return target.exclusively(async (session) => {
        const todo = missing(known, await readable(session.records()))
        for (const migration of todo) await applyOne(session, migration)
        return todo.map(({ name }) => name)
      })
    },
  }
}

/** @throws {DatabaseOpenError} when what was applied cannot be read, unless the database is away altogether */
async function readable(records: Promise<MigrationRecord[]>): Promise<MigrationRecord[]> {
  try {
    return await records
  } catch (error) {
    const failure = translateFailure(error)
    if (failure instanceof AppError) throw failure
    const reason = error instanceof Error ? error.message : String(error)
    throw new DatabaseOpenError(`Could not read which migrations the database has: ${reason}`, {
      cause: error,
    })
  }
}

/** Names of migrations of every version of connlog. Prisma itself gives a time of 14 digits. */
const OWN_NAME = /^\d{4}_/

/** @throws {DatabaseOpenError} when the database is not one that this program can bring up to date */
function missing(known: readonly Migration[], records: readonly MigrationRecord[]): Migration[] {
  const names = new Set(known.map(({ name }) => name))
  const newer = records
    .filter(({ migration_name }) => !names.has(migration_name))
    .map((row) => row.migration_name)
  const isOurs = records.some(({ migration_name }) => names.has(migration_name))
  const foreign = newer.find((name) => !isOurs || !OWN_NAME.test(name))
  if (foreign !== undefined) {
    throw new DatabaseOpenError(
      `Another program keeps its migrations in the table _prisma_migrations here, such as ${foreign}. Give connlog a place of its own: on Postgres another ?schema= in DATABASE_URL, on SQLite another file.`,
    )
  }
  const unfinished = records.find(({ finished }) => !finished)
  if (unfinished) {
    throw new DatabaseOpenError(
      `Migration ${unfinished.migration_name} was begun on this database and never finished. Restore the database from before it, or mend it and mark it with \`prisma migrate resolve\`.`,
    )
  }
  if (newer.length > 0) {
    throw new DatabaseOpenError(
      `This database was made by a newer connlog: it has ${newer.join(', ')}, which this version does not know. Use that version, or another database.`,
    )
  }
  const checksums = new Map(records.map(({ migration_name, checksum }) => [migration_name, checksum]))
  const edited = known.find(({ name, checksum }) => checksums.has(name) && checksums.get(name) !== checksum)
  if (edited) {
    throw new DatabaseOpenError(
      `Migration ${edited.name} is not the one that this database was made with: its checksum differs. Use the version of connlog that made the database.`,
    )
  }
  return known.filter(({ name }) => !checksums.has(name))
}

// Every value below is our own: a UUID, a hash, a folder name of this package.
const record = (provider: Provider, { name, checksum }: Migration) => `
  INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "finished_at", "applied_steps_count")
  VALUES ('${randomUUID()}', '${checksum}', '${name}', ${FINISHED_AT[provider]}, 1);`
