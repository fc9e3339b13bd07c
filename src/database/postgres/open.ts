import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaClient } from '../../generated/postgresql/client.ts'
import type { PostgresAddress } from '../../kernel/postgres-url.ts'
import { overClient } from '../client.ts'
import { translateFailure } from '../failures.ts'
import { createMigrations } from '../migrations.ts'
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
import { migrationTarget } from './migration-target.ts'
import { openSentence } from './open-sentence.ts'
import { createPulse } from './pulse.ts'
import { checkServer } from './server-check.ts'
import { sessionOptions } from './session.ts'
import { socketThatEnds } from './sockets.ts'
import { createStatementNames } from './statement-names.ts'
import { createPartitions } from './storage.ts'
import { tlsOptions } from './tls.ts'
import { createWriting } from './writing.ts'

/** Of the connections, one in so many is for writes and for the service's own work. */
const KEPT_FOR_WRITES = 5

/** How long a connection may do nothing, in the pool or within a transaction, in milliseconds. */
const IDLE_TIMEOUT_MS = 30_000

/**
 * Opens Postgres and makes sure of what the promises rest on.
 * @throws {DatabaseOpenError} with a sentence for the operator
 */
export async function openPostgres(address: PostgresAddress, options: OpenOptions): Promise<Database> {
  const timeouts = options.unhurried ? UNHURRIED : timeoutsWithin(options.requestMs)
  const { host, port, user, password, database, parameters } = address
  const { schema } = parameters
  const settings: pg.ClientConfig = {
    host,
    port,
    user,
    password,
    database,
    ssl: tlsOptions(parameters.tls),
    application_name: parameters.applicationName ?? 'connlog',
    connectionTimeoutMillis: timeouts.connectMs,
    keepAlive: true,
    statement_timeout: timeouts.statementMs,
    idle_in_transaction_session_timeout: IDLE_TIMEOUT_MS,
    options: sessionOptions(schema),
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
    await checkServer(pool, address)
  } catch (error) {
    await pulse?.stop()
    await pool.end()
    throw error instanceof DatabaseOpenError
      ? error
      : new DatabaseOpenError(openSentence(address, error), { cause: error })
  }
  const statementNameGenerator = createStatementNames()
  // Prisma puts the name of the schema between quotes as it is.
  const schemaInQuotes = schema.replaceAll('"', '""')
  const client = new PrismaClient({
    adapter: new PrismaPg(pool, { statementNameGenerator, schema: schemaInQuotes }),
  })
  const over = overClient(client, timeouts)
  const storage = translatedStorage(createPartitions(pool, { ...timeouts, clock: options.clock }))
  const hints = createHints({ pool, settings, schema, clock: options.clock, logger: options.logger })
  return {
    ...over,
    writing: createWriting(pool, { nameOf: statementNameGenerator, ...timeouts, clock: options.clock }),
    dialect: postgresDialect,
    readWaitMs: timeouts.connectMs,
    readsAtOnce: Math.max(1, options.poolSize - Math.ceil(options.poolSize / KEPT_FOR_WRITES)),
    storage,
    hints,
    allowances: createAllowances(over),
    health: createHealth(pool),
    load: createLoad(pool, options.poolSize),
    eraser: translatedEraser(createEraser(pool, { ...over, storage, clock: options.clock })),
    migrations: createMigrations('postgresql', migrationTarget(pool, settings, schema)),
    close: async () => {
      await hints.stop()
      await pulse?.stop()
      await client.$disconnect()
      await pool.end()
    },
  }
}

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
