import type { GraphQLSchema } from 'graphql'
import { type KeyCodes, createKeyCodes } from './auth/key-codes.ts'
import { createBadKeyLimiter } from './auth/bad-keys.ts'
import { type Spending, createRateLimiter } from './auth/rate-limit.ts'
import type { Principal } from './auth/principal.ts'
import { readVersion } from './cli/version.ts'
import { type Config, ConfigError } from './config/config.ts'
import { createPlatforms } from './connections/event.ts'
import { connectionLogKind } from './connections/kind.ts'
import { metered } from './connections/metered.ts'
import { connectionLogRoute } from './connections/routes.ts'
import { STARTING_QUERY } from './connections/starting-query.ts'
import { type Core, type CoreOptions, createCore } from './core.ts'
import { type Gate, createGate } from './graphql/gate.ts'
import { type Admission, createAdmission } from './http/admission.ts'
import { createArrivingBodies } from './http/arriving-bodies.ts'
import { createCors } from './http/cors.ts'
import { createDeadlines } from './http/deadline.ts'
import { createGraphiql } from './http/graphiql.ts'
import { createGraphql } from './http/graphql.ts'
import { type Handler, createHandler } from './http/handler.ts'
import {
  complaintsAbout,
  createDocumentFinder,
  operationNamesIn,
  readListedDocuments,
} from './http/persisted.ts'
import { metricsRoute } from './http/metrics.ts'
import { GRAPHIQL_ASSETS_PATH, GRAPHQL_PATH, KEY_EXCHANGE_PATH } from './http/paths.ts'
import { probeRoutes } from './http/probes.ts'
import type { Route } from './http/route.ts'
import { createUnreadAnswers } from './http/unread-answers.ts'
import { type Clock, dayOf, systemClock } from './kernel/clock.ts'
import { type BacklogWatch, watchBacklog } from './observe/backlog.ts'
import { type Metrics, createMetrics } from './observe/metrics.ts'
import { createObserver } from './observe/observer.ts'
import { createOperationNames } from './observe/operation-names.ts'
import { spansOfCalls } from './observe/spans.ts'
import { createSchema } from './schema.ts'

/** The service, put together and not started yet. */
export interface App extends Core, Handler {
  /** `/ready` answers 503 from now on; all else goes on. */
  drain(): void
  readonly routes: readonly Route[]
  /** Codes that stand for keys in addresses of GraphiQL. */
  readonly keyCodes: Pick<KeyCodes, 'issue'>
}

/** GraphiQL sends all that stands in its editor, and names the operation that is meant. */
const MAX_OPERATIONS = { withGraphiql: 10, without: 1 }

/** A client that is still sending costs little: so many may be for each request that is worked on. */
const ARRIVING_FOR_EACH = 4

/** Of bodies that are arriving or worked on, as many of the largest size may be in memory. */
const BODIES_IN_MEMORY = 32

export interface AppOptions extends CoreOptions {
  /** Whether the process is ours, so that /metrics tells of its memory and its event loop too. */
  readonly ownProcess?: boolean
}

/**
 * Opens the database and wires everything to it.
 * @throws {DatabaseOpenError} with a sentence for the operator
 * @throws {ConfigError} for a list of operations that cannot be used
 */
export async function createApp({ ownProcess = false, ...options }: AppOptions): Promise<App> {
  const { config, clock = systemClock } = options
  const metrics = config.metrics ? createMetrics({ version: readVersion(), ownProcess, clock }) : undefined
  const logger = metrics?.counted(options.logger) ?? options.logger
  const { maxBodyBytes, maxResponseBytes, maxQueryCost } = config
  const schema = createSchema(createPlatforms(config.extraPlatforms))
  const limits = {
    tokens: config.maxQueryTokens,
    cost: maxQueryCost,
    operations: config.graphiql ? MAX_OPERATIONS.withGraphiql : MAX_OPERATIONS.without,
  }
  const gate = createGate(schema, limits, clock)
  const listed = await listedDocuments(config, schema, gate)
  const core = await createCore({ ...options, logger, witness: metrics?.witness })
  const { connectionLogsOf, database, keys, managedKeysOf, platforms, retentionMs, longWork } = core
  const { yieldIfLong } = longWork
  const { system } = database.load
  const userPercent = config.userSharePercent
  const bounds = { most: config.maxConcurrentRequests, userPercent, maxQueueMs: config.maxQueueMs, clock }
  const admission = {
    requests: createAdmission(bounds),
    streams: createAdmission({ ...bounds, areLong: true }),
  }
  const bodies = createArrivingBodies({
    most: ARRIVING_FOR_EACH * config.maxConcurrentRequests,
    mostBytes: BODIES_IN_MEMORY * maxBodyBytes,
    userPercent,
    clock,
  })
  const unread = createUnreadAnswers({ mostBytes: config.maxUnreadBytes, userPercent, clock })
  const backlog = metrics && tellOf(core, Object.values(admission), metrics, clock)
  const observer = createObserver({
    instruments: metrics?.instruments,
    names: createOperationNames(operationNamesIn(listed.values())),
    slowMs: config.slowRequestMs,
    clock,
    logger,
  })
  const meteredLogsOf = (principal: Principal, spending: Spending, signal: () => AbortSignal) =>
    spansOfCalls(
      metered(connectionLogsOf(principal, signal), spending, { clock, stopping: stopping.signal }),
      system,
      connectionLogKind.table.name,
    )
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
      platforms,
      maxBodyBytes,
      maxResponseBytes,
      clock,
      yieldIfLong,
      logger,
      stopping: stopping.signal,
    }),
    ...(metrics ? [metricsRoute({ ...metrics, token: config.metricsToken, clock })] : []),
  ]

  const keyCodes = createKeyCodes(clock)
  const handler = createHandler({
    routes,
    graphql: createGraphql({
      schema,
      endpoint: GRAPHQL_PATH,
      introspection: config.introspection,
      maxBodyBytes,
      yieldIfLong,
      heartbeatMs: config.streamHeartbeatMs,
      maxResponseBytes,
      clock,
      gate,
      findDocument: createDocumentFinder(listed, config.persistedOperationsOnly),
      maxCost: maxQueryCost,
      onAdmitted: (cost, context) => context.pay(cost),
      logger,
      observer,
    }),
    graphiql: config.graphiql
      ? createGraphiql({
          endpoint: GRAPHQL_PATH,
          keyPath: KEY_EXCHANGE_PATH,
          assetsPath: GRAPHIQL_ASSETS_PATH,
          title: 'connlog',
          defaultQuery: STARTING_QUERY,
        })
      : undefined,
    keyCodes,
    keys,
    rateLimiter: createRateLimiter({
      perMinute: config.rateLimitPerMinute,
      clock,
      allowances: database.allowances,
      logger,
    }),
    badKeys: createBadKeyLimiter({ perMinute: config.badKeysPerMinute, clock }),
    trustedProxies: config.trustedProxies,
    basePath: config.basePath,
    connectionLogsOf: meteredLogsOf,
    managedKeysOf,
    maxBodyBytes,
    deadlines,
    admission,
    bodies,
    unread,
    cors: createCors(config.corsOrigins),
    clock,
    longWork,
    logger,
    observer,
  })

  return {
    ...core,
    ...handler,
    routes,
    keyCodes,
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
      await unread.stop()
      await backlog?.stop()
      await core.stop()
    },
  }
}

/** Lets metrics read the work as it stands. @returns what asks the database for them, to be stopped */
function tellOf(
  { database, figures }: Core,
  admissions: readonly Admission[],
  metrics: Metrics,
  clock: Clock,
): BacklogWatch {
  const { load, hints } = database
  const backlog = watchBacklog(() => load.backlog(connectionLogKind.table, dayOf(clock.now())), clock)
  metrics.addGauges({
    ...load,
    figures,
    requests: () => {
      const all = admissions.map((one) => one.figures())
      const sum = (name: 'inside' | 'refused') => all.reduce((total, one) => total + one[name], 0)
      return { inside: sum('inside'), refused: sum('refused') }
    },
    latest: backlog.latest,
    isHearing: hints.isHearing,
  })
  return backlog
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
