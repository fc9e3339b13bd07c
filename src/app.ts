import { type Principal, OPERATOR } from './auth/principal.ts'
import { type KeyStore, createKeyStore } from './auth/key-store.ts'
import { createRateLimiter } from './auth/rate-limit.ts'
import type { Config } from './config/config.ts'
import { type ConnectionLogs, createConnectionLogs } from './connections/connection-logs.ts'
import { connectionLogKind } from './connections/kind.ts'
import { connectionLogRoute } from './connections/routes.ts'
import { createInstanceSecret } from './database/instance.ts'
import { openDatabase } from './database/open.ts'
import type { Database } from './database/port.ts'
import { createGraphiql } from './http/graphiql.ts'
import { createGraphql } from './http/graphql.ts'
import { GRAPHIQL_ASSETS_PATH, GRAPHQL_PATH, createHandler } from './http/handler.ts'
import type { FetchHandler } from './http/listen.ts'
import { type Clock, SECOND_MS, systemClock } from './kernel/clock.ts'
import { type Running, createLifecycle } from './kernel/lifecycle.ts'
import type { Logger } from './kernel/logger.ts'
import { type CountKeeper, createCountKeeper } from './logs/counts.ts'
import { createErasure } from './logs/erasure.ts'
import { createRetention } from './logs/retention.ts'
import { createLogStore } from './logs/store.ts'
import { createSchema } from './schema.ts'
import { STARTING_QUERY } from './connections/starting-query.ts'

/** The service, put together and not started yet. */
export interface App extends Running {
  readonly fetch: FetchHandler
  readonly keys: KeyStore
  readonly database: Database
  readonly connectionLogsOf: (principal: Principal) => ConnectionLogs
  /** Connection logs as the operator reaches them: all of them, with every scope. */
  readonly connectionLogs: ConnectionLogs
  readonly counts: CountKeeper
  /** Begins what goes on by itself: cleaning up and merging counts. The database has to be migrated. */
  start(): void
}

/** Up to a second of notes to add is nothing to a read; see docs/decisions.md. */
const MERGE_INTERVAL_MS = SECOND_MS

export interface AppOptions {
  readonly config: Config
  readonly logger: Logger
  readonly clock?: Clock | undefined
  /** For maintenance commands: statements may take long. */
  readonly unhurried?: boolean
}

/**
 * Opens the database and wires everything to it; the only place that knows all parts.
 * @throws {DatabaseOpenError} with a sentence for the operator
 */
export async function createApp({
  config,
  logger,
  clock = systemClock,
  unhurried,
}: AppOptions): Promise<App> {
  const { retentionMs, maxBodyBytes } = config
  const lifecycle = createLifecycle(logger)
  const database = await openDatabase(config.databaseUrl, {
    poolSize: config.poolSize,
    clock,
    logger,
    unhurried,
  })
  lifecycle.add('database', { stop: () => database.close() })
  const keys = createKeyStore(database.apiKeys, clock)
  const store = createLogStore(database, connectionLogKind)
  const retention = createRetention(database, connectionLogKind, { clock, retentionMs, logger })
  const counts = createCountKeeper(database, connectionLogKind, { clock, logger })
  const connectionLogsOf = createConnectionLogs({
    store,
    retention,
    erasure: createErasure(database, connectionLogKind, clock),
    keys,
    clock,
    retentionMs,
    cursorSecret: createInstanceSecret(database, clock.now),
  })
  const schema = createSchema()
  let isStopping = false

  const handler = createHandler({
    routes: [connectionLogRoute({ logsOf: connectionLogsOf, retentionMs, maxBodyBytes, clock, logger })],
    graphql: createGraphql({
      schema,
      endpoint: GRAPHQL_PATH,
      introspection: config.introspection,
      maxBodyBytes,
      logger,
    }),
    graphiql: config.graphiql
      ? createGraphiql({
          endpoint: GRAPHQL_PATH,
          assetsPath: GRAPHIQL_ASSETS_PATH,
          title: 'connlog',
          defaultQuery: STARTING_QUERY,
        })
      : undefined,
    keys,
    rateLimiter: createRateLimiter(config.rateLimitPerMinute, clock),
    connectionLogsOf,
    readiness: { isReady: async () => !isStopping && (await database.migrations.pending()).length === 0 },
    maxBodyBytes,
    clock,
    logger,
  })

  return {
    fetch: handler,
    keys,
    database,
    connectionLogsOf,
    connectionLogs: connectionLogsOf(OPERATOR),
    counts,
    start: () => {
      lifecycle.add('cleanup', retention.start(config.cleanupIntervalMs))
      lifecycle.add('counts', counts.start(MERGE_INTERVAL_MS))
    },
    stop: () => {
      isStopping = true
      return lifecycle.stop()
    },
  }
}
