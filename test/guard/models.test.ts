import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { expect, it } from 'vitest'
import { schemaFor } from '../../prisma/generate.mjs'
import { readMigrations } from '../../src/database/migrations.ts'
import { openDatabase } from '../../src/database/open.ts'
import { createSqliteAdapterFactory } from '../../src/database/sqlite/adapter.ts'
import { type SqliteConnections, openSqliteConnections } from '../../src/database/sqlite/connections.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { DEFAULT_SCHEMA } from '../../src/kernel/postgres-parameters.ts'
import { createTestDatabase } from '../support/databases.ts'
import { describePostgres, describeSqlite } from '../support/describe-database.ts'
import { modelScript, prismaDeploy } from '../support/schema-engine.ts'

const MEND =
  'prisma/models.prisma and the migrations differ: add a migration to both folders under prisma/, or mend the models'

const IN_SCHEMA = { schema: DEFAULT_SCHEMA }
const IN_MEMORY = { path: ':memory:', clock: systemClock }
const NAMES = readMigrations('sqlite').map(({ name }) => name)

it('has the same migrations for both providers', () => {
  expect(readMigrations('postgresql').map(({ name }) => name)).toEqual(NAMES)
})

it("makes SQLite tables by migrations as Prisma makes them from the models, but for FTS5 and an expression's index", async () => {
  const schema = schemaFor('sqlite')
  const [migrated, modelled] = [
    await openSqliteConnections(IN_MEMORY),
    await openSqliteConnections(IN_MEMORY),
  ]
  for (const { sql } of readMigrations('sqlite')) await migrated.script(sql)
  await modelled.script(await modelScript(schema, createSqliteAdapterFactory(modelled)))
  const extra = /^connection_log_terms|^connection_logs_foreign_id_idx|^connection_log_event_ids_day_idx/
  expect(
    (await describeSqlite(migrated)).filter((line) => !extra.test(line)),
    MEND,
  ).toEqual(await describeSqlite(modelled))
  await closeAll(migrated, modelled)
})

it('makes Postgres tables by migrations as Prisma makes them from the models, but for indexes on expressions', async () => {
  const schema = schemaFor('postgresql')
  const migrated = await createTestDatabase('postgres')
  const modelled = await createTestDatabase('postgres', { migrated: false })
  const script = await modelScript(schema, new PrismaPg(modelled.url, IN_SCHEMA))
  const client = new pg.Client(modelled.url)
  await client.connect()
  await client.query(script)
  await client.end()
  const extra = /^connection_logs_(foreign_id|terms|feed)_idx/
  expect(
    (await describePostgres(migrated.url)).filter((line) => !extra.test(line)),
    MEND,
  ).toEqual(await describePostgres(modelled.url))
  await migrated.drop()
  await modelled.drop()
})

it("leaves nothing to do for Prisma's own migrate, on either provider", async () => {
  const sqlite = await createTestDatabase('sqlite')
  await migrate(sqlite.url)
  const connections = await openSqliteConnections({
    path: sqlite.url.slice('file:'.length),
    clock: systemClock,
  })
  expect(
    await prismaDeploy('sqlite', schemaFor('sqlite'), createSqliteAdapterFactory(connections), NAMES),
  ).toEqual([])
  await closeAll(connections)
  await sqlite.drop()

  const postgres = await createTestDatabase('postgres')
  expect(
    await prismaDeploy('postgresql', schemaFor('postgresql'), new PrismaPg(postgres.url, IN_SCHEMA), NAMES),
  ).toEqual([])
  await postgres.drop()
})

it("takes a database that Prisma's own migrate has made", async () => {
  const postgres = await createTestDatabase('postgres', { migrated: false })
  expect(
    await prismaDeploy('postgresql', schemaFor('postgresql'), new PrismaPg(postgres.url, IN_SCHEMA), NAMES),
  ).toEqual(NAMES)
  expect(await migrate(postgres.url)).toEqual([])
  await postgres.drop()
})

async function migrate(url: string): Promise<string[]> {
  const database = await openDatabase(url, { poolSize: 1, clock: systemClock, logger: silentLogger })
  try {
    return await database.migrations.apply()
  } finally {
    await database.close()
  }
}

async function closeAll(...all: SqliteConnections[]): Promise<void> {
  for (const connections of all) await connections.close()
}
