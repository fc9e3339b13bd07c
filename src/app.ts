import { createBadKeyLimiter } from './auth/bad-keys.ts'
import { createRateLimiter } from './auth/rate-limit.ts'
import type { Principal } from './auth/principal.ts'
import { metered } from './connections/metered.ts'
import { connectionLogRoute } from './connections/routes.ts'
import { STARTING_QUERY } from './connections/starting-query.ts'
import { type Core, type CoreOptions, createCore } from './core.ts'
import { createGraphiql } from './http/graphiql.ts'
import { createGraphql } from './http/graphql.ts'
import { GRAPHIQL_ASSETS_PATH, GRAPHQL_PATH, createHandler } from './http/handler.ts'
import type { FetchHandler } from './http/listen.ts'
import type { Charge } from './http/route.ts'
import { systemClock } from './kernel/clock.ts'
import { createSchema } from './schema.ts'

/** The service, put together and not started yet. */
export interface App extends Core {
  readonly fetch: FetchHandler
}

/**
 * Opens the database and wires everything to it.
 * @throws {DatabaseOpenError} with a sentence for the operator
 */
export async function createApp(options: CoreOptions): Promise<App> {
  const core = await createCore(options)
  const { config, logger, clock = systemClock } = options
  const { connectionLogsOf, database, keys, managedKeysOf, retentionMs } = core
  const { maxBodyBytes } = config
  const schema = createSchema()
  const meteredLogsOf = (principal: Principal, charge: Charge) => metered(connectionLogsOf(principal), charge)
  let isStopping = false

  const handler = createHandler({
    routes: [connectionLogRoute({ logsOf: meteredLogsOf, keys, retentionMs, maxBodyBytes, clock, logger })],
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
    readiness: { isReady: async () => !isStopping && (await database.migrations.pending()).length === 0 },
    maxBodyBytes,
    clock,
    logger,
  })

  return {
    ...core,
    fetch: handler,
    stop: () => {
      isStopping = true
      return core.stop()
    },
  }
}
