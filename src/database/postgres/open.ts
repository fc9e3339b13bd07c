import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaClient } from '../../generated/postgresql/client.ts'
import { withoutCredentials } from '../../kernel/text.ts'
import { overClient } from '../client.ts'
import { translateFailure } from '../failures.ts'
import {
  CREATE_RECORDS,
  type MigrationRecord,
  type MigrationTarget,
  SELECT_RECORDS,
  createMigrations,
} from '../migrations.ts'
import type { OpenOptions } from '../open.ts'
import { DatabaseOpenError } from '../open-error.ts'
import type { Database } from '../port.ts'
import { UNHURRIED, timeoutsWithin } from '../timeouts.ts'
import { createAllowances } from './allowances.ts'
import { createEraser } from './eraser.ts'
import { createHealth } from './health.ts'
import { createHints } from './hints.ts'
import { createLoad } from './load.ts'
import { postgresDialect } from './dialect.ts'
import { PLANNING } from './planning.ts'
import { createPulse } from './pulse.ts'
import { socketThatEnds } from './sockets.ts'
import { createStatementNames } from './statement-names.ts'
import { createPartitions } from './storage.ts'
import { createWriting } from './writing.ts'

const OLDEST_VERSION = 150_000

/** How long a connection may do nothing, in the pool or within a transaction, in milliseconds. */
const IDLE_TIMEOUT_MS = 30_000

/** The advisory lock that Prisma's own migrate takes, so that the two never run at once. */
const MIGRATION_LOCK = 72_707_369

/**
 * Opens Postgres and makes sure of what the promises rest on: its version, its encoding, that it takes writes, and
 * that a commit is on disk before it is acknowledged.
 * @throws {DatabaseOpenError} with a sentence for the operator
 */
export async function openPostgres(url: string, options: OpenOptions): Promise<Database> {
  const timeouts = options.unhurried ? UNHURRIED : timeoutsWithin(options.requestMs)
  const planning = Object.entries(PLANNING)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')
  const settings: pg.ClientConfig = {
    connectionString: url,
    application_name: 'connlog',
    connectionTimeoutMillis: timeouts.connectMs,
    keepAlive: true,
    statement_timeout: timeouts.statementMs,
    idle_in_transaction_session_timeout: IDLE_TIMEOUT_MS,
    options: `-c timezone=UTC -c client_encoding=UTF8 ${planning}`,
  }
  // What may take an hour is not given up sooner.
  const pulse = options.unhurried ? undefined : createPulse({ ...options, ...timeouts, settings })
  const pool = new pg.Pool({
    ...settings,
    max: options.poolSize,
    idleTimeoutMillis: Math.min(timeouts.silenceMs, IDLE_TIMEOUT_MS),
    stream: pulse?.socket ?? (() => socketThatEnds(timeouts.silenceMs)),
  })
  pulse?.attend(pool)
  // A connection that breaks is replaced by the pool; without listeners it would end the process. The statement that
  // ran on it fails, and so says that it broke.
  pool.on('connect', (connection) => connection.on('error', () => undefined))
  pool.on('error', ({ message }) =>
    options.logger.warn({ reason: message }, 'an idle connection to Postgres broke'),
  )
  try {
    await checkServer(pool)
  } catch (error) {
    await pulse?.stop()
    await pool.end()
    throw error instanceof DatabaseOpenError
      ? error
      : new DatabaseOpenError(openSentence(url, error), { cause: error })
  }
  const statementNameGenerator = createStatementNames()
  const client = new PrismaClient({ adapter: new PrismaPg(pool, { statementNameGenerator }) })
  const over = overClient(client, timeouts)
  const storage = translatedStorage(createPartitions(pool, { ...timeouts, clock: options.clock }))
  const hints = createHints({ pool, settings, clock: options.clock, logger: options.logger })
  return {
    ...over,
    writing: createWriting(pool, { nameOf: statementNameGenerator, ...timeouts, clock: options.clock }),
    dialect: postgresDialect,
    storage,
    hints,
    allowances: createAllowances(over),
    health: createHealth(pool),
    load: createLoad(pool, options.poolSize),
    eraser: translatedEraser(createEraser(pool, { ...over, storage, clock: options.clock })),
    migrations: createMigrations('postgresql', migrationTarget(pool, settings)),
    close: async () => {
      await hints.stop()
      await pulse?.stop()
      await client.$disconnect()
      await pool.end()
    },
  }
}

async function checkServer(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<
    Record<'version' | 'encoding' | 'commit' | 'read_only', string> & {
      owner: boolean | null
      creator: boolean | null
    }
  >(
    `SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding,
       current_setting('synchronous_commit') AS commit, current_setting('transaction_read_only') AS read_only,
       (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('connection_logs')) AS owner,
       has_schema_privilege(current_schema(), 'CREATE') AS creator`,
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
  if (server.owner === false || server.creator !== true) {
    throw new DatabaseOpenError(
      'This role may not make and drop partitions. Connect as the owner of the tables, with the right to create in their schema.',
    )
  }
}

const OPEN_SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name could not be resolved',
  ETIMEDOUT: 'it did not answer in time',
  '28P01': 'the password is wrong',
  '28000': 'this user may not connect',
  '3D000': 'there is no such database',
  '53300': 'it has no connection left',
  '57P03': 'it is starting up or shutting down',
}

function openSentence(url: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error ? error.message : ''
  const reason =
    OPEN_SENTENCES[code] ??
    (/timeout exceeded|timed out/.test(message) ? OPEN_SENTENCES['ETIMEDOUT'] : undefined)
  return `Could not open Postgres at ${withoutCredentials(url)}: ${reason ?? `it answered ${code || message || 'with an error'}`}.`
}

async function recordsOf(client: pg.Pool | pg.Client): Promise<MigrationRecord[]> {
  // Not by to_regclass, which in a transaction goes on saying what it said before another one made the table.
  const table = await client.query<{ found: boolean }>(
    `SELECT EXISTS (
       SELECT FROM pg_tables WHERE tablename = '_prisma_migrations' AND schemaname = current_schema()
     ) AS found`,
  )
  if (!table.rows[0]?.found) return []
  return (await client.query<MigrationRecord>(SELECT_RECORDS)).rows
}

const migrationTarget = (pool: pg.Pool, settings: pg.ClientConfig): MigrationTarget => ({
  records: () => recordsOf(pool),
  // One transaction for all of them: its end lets go of the lock, whatever pooler stands between. On a connection of
  // its own, which may be silent for as long as a migration takes.
  exclusively: async (work) => {
    const client = new pg.Client(settings)
    client.on('error', () => undefined)
    await client.connect()
    try {
      await client.query('BEGIN')
      await client.query('SET LOCAL statement_timeout = 0')
      await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
      const result = await work({
        records: () => recordsOf(client),
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

const translatedStorage = (storage: Database['storage']): Database['storage'] => ({
  ...storage,
  prepare: (table, days) => storage.prepare(table, days).catch(rethrow),
  dropExpired: (table, through) => storage.dropExpired(table, through).catch(rethrow),
  mergeCounts: (table, options) => storage.mergeCounts(table, options).catch(rethrow),
})

const translatedEraser = (eraser: Database['eraser']): Database['eraser'] => ({
  ...eraser,
  scrub: (table) => eraser.scrub(table).catch(rethrow),
})

function rethrow(error: unknown): never {
  throw translateFailure(error)
}
