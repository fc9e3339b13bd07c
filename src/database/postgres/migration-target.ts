import pg from 'pg'
import { sqlState } from '../failures.ts'
import { CREATE_RECORDS, type MigrationRecord, type MigrationTarget, SELECT_RECORDS } from '../migrations.ts'
import { DatabaseOpenError } from '../open-error.ts'
import { quoted, searchPath } from './session.ts'

/** The advisory lock that Prisma's own migrate takes, so that the two never run at once, in whatever schema. */
const MIGRATION_LOCK = 72_707_369

const INSUFFICIENT_PRIVILEGE = '42501'

export const migrationTarget = (
  pool: pg.Pool,
  settings: pg.ClientConfig,
  schema: string,
): MigrationTarget => ({
  records: () => recordsOf(pool, schema),
  // One transaction for all of them: its end releases the lock, whatever pooler stands between. On a connection of
  // its own, which may be silent for as long as a migration takes.
  exclusively: async (work) => {
    const client = new pg.Client(settings)
    client.on('error', () => undefined)
    await client.connect()
    try {
      await client.query('BEGIN')
      await client.query('SET LOCAL statement_timeout = 0')
      await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
      await ensureSchema(client, schema)
      await client.query(`SET LOCAL search_path = ${searchPath(schema)}`)
      const result = await work({
        records: () => recordsOf(client, schema),
        apply: async (sql, record) => {
          await client.query(`${CREATE_RECORDS.postgresql} ${sql}\n${record}`)
        },
      })
      await client.query('COMMIT')
      return result
    } finally {
      // Ends the session and with it the transaction, whatever state it is in.
      await client.end()
    }
  },
})

/** Not CREATE SCHEMA IF NOT EXISTS, which needs the right to create even if the schema exists. */
async function ensureSchema(client: pg.Client, schema: string): Promise<void> {
  const { rows } = await client.query<{ exists: boolean; role: string; database: string }>(
    `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS exists, current_user AS role,
       current_database() AS database`,
    [schema],
  )
  const [found] = rows
  if (found?.exists) return
  try {
    await client.query(`CREATE SCHEMA ${quoted(schema)}`)
  } catch (error) {
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw error
    throw new DatabaseOpenError(
      `This role may not create the schema ${quoted(schema)} in the database ${quoted(found?.database ?? '')}. Create it once: CREATE SCHEMA ${quoted(schema)} AUTHORIZATION ${quoted(found?.role ?? '')}.`,
      { cause: error },
    )
  }
}

async function recordsOf(client: pg.Pool | pg.Client, schema: string): Promise<MigrationRecord[]> {
  // Not by to_regclass, which in a transaction goes on saying what it said before another one made the table.
  const table = await client.query<{ found: boolean }>(
    `SELECT EXISTS (
       SELECT FROM pg_tables WHERE tablename = '_prisma_migrations' AND schemaname = $1
     ) AS found`,
    [schema],
  )
  if (!table.rows[0]?.found) return []
  return (await client.query<MigrationRecord>(SELECT_RECORDS)).rows
}
