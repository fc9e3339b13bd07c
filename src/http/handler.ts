import { randomUUID } from 'node:crypto'
import { authenticate } from '../auth/authenticate.ts'
import type { KeyStore } from '../auth/key-store.ts'
import { type Principal, requireScope } from '../auth/principal.ts'
import type { Needs } from '../auth/scopes.ts'
import type { RateLimit, RateLimiter } from '../auth/rate-limit.ts'
import type { ConnectionLogs } from '../connections/connection-logs.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { AppError, badInput } from '../kernel/errors.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import { requireDeclaredLength, requireMediaType } from './body.ts'
import { type Failure, graphqlFailure, restFailure } from './failure.ts'
import type { Graphiql } from './graphiql.ts'
import type { GraphqlHandler } from './graphql.ts'
import type { Route } from './route.ts'

export const GRAPHQL_PATH = '/graphql'
export const GRAPHIQL_ASSETS_PATH = '/graphiql'

/** What is no {@link Route}: what it needs before GraphQL asks each root field. */
export const OTHER_DOORS = {
  [`POST ${GRAPHQL_PATH}`]: 'any key',
  [`GET ${GRAPHQL_PATH}`]: 'any key',
  [`GET ${GRAPHQL_PATH} (GraphiQL)`]: 'no key',
  [`GET ${GRAPHIQL_ASSETS_PATH}/…`]: 'no key',
} as const

export interface HandlerOptions {
  readonly routes: readonly Route[]
  readonly graphql: GraphqlHandler
  /** Absent where GraphiQL is off. */
  readonly graphiql: Graphiql | undefined
  readonly keys: KeyStore
  readonly rateLimiter: RateLimiter
  readonly connectionLogsOf: (principal: Principal) => ConnectionLogs
  readonly maxBodyBytes: number
  readonly clock: Clock
  readonly logger: Logger
}

interface Exchange {
  readonly request: Request
  readonly url: URL
  readonly requestId: string
  /** Runs `work`; whatever it throws becomes an answer, and a fault of ours is logged. */
  attempt(work: () => Promise<Response>): Promise<Response>
}

/** The whole service as one function from a request to its answer. It never rejects. */
export function createHandler(options: HandlerOptions): (request: Request) => Promise<Response> {
  const { clock, logger } = options
  return async (request) => {
    const startedAt = clock.now()
    const url = urlOf(request)
    const requestId = requestIdOf(request)
    const failure: Failure = url?.pathname === GRAPHQL_PATH ? graphqlFailure : restFailure
    const attempt: Exchange['attempt'] = async (work) => {
      try {
        return await work()
      } catch (error) {
        // Who has gone away is no failure of ours, and gets no answer.
        if (!request.signal.aborted) logFailure(error, { requestId, path: url?.pathname }, logger)
        return failure(error, requestId)
      }
    }
    const response = await attempt(async () => {
      if (!url) throw badInput('host', 'a host name or an address', request.headers.get('host'))
      return answer({ request, url, requestId, attempt }, options)
    })
    response.headers.set('x-request-id', requestId)
    response.headers.set('x-content-type-options', 'nosniff')
    if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
    logger.debug(
      {
        requestId,
        method: request.method,
        path: url?.pathname,
        status: response.status,
        durationMs: clock.now() - startedAt,
      },
      'answered',
    )
    return request.method === 'HEAD' ? new Response(null, response) : response
  }
}

async function answer(exchange: Exchange, options: HandlerOptions): Promise<Response> {
  const { request, url, requestId } = exchange
  const { graphiql } = options
  if (url.pathname === GRAPHQL_PATH) return answerGraphql(exchange, options)
  if (graphiql && url.pathname.startsWith(`${GRAPHIQL_ASSETS_PATH}/`)) {
    return isRead(request) ? graphiql.asset(request) : notAllowed(request, ['GET'])
  }
  const route = options.routes.find(({ path }) => path === url.pathname)
  if (!route) throw new AppError('NOT_FOUND', `There is nothing at ${url.pathname}.`)
  const method = route.methods[isRead(request) ? 'GET' : request.method]
  if (!method) return notAllowed(request, Object.keys(route.methods))
  if (method.needs === 'no key') return method.run(request)
  return admitted(exchange, options, method.needs, (principal) => method.run(request, principal, requestId))
}

async function answerGraphql(exchange: Exchange, options: HandlerOptions): Promise<Response> {
  const { request, requestId } = exchange
  const { graphql, graphiql, connectionLogsOf, maxBodyBytes } = options
  if (graphiql && isRead(request) && request.headers.get('accept')?.includes('text/html'))
    return graphiql.page(request)
  if (!isRead(request) && request.method !== 'POST') return notAllowed(request, ['GET', 'POST'])
  return admitted(exchange, options, 'any key', async (principal, rateLimit) => {
    if (request.method === 'POST') {
      requireMediaType(request, ['application/json'])
      requireDeclaredLength(request, maxBodyBytes)
    }
    return graphql(request, { requestId, principal, rateLimit, connectionLogs: connectionLogsOf(principal) })
  })
}

/**
 * Runs `work` for a request with a good key that has what is needed and is within its limit, and tells what is left of
 * the limit. Root fields say for themselves what they need.
 */
async function admitted(
  { request, attempt }: Exchange,
  { keys, rateLimiter, clock }: HandlerOptions,
  needs: Needs,
  work: (principal: Principal, rateLimit: RateLimit | null) => Promise<Response>,
): Promise<Response> {
  const principal = await authenticate(request, keys)
  const rateLimit = await rateLimiter.take(principal.keyId ?? '')
  const response = await attempt(() => {
    if (rateLimit?.spent) throw overLimit(rateLimit, clock.now())
    requireScope(principal, needs)
    return work(principal, rateLimit)
  })
  if (rateLimit) {
    response.headers.set('x-ratelimit-limit', String(rateLimit.limit))
    response.headers.set('x-ratelimit-remaining', String(rateLimit.remaining))
    response.headers.set('x-ratelimit-reset', String(Math.ceil(rateLimit.resetAt / SECOND_MS)))
  }
  return response
}

function overLimit({ limit, resetAt }: RateLimit, nowMs: number): AppError {
  const retryAfterSeconds = Math.max(1, Math.ceil((resetAt - nowMs) / SECOND_MS))
  const sentence = `Expected at most ${limit} requests a minute with this key. Try again in ${retryAfterSeconds} seconds.`
  return new AppError('RATE_LIMITED', sentence, { retryAfterSeconds })
}

const isRead = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD'

function notAllowed({ method }: Request, allowed: readonly string[]): never {
  const allow = allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed
  const sentence = `Expected the method to be ${allowed.join(' or ')}, got ${method}.`
  throw new AppError('BAD_USER_INPUT', sentence, { status: 405, allow })
}

/** Undefined where the host that the request names is none. */
function urlOf({ url }: Request): URL | undefined {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}

/** The caller's own id of the request if it is short and plain, else a new one. */
function requestIdOf(request: Request): string {
  const given = request.headers.get('x-request-id') ?? ''
  return /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID()
}
