import type { GraphQLSchema } from 'graphql'
import { createBadKeyLimiter } from './auth/bad-keys.ts'
import { createRateLimiter } from './auth/rate-limit.ts'
import type { Principal } from './auth/principal.ts'
import { type Config, ConfigError } from './config/config.ts'
import { metered } from './connections/metered.ts'
import { connectionLogRoute } from './connections/routes.ts'
import { STARTING_QUERY } from './connections/starting-query.ts'
import { type Core, type CoreOptions, createCore } from './core.ts'
import { type Gate, createGate } from './graphql/gate.ts'
import { createAdmission } from './http/admission.ts'
import { createCors } from './http/cors.ts'
import { createDeadlines } from './http/deadline.ts'
import { createGraphiql } from './http/graphiql.ts'
import { createGraphql } from './http/graphql.ts'
import { GRAPHIQL_ASSETS_PATH, GRAPHQL_PATH, createHandler } from './http/handler.ts'
import type { FetchHandler } from './http/listen.ts'
import { complaintsAbout, createDocumentFinder, readListedDocuments } from './http/persisted.ts'
import { probeRoutes } from './http/probes.ts'
import type { Charge, Route } from './http/route.ts'
import { systemClock } from './kernel/clock.ts'
import { createSchema } from './schema.ts'

/** The service, put together and not started yet. */
export interface App extends Core {
  readonly fetch: FetchHandler
  /** `/ready` answers 503 from now on; all else goes on. */
  drain(): void
  readonly routes: readonly Route[]
}

/** GraphiQL sends all that stands in its editor, and names the operation that is meant. */
const MAX_OPERATIONS = { withGraphiql: 10, without: 1 }

/**
 * Opens the database and wires everything to it.
 * @throws {DatabaseOpenError} with a sentence for the operator
 * @throws {ConfigError} for a list of operations that cannot be used
 */
export async function createApp(options: CoreOptions): Promise<App> {
  const { config, logger, clock = systemClock } = options
  const { maxBodyBytes, maxQueryCost } = config
  const schema = createSchema()
  const gate = createGate(schema, {
    tokens: config.maxQueryTokens,
    cost: maxQueryCost,
    operations: config.graphiql ? MAX_OPERATIONS.withGraphiql : MAX_OPERATIONS.without,
  })
  const findDocument = createDocumentFinder(
    await listedDocuments(config, schema, gate),
    config.persistedOperationsOnly,
  )
  const core = await createCore(options)
  const { connectionLogsOf, database, keys, managedKeysOf, retentionMs } = core
  const meteredLogsOf = (principal: Principal, charge: Charge) => metered(connectionLogsOf(principal), charge)
  const deadlines = createDeadlines(config.requestTimeoutMs, clock)
  let isStopping = false
  const stopping = new AbortController()

  const routes = [
    ...probeRoutes({
      isReady: async () => !isStopping && (await database.migrations.pending()).length === 0,
    }),
    connectionLogRoute({
      logsOf: meteredLogsOf,
      keys,
      retentionMs,
      maxBodyBytes,
      clock,
      logger,
      stopping: stopping.signal,
    }),
  ]

  const handler = createHandler({
    routes,
    graphql: createGraphql({
      schema,
      endpoint: GRAPHQL_PATH,
      introspection: config.introspection,
      maxBodyBytes,
      heartbeatMs: config.streamHeartbeatMs,
      clock,
      gate,
      findDocument,
      maxCost: maxQueryCost,
      onAdmitted: (cost, context) => context.pay(cost),
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
    rateLimiter: createRateLimiter({
      perMinute: config.rateLimitPerMinute,
      clock,
      allowances: database.allowances,
      logger,
    }),
    badKeys: createBadKeyLimiter({ perMinute: config.badKeysPerMinute, clock }),
    trustedProxies: config.trustedProxies,
    connectionLogsOf: meteredLogsOf,
    managedKeysOf,
    maxBodyBytes,
    deadlines,
    admission: {
      requests: createAdmission(config.maxConcurrentRequests, config.maxQueueMs),
      streams: createAdmission(config.maxConcurrentRequests, config.maxQueueMs),
    },
    cors: createCors(config.corsOrigins),
    clock,
    logger,
  })

  return {
    ...core,
    fetch: handler,
    routes,
    drain: () => void (isStopping = true),
    endStreams: () => {
      isStopping = true
      stopping.abort()
      core.endStreams()
    },
    stop: async () => {
      isStopping = true
      stopping.abort()
      await deadlines.stop()
      await core.stop()
    },
  }
}

async function listedDocuments(
  { persistedOperations }: Config,
  schema: GraphQLSchema,
  gate: Gate,
): Promise<ReadonlyMap<string, string>> {
  if (persistedOperations === undefined) return new Map()
  const listed = await readListedDocuments(persistedOperations)
  if (typeof listed === 'string') throw new ConfigError([listed])
  const complaints = complaintsAbout(listed, schema, gate)
  if (complaints.length > 0) throw new ConfigError(complaints)
  return listed
}
