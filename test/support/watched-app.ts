import { createKeyCodes } from '../../src/auth/key-codes.ts'
import { createBadKeyLimiter } from '../../src/auth/bad-keys.ts'
import { createRateLimiter } from '../../src/auth/rate-limit.ts'
import { createGate } from '../../src/graphql/gate.ts'
import type { QueryLimits } from '../../src/graphql/limits.ts'
import { createAdmission } from '../../src/http/admission.ts'
import { createArrivingBodies } from '../../src/http/arriving-bodies.ts'
import { createCors } from '../../src/http/cors.ts'
import { createDeadlines } from '../../src/http/deadline.ts'
import { createGraphql } from '../../src/http/graphql.ts'
import { createHandler } from '../../src/http/handler.ts'
import { createDocumentFinder } from '../../src/http/persisted.ts'
import { createUnreadAnswers } from '../../src/http/unread-answers.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { NEVER_YIELDS } from '../../src/kernel/yield-if-long.ts'
import type { Logger } from '../../src/kernel/logger.ts'
import { createSchema } from '../../src/schema.ts'
import { type TestApp, keep, startTestApp } from './app.ts'
import type { Provider } from './databases.ts'
import { LIMITS } from './gate.ts'
import { watchResolvers } from './watched-schema.ts'

export interface WatchedApp {
  readonly app: TestApp
  /** Names of the resolvers that ran, as they ran. */
  readonly reached: string[]
  /** What operations cost that were let in. */
  readonly charged: number[]
  send(key: string, path: string, init?: RequestInit): Promise<Response>
  stop(): Promise<void>
}

export interface WatchedOptions {
  readonly introspection?: boolean
  readonly logger?: Logger
  readonly requestTimeoutMs?: number
  /** Called before each resolver, which waits for it. */
  readonly before?: (field: string) => void | Promise<void>
  readonly limits?: QueryLimits
  /** False for the naive way: whatever comes is executed. */
  readonly isGated?: boolean
}

/** The service with its own handler over a schema that tells of its resolvers. Who starts it stops it. */
export async function startWatchedApp(
  provider: Provider,
  {
    introspection = true,
    logger,
    requestTimeoutMs = 15_000,
    before = () => undefined,
    limits = LIMITS,
    isGated = true,
  }: WatchedOptions = {},
): Promise<WatchedApp> {
  const app = keep(await startTestApp(provider))
  const reached: string[] = []
  const charged: number[] = []
  const schema = watchResolvers(createSchema(), (field) => {
    reached.push(field)
    return before(field)
  })
  const told: Logger = logger ?? {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields, message) => void app.logged.push({ level: 'warn', fields, message }),
    error: (fields, message) => void app.logged.push({ level: 'error', fields, message }),
  }
  const deadlines = createDeadlines(requestTimeoutMs, systemClock)
  const shares = { userPercent: 100, clock: systemClock }
  const bounds = { most: 100, maxQueueMs: 60_000, ...shares }
  const unread = createUnreadAnswers({ mostBytes: 100_000_000, ...shares })
  const { fetch } = createHandler({
    admission: { requests: createAdmission(bounds), streams: createAdmission(bounds) },
    bodies: createArrivingBodies({ most: 100, mostBytes: 100_000_000, ...shares }),
    unread,
    routes: [],
    graphql: createGraphql({
      schema,
      endpoint: '/graphql',
      introspection,
      maxBodyBytes: 4_194_304,
      gate: isGated ? createGate(schema, limits, systemClock) : { admit: () => undefined },
      findDocument: createDocumentFinder(new Map(), false),
      maxCost: limits.cost,
      onAdmitted: (cost) => void charged.push(cost),
      heartbeatMs: 15_000,
      maxResponseBytes: 16_777_216,
      clock: systemClock,
      yieldIfLong: NEVER_YIELDS,
      logger: told,
    }),
    graphiql: undefined,
    keyCodes: createKeyCodes(systemClock),
    keys: app.keys,
    rateLimiter: createRateLimiter({ perMinute: 0, clock: systemClock, allowances: undefined, logger: told }),
    badKeys: createBadKeyLimiter({ perMinute: 0, clock: systemClock }),
    trustedProxies: 0,
    connectionLogsOf: (principal, _, signal) => app.connectionLogsOf(principal, signal),
    managedKeysOf: app.managedKeysOf,
    maxBodyBytes: 4_194_304,
    deadlines,
    cors: createCors([]),
    clock: systemClock,
    longWork: { waitMs: () => 0 },
    logger: told,
  })
  return {
    app,
    stop: async () => {
      await deadlines.stop()
      await unread.stop()
      await app.stop()
    },
    reached,
    charged,
    send: (key, path, init = {}) =>
      fetch(
        new Request(new URL(path, 'http://connlog.test'), {
          ...init,
          headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${key}` },
        }),
      ),
  }
}
