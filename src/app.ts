import { createRateLimiter } from './auth/rate-limit.ts'
import { connectionLogRoute } from './connections/routes.ts'
import { STARTING_QUERY } from './connections/starting-query.ts'
import { type Core, type CoreOptions, createCore } from './core.ts'
import { createGraphiql } from './http/graphiql.ts'
import { createGraphql } from './http/graphql.ts'
import { GRAPHIQL_ASSETS_PATH, GRAPHQL_PATH, createHandler } from './http/handler.ts'
import type { FetchHandler } from './http/listen.ts'
import { probeRoutes } from './http/probes.ts'
import type { Route } from './http/route.ts'
import { systemClock } from './kernel/clock.ts'
import { createSchema } from './schema.ts'

/** The service, put together and not started yet. */
export interface App extends Core {
  readonly fetch: FetchHandler
  readonly routes: readonly Route[]
}

/**
 * Opens the database and wires everything to it.
 * @throws {DatabaseOpenError} with a sentence for the operator
 */
export async function createApp(options: CoreOptions): Promise<App> {
  const core = await createCore(options)
  const { config, logger, clock = systemClock } = options
  const { connectionLogsOf, database, keys, retentionMs } = core
  const { maxBodyBytes } = config
  const schema = createSchema()
  let isStopping = false

  const routes = [
    ...probeRoutes({
      isReady: async () => !isStopping && (await database.migrations.pending()).length === 0,
    }),
    connectionLogRoute({ logsOf: connectionLogsOf, retentionMs, maxBodyBytes, clock, logger }),
  ]

  const handler = createHandler({
    routes,
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
    maxBodyBytes,
    clock,
    logger,
  })

  return {
    ...core,
    fetch: handler,
    routes,
    stop: () => {
      isStopping = true
      return core.stop()
    },
  }
}
