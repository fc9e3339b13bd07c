import type pg from 'pg'
import type { PostgresAddress } from '../../kernel/postgres-url.ts'
import { readMigrations } from '../migrations.ts'
import { DatabaseOpenError } from '../open-error.ts'
import { checkSession, quoted } from './session.ts'

const OLDEST_VERSION = 150_000

/**
 * Makes sure of what the promises rest on: the version of the server, its encoding, that it takes writes, that a commit
 * is on disk before it is acknowledged, and that this role may make partitions.
 * @throws {DatabaseOpenError} with a sentence for the operator
 */
export async function checkServer(pool: pg.Pool, { parameters }: PostgresAddress): Promise<void> {
  const { schema, isSchemaNamed } = parameters
  const { rows } = await pool.query<
    Record<'version' | 'encoding' | 'commit' | 'read_only' | 'role', string> & {
      exists: boolean
      owner: boolean | null
      creator: boolean | null
    }
  >(
    `SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding,
       current_setting('synchronous_commit') AS commit, current_setting('transaction_read_only') AS read_only,
       current_user AS role, n.oid IS NOT NULL AS exists,
       has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') AS creator,
       (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
        WHERE relname = 'connection_logs' AND relnamespace = n.oid) AS owner
     FROM (SELECT) AS one LEFT JOIN pg_namespace AS n ON n.nspname = $1`,
    [schema],
  )
  const server = rows[0]
  if (Number(server?.version) < OLDEST_VERSION) {
    throw new DatabaseOpenError(`Expected Postgres 15 or later, got version ${server?.version}.`)
  }
  if (server?.encoding !== 'UTF8') {
    throw new DatabaseOpenError(`Expected a database in the encoding UTF8, got ${server?.encoding}.`)
  }
  if (server.commit === 'off') {
    throw new DatabaseOpenError(
      'This Postgres has synchronous_commit=off, with which acknowledged logs can be lost. Turn it on for this database or role: ALTER ROLE … SET synchronous_commit = on.',
    )
  }
  if (server.read_only === 'on') {
    throw new DatabaseOpenError(
      'This Postgres takes no writes: it is a replica, or default_transaction_read_only is on.',
    )
  }
  if (server.owner === false || (server.owner === true && server.creator !== true)) {
    throw new DatabaseOpenError(
      'This role may not make and drop partitions. Connect as the owner of the tables, with the right to create in their schema.',
    )
  }
  if (server.exists && server.creator !== true) {
    throw new DatabaseOpenError(
      `This role may not create tables in the schema ${quoted(schema)}. Make it the owner: ALTER SCHEMA ${quoted(schema)} OWNER TO ${quoted(server.role)}.`,
    )
  }
  await checkSession(pool, schema)
  if (server.owner === null && !isSchemaNamed) await refuseTablesInPublic(pool, schema)
}

/** Earlier versions kept their tables in `public`. A new, empty schema next to them would look like lost logs. */
async function refuseTablesInPublic(pool: pg.Pool, schema: string): Promise<void> {
  const { rows: tables } = await pool.query(
    `SELECT FROM pg_class AS m JOIN pg_class AS l ON l.relnamespace = m.relnamespace
     WHERE m.relnamespace = to_regnamespace('public') AND m.relname = '_prisma_migrations' AND m.relkind = 'r'
       AND l.relname = 'connection_logs' AND l.relkind = 'p' AND has_table_privilege(m.oid, 'SELECT')`,
  )
  if (tables.length === 0) return
  const [first] = readMigrations('postgresql')
  const { rows: ours } = await pool.query(
    'SELECT FROM public._prisma_migrations WHERE migration_name = $1 AND checksum = $2',
    [first?.name, first?.checksum],
  )
  if (ours.length === 0) return
  throw new DatabaseOpenError(
    `This database has connlog's tables in the schema "public", where earlier versions kept them. Add ?schema=public to DATABASE_URL to go on with them, or move them as docs/upgrading.md describes. To begin with empty tables, add ?schema=${schema}.`,
  )
}
