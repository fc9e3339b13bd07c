import { randomUUID } from 'node:crypto'
import { authenticate } from '../auth/authenticate.ts'
import type { BadKeyLimiter } from '../auth/bad-keys.ts'
import type { KeyStore } from '../auth/key-store.ts'
import type { ManagedKeys } from '../auth/managed-keys.ts'
import { type Principal, requireScope } from '../auth/principal.ts'
import { type RateLimit, type RateLimiter, overLimit, tokensOf } from '../auth/rate-limit.ts'
import type { Needs } from '../auth/scopes.ts'
import type { ConnectionLogs } from '../connections/connection-logs.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { AppError, badInput, codeOf } from '../kernel/errors.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import type { Admission } from './admission.ts'
import { requireDeclaredLength, requireMediaType } from './body.ts'
import { clientAddress } from './client-address.ts'
import type { Cors } from './cors.ts'
import type { Deadlines } from './deadline.ts'
import { type Failure, graphqlFailure, restFailure } from './failure.ts'
import type { Graphiql } from './graphiql.ts'
import type { GraphqlHandler } from './graphql.ts'
import type { FetchHandler, Peer, TurnAway } from './listen.ts'
import { type Observer, type Sighting, UNOBSERVED } from './observer.ts'
import { type Charge, type Route, toResponse } from './route.ts'

export const GRAPHQL_PATH = '/graphql'
export const GRAPHIQL_ASSETS_PATH = '/graphiql'

/** For what a browser shows though it is no page: it may load nothing, run nothing, and stand in no frame. */
const NOTHING_TO_SHOW = "default-src 'none'; frame-ancestors 'none'"

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
  readonly badKeys: BadKeyLimiter
  /** How many proxies before the service are believed where a request comes from. */
  readonly trustedProxies: number
  readonly connectionLogsOf: (principal: Principal, charge: Charge) => ConnectionLogs
  readonly managedKeysOf: (principal: Principal) => ManagedKeys
  readonly maxBodyBytes: number
  readonly deadlines: Deadlines
  readonly cors: Cors
  /** Of requests, and of streams of lines, which may take long and so count apart. */
  readonly admission: { readonly requests: Admission; readonly streams: Admission }
  readonly clock: Clock
  readonly logger: Logger
  readonly observer?: Observer
}

interface Exchange {
  readonly request: Request
  readonly peer: Peer | undefined
  readonly url: URL
  readonly requestId: string
  readonly seen: Sighting
  /** Runs `work`; whatever it throws becomes an answer, and a fault of ours is logged. */
  attempt(work: () => Promise<Response>): Promise<Response>
}

export interface Handler {
  /** The whole service as one function from a request to its answer. It never rejects. */
  readonly fetch: FetchHandler
  readonly turnAway: TurnAway
}

export function createHandler(options: HandlerOptions): Handler {
  const { observer = UNOBSERVED } = options
  const respond = createResponder(options)
  return {
    fetch: (request, peer) => observer.watch(request, (seen) => respond(request, peer, seen)),
    turnAway: createTurnAway({ ...options, observer }),
  }
}

function createResponder(options: HandlerOptions) {
  const { logger, cors } = options
  return async (request: Request, peer: Peer | undefined, seen: Sighting): Promise<Response> => {
    const url = urlOf(request)
    const requestId = requestIdOf(request.headers.get('x-request-id'))
    seen.requestId = requestId
    const failure = failureAt(url?.pathname)
    const attempt: Exchange['attempt'] = async (work) => {
      try {
        return await work()
      } catch (error) {
        seen.code ??= codeOf(error)
        // Who has gone away is no failure of ours, and gets no answer.
        if (!request.signal.aborted) logFailure(error, { requestId, path: url?.pathname }, logger)
        return toResponse(failure(error, requestId, request.headers.get('accept')))
      }
    }
    const respond = async () => {
      if (!url) throw badInput('host', 'a host name or an address', request.headers.get('host'))
      return answer({ request, peer, url, requestId, seen, attempt }, options)
    }
    const response = cors.preflight(request) ?? (await attempt(respond))
    const { vary, ...others } = {
      ...headersOfAll(requestId),
      ...cors.headersFor(request.headers.get('origin')),
    }
    if (vary !== undefined) response.headers.append('vary', vary)
    for (const [name, value] of Object.entries(others))
      if (!response.headers.has(name)) response.headers.set(name, value)
    return request.method === 'HEAD' ? new Response(null, response) : response
  }
}

/** What each answer says that does not say something else. */
const headersOfAll = (requestId: string): Readonly<Record<string, string>> => ({
  'x-request-id': requestId,
  'x-content-type-options': 'nosniff',
  'content-security-policy': NOTHING_TO_SHOW,
  'cache-control': 'no-store',
})

const failureAt = (path: string | undefined): Failure =>
  path === GRAPHQL_PATH ? graphqlFailure : restFailure

/**
 * Refuses most of those who come while there is too much to do, as {@link createHandler} would, for a seventh of what
 * that costs: no Request and no Response is made for them. Whoever comes in an unusual way is left to that.
 */
function createTurnAway({
  routes,
  admission,
  cors,
  observer,
}: HandlerOptions & { readonly observer: Observer }): TurnAway {
  const known = new Set([`POST ${GRAPHQL_PATH}`])
  for (const { path, methods } of routes)
    for (const [method, { needs }] of Object.entries(methods))
      if (needs !== 'no key') known.add(`${method} ${path}`)

  return ({ method = '', url = '', headers }, lateMs) => {
    const [route = ''] = url.split('?', 1)
    if (!known.has(`${method} ${route}`) || (method === 'POST' && !isJson(headers))) return undefined
    const refusal = admission.requests.refuse(lateMs)
    if (!refusal) return undefined
    const given = headers['x-request-id']
    const requestId = requestIdOf(typeof given === 'string' ? given : null)
    const answer = failureAt(route)(refusal, requestId, headers.accept ?? null)
    observer.refused({ requestId, route, method, status: answer.status })
    return {
      ...answer,
      headers: { ...headersOfAll(requestId), ...cors.headersFor(headers.origin), ...answer.headers },
    }
  }
}

/** And so no stream of lines. */
const isJson = (headers: Parameters<TurnAway>[0]['headers']): boolean =>
  headers['content-type']?.startsWith('application/json') === true

async function answer(exchange: Exchange, options: HandlerOptions): Promise<Response> {
  const { request, url, requestId, seen } = exchange
  const { graphiql } = options
  if (url.pathname === GRAPHQL_PATH) return answerGraphql(exchange, options)
  if (graphiql && url.pathname.startsWith(`${GRAPHIQL_ASSETS_PATH}/`)) {
    seen.route = `${GRAPHIQL_ASSETS_PATH}/…`
    return isRead(request) ? graphiql.asset(request) : notAllowed(request, ['GET'])
  }
  const route = options.routes.find(({ path }) => path === url.pathname)
  if (!route) throw new AppError('NOT_FOUND', `There is nothing at ${url.pathname}.`)
  seen.route = route.path
  const method = route.methods[isRead(request) ? 'GET' : request.method]
  if (!method) return notAllowed(request, Object.keys(route.methods))
  if (method.needs === 'no key') return method.run(request)
  const isTimed = route.isStream?.(request) !== true
  seen.isStream = !isTimed
  return admitted(exchange, options, { needs: method.needs, isTimed }, (principal, { charge }) =>
    method.run(request, principal, requestId, charge),
  )
}

async function answerGraphql(exchange: Exchange, options: HandlerOptions): Promise<Response> {
  const { request, requestId, seen } = exchange
  seen.route = GRAPHQL_PATH
  const { graphql, graphiql, connectionLogsOf, managedKeysOf, maxBodyBytes } = options
  if (graphiql && isRead(request) && request.headers.get('accept')?.includes('text/html'))
    return graphiql.page(request)
  if (!isRead(request) && request.method !== 'POST') return notAllowed(request, ['GET', 'POST'])
  const door = { needs: 'any key', isTimed: true } as const
  return admitted(exchange, options, door, async (principal, allowance, signal) => {
    if (request.method === 'POST') {
      requireMediaType(request, ['application/json'])
      requireDeclaredLength(request, maxBodyBytes)
    }
    return graphql(request, {
      requestId,
      seen,
      principal,
      rateLimit: allowance.left,
      pay: allowance.pay,
      connectionLogs: connectionLogsOf(principal, allowance.charge),
      managedKeys: managedKeysOf(principal),
      lastEventId: request.headers.get('last-event-id') || null,
      subscription: {},
      signal,
    })
  })
}

/** What one request has to spend. */
interface Allowance {
  /** What was left when the request last took of it; null where there is no limit. */
  left(): RateLimit | null
  /** Takes what an operation of this cost takes beyond the first token. @throws {AppError} RATE_LIMITED */
  pay(cost: number): void
  charge(tokens: number): void
}

interface Door {
  /** What the key has to have. Root fields say for themselves what they need. */
  readonly needs: Needs
  /** Whether the time for all of it has an end. */
  readonly isTimed: boolean
}

/**
 * Runs `work` for a request with a good key that has what is needed and is within its limit, and tells what is left of
 * the limit.
 */
async function admitted(
  { request, peer, seen, attempt }: Exchange,
  { keys, badKeys, trustedProxies, rateLimiter, deadlines, admission }: HandlerOptions,
  { needs, isTimed }: Door,
  work: (principal: Principal, allowance: Allowance, signal: () => AbortSignal) => Promise<Response>,
): Promise<Response> {
  let left: RateLimit | null = null
  const within = (taken: RateLimit | null) => {
    left = taken
    if (taken && taken.retryAfterMs > 0) throw overLimit(taken)
  }
  const serve = async (signal: () => AbortSignal) => {
    const address = clientAddress(peer?.address, request.headers.get('x-forwarded-for'), trustedProxies)
    const principal = await authenticate(request, keys, badKeys, address)
    const keyId = principal.keyId ?? ''
    seen.keyId = keyId
    within(await rateLimiter.take(keyId))
    requireScope(principal, needs)
    const allowance: Allowance = {
      left: () => left,
      pay: (cost) => within(rateLimiter.takeMore(keyId, tokensOf(cost) - 1)),
      charge: (tokens) => void (left = rateLimiter.charge(keyId, tokens)),
    }
    return work(principal, allowance, signal)
  }
  const response = await attempt(async () => {
    const leave = (isTimed ? admission.requests : admission.streams).enter(peer?.lateMs)
    try {
      return await (isTimed ? deadlines.within(request, serve) : serve(() => request.signal))
    } finally {
      leave()
    }
  })
  const told = left as RateLimit | null
  if (told) {
    response.headers.set('x-ratelimit-limit', String(told.limit))
    response.headers.set('x-ratelimit-remaining', String(told.remaining))
    response.headers.set('x-ratelimit-reset', String(Math.ceil(told.resetAt / SECOND_MS)))
  }
  return response
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
const requestIdOf = (given: string | null): string =>
  given !== null && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID()
