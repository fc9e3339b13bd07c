import { authenticate } from '../auth/authenticate.ts'
import type { BadKeyLimiter } from '../auth/bad-keys.ts'
import type { KeyCodes } from '../auth/key-codes.ts'
import type { KeyStore } from '../auth/key-store.ts'
import type { ManagedKeys } from '../auth/managed-keys.ts'
import { type Principal, requireScope, shareholderOf } from '../auth/principal.ts'
import { type RateLimit, type RateLimiter, type Spending, overLimit, tokensOf } from '../auth/rate-limit.ts'
import type { Needs } from '../auth/scopes.ts'
import type { ConnectionLogs } from '../connections/connection-logs.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { AppError, codeOf } from '../kernel/errors.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import type { LongWork } from '../kernel/yield-if-long.ts'
import type { Admission, Leave } from './admission.ts'
import type { ArrivedBody, ArrivingBodies } from './arriving-bodies.ts'
import { parseBody, requireDeclaredLength, requireMediaType } from './body.ts'
import { clientAddress } from './client-address.ts'
import type { Cors } from './cors.ts'
import type { Deadlines } from './deadline.ts'
import { failureAt } from './failure.ts'
import type { Graphiql } from './graphiql.ts'
import type { GraphqlHandler } from './graphql.ts'
import { exchangeKey } from './key-exchange.ts'
import type { FetchHandler, Peer, TurnAway } from './node-listener.ts'
import { type Observer, type Sighting, UNOBSERVED } from './observer.ts'
import { GRAPHIQL_ASSETS_PATH, GRAPHQL_PATH, KEY_EXCHANGE_PATH, routedPath } from './paths.ts'
import { requireHost, targetOf } from './request-target.ts'
import { type Route, toResponse } from './route.ts'
import { createTurnAway } from './turn-away.ts'
import type { UnreadAnswers } from './unread-answers.ts'
import { type Unreadable, createUnreadable } from './unreadable.ts'
import { headersOfAll, requestIdOf } from './usual-headers.ts'

/** What is no {@link Route}: what it needs before GraphQL asks each root field. */
export const OTHER_DOORS = {
  [`POST ${GRAPHQL_PATH}`]: 'any key',
  [`GET ${GRAPHQL_PATH}`]: 'any key',
  [`GET ${GRAPHQL_PATH} (GraphiQL)`]: 'no key',
  [`GET ${GRAPHIQL_ASSETS_PATH}/…`]: 'no key',
  [`POST ${KEY_EXCHANGE_PATH}`]: 'no key',
} as const

export interface HandlerOptions {
  readonly routes: readonly Route[]
  readonly graphql: GraphqlHandler
  /** Absent where GraphiQL is off. */
  readonly graphiql: Graphiql | undefined
  /** Codes that GraphiQL exchanges for keys. */
  readonly keyCodes: KeyCodes
  readonly keys: KeyStore
  readonly rateLimiter: RateLimiter
  readonly badKeys: BadKeyLimiter
  /** How many proxies before the service are believed where a request comes from. */
  readonly trustedProxies: number
  /** The path below which a host has mounted the service, such as `/connlog`; none unless given. */
  readonly basePath?: string
  readonly connectionLogsOf: (
    principal: Principal,
    spending: Spending,
    signal: () => AbortSignal,
  ) => ConnectionLogs
  readonly managedKeysOf: (principal: Principal) => ManagedKeys
  readonly maxBodyBytes: number
  readonly deadlines: Deadlines
  readonly cors: Cors
  /** Of requests, and of streams of lines, which may take long and so count apart. */
  readonly admission: { readonly requests: Admission; readonly streams: Admission }
  readonly bodies: ArrivingBodies
  readonly unread: UnreadAnswers
  readonly clock: Clock
  readonly longWork: Pick<LongWork, 'waitMs'>
  readonly logger: Logger
  readonly observer?: Observer
}

interface Exchange {
  readonly request: Request
  readonly peer: Peer | undefined
  /** As it was sent, less the path below which the service is mounted. */
  readonly path: string
  readonly requestId: string
  readonly seen: Sighting
  /** Runs `work`; whatever it throws becomes an answer, and a fault of ours is logged. */
  attempt(work: () => Promise<Response>): Promise<Response>
}

export interface Handler {
  /** The whole service as one function from a request to its answer. It never rejects. */
  readonly fetch: FetchHandler
  readonly turnAway: TurnAway
  readonly unreadable: Unreadable
}

export function createHandler(options: HandlerOptions): Handler {
  const { observer = UNOBSERVED, basePath = '' } = options
  const respond = createResponder(options)
  return {
    fetch: (request, peer) => {
      const path = routedPath(targetOf(request).path, basePath)
      return observer.watch(request, path, (seen) => respond(request, path, peer, seen))
    },
    turnAway: createTurnAway({ ...options, observer, basePath }),
    unreadable: createUnreadable(observer),
  }
}

function createResponder(options: HandlerOptions) {
  const { logger, cors } = options
  return async (
    request: Request,
    path: string,
    peer: Peer | undefined,
    seen: Sighting,
  ): Promise<Response> => {
    const requestId = requestIdOf(request.headers.get('x-request-id'))
    seen.requestId = requestId
    const failure = failureAt(path)
    const attempt: Exchange['attempt'] = async (work) => {
      try {
        return await work()
      } catch (error) {
        // A client that has left is no failure of ours. Nobody receives this answer; it is only counted.
        if (request.signal.aborted) return new Response(null, { status: CLIENT_LEFT })
        seen.code ??= codeOf(error)
        logFailure(error, { requestId, path }, logger)
        return toResponse(failure(error, requestId, request.headers.get('accept')))
      }
    }
    const respond = async () => {
      if (peer?.unreadable) throw peer.unreadable
      requireHost(request.headers.get('host'))
      return answer({ request, peer, path, requestId, seen, attempt }, options)
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

/** As nginx counts requests whose clients closed the connection before the answer. */
const CLIENT_LEFT = 499

async function answer(exchange: Exchange, options: HandlerOptions): Promise<Response> {
  const { request, path, requestId, seen } = exchange
  const { graphiql } = options
  if (path === GRAPHQL_PATH) return answerGraphql(exchange, options)
  if (graphiql && path === KEY_EXCHANGE_PATH) {
    seen.route = KEY_EXCHANGE_PATH
    if (request.method !== 'POST') return notAllowed(request, ['POST'])
    return options.deadlines.within(request, () =>
      exchangeKey(request, addressOf(exchange, options), options),
    )
  }
  if (graphiql && path.startsWith(`${GRAPHIQL_ASSETS_PATH}/`)) {
    seen.route = `${GRAPHIQL_ASSETS_PATH}/…`
    return isRead(request) ? graphiql.asset(request, path) : notAllowed(request, READ)
  }
  const route = options.routes.find((one) => one.path === path)
  if (!route) throw new AppError('NOT_FOUND', `There is nothing at ${path}.`)
  seen.route = route.path
  const method = route.methods[isRead(request) ? 'GET' : request.method]
  if (!method) {
    const methods = Object.entries(route.methods)
    const allowed = methods.flatMap(([name]) => (name === 'GET' ? READ : [name]))
    const isOpen = methods.every(([, { needs }]) => needs === 'no key')
    return isOpen ? notAllowed(request, allowed) : refuseMethod(exchange, options, allowed)
  }
  if (method.needs === 'no key') return method.run(request)
  const isTimed = route.isStream?.(request) !== true
  seen.isStream = !isTimed
  return admitted(exchange, options, { needs: method.needs, isTimed }, async (principal, visit) => {
    if (isRead(request)) visit.enter()
    return method.run(request, {
      principal,
      requestId,
      spending: visit.spending,
      signal: visit.signal,
      readJson: async (maxBytes, yieldIfLong) => {
        const bytes = await visit.readBody(maxBytes)
        visit.enter()
        return parseBody(bytes, yieldIfLong)
      },
    })
  })
}

async function answerGraphql(exchange: Exchange, options: HandlerOptions): Promise<Response> {
  const { request, requestId, seen } = exchange
  seen.route = GRAPHQL_PATH
  const { graphql, graphiql, connectionLogsOf, managedKeysOf, maxBodyBytes } = options
  if (graphiql && isNavigation(request)) return graphiql.page(request)
  if (request.method !== 'GET' && request.method !== 'POST')
    return refuseMethod(exchange, options, ['GET', 'POST'])
  const door = { needs: 'any key', isTimed: true } as const
  return admitted(exchange, options, door, async (principal, visit) => {
    if (request.method === 'POST') {
      requireMediaType(request, ['application/json'])
      requireDeclaredLength(request, maxBodyBytes)
    }
    let holdsKey = false
    const response = await graphql(request, {
      requestId,
      seen,
      principal,
      rateLimit: visit.left,
      pay: visit.pay,
      readBody: visit.readBody,
      enter: visit.enter,
      connectionLogs: connectionLogsOf(principal, visit.spending, visit.signal),
      managedKeys: beforeNewKeys(managedKeysOf(principal), () => (holdsKey = true)),
      lastEventId: request.headers.get('last-event-id') || null,
      subscription: {},
      signal: visit.signal,
    })
    // Neither we nor a proxy compresses it: the length would tell of a key next to what a caller sent.
    if (holdsKey) response.headers.set('cache-control', 'no-store, no-transform')
    return response
  })
}

/** The same keys, and a call before a new one is made. */
const beforeNewKeys = (keys: ManagedKeys, call: () => void): ManagedKeys => ({
  ...keys,
  create: (...given) => {
    call()
    return keys.create(...given)
  },
  rotate: (...given) => {
    call()
    return keys.rotate(...given)
  },
})

/** A request whose key was looked at: what it may spend, and how it goes on. */
interface Visit {
  /** What was left when the request last took of it; null where there is no limit. */
  left(): RateLimit | null
  /** Takes what an operation of this cost takes beyond the first token. @throws {AppError} RATE_LIMITED */
  pay(cost: number): void
  readonly spending: Spending
  /** @throws {AppError} what {@link ArrivingBodies.read} throws */
  readBody(maxBytes: number): Promise<Uint8Array>
  /**
   * Counts the request as work, once all of it has arrived.
   * @param waitedMs how long it has waited for other work since then
   * @throws {AppError} RATE_LIMITED, SERVICE_UNAVAILABLE
   */
  enter(waitedMs?: number): void
  signal(): AbortSignal
}

interface Door {
  /** What the key has to have. Root fields say for themselves what they need. */
  readonly needs: Needs
  /** Whether the time for all of it has an end. */
  readonly isTimed: boolean
}

/**
 * Runs `work` for a request with a good key that has what is needed and is within its limits, and tells what is left of
 * the rate limit. Looking at the key counts as work, and so does what follows {@link Visit.enter}; waiting for the body
 * does not.
 */
async function admitted(
  { request, peer, seen, attempt }: Exchange,
  options: HandlerOptions,
  { needs, isTimed }: Door,
  work: (principal: Principal, visit: Visit) => Promise<Response>,
): Promise<Response> {
  const { keys, badKeys, trustedProxies, rateLimiter, deadlines, bodies, unread, longWork } = options
  const admission = isTimed ? options.admission.requests : options.admission.streams
  let left: RateLimit | null = null
  let points = 0
  const within = (taken: RateLimit | null) => {
    left = taken
    if (taken && taken.retryAfterMs > 0) throw overLimit(taken)
  }
  let leave: Leave | undefined
  let isOver = false
  let body: ArrivedBody | undefined
  const serve = async (signal: () => AbortSignal, end: () => void) => {
    const principal = await authenticate(
      request,
      keys,
      badKeys,
      addressOf({ request, peer }, { trustedProxies }),
    )
    seen.keyId = principal.keyId ?? ''
    seen.userId = principal.userId
    const user = shareholderOf(principal)
    peer?.measuredBy?.(unread.answerTo(user))
    const payer = user ?? ''
    within(await rateLimiter.take(payer))
    requireScope(principal, needs)
    unread.requireRoom(user)
    end()
    const visit: Visit = {
      left: () => left,
      pay: (cost) => {
        points = cost
        within(rateLimiter.takeMore(payer, tokensOf(cost) - 1))
      },
      spending: {
        charge: (tokens) => void (left = rateLimiter.charge(payer, tokens)),
        pauseMs: () => rateLimiter.pauseMs(payer),
        points: () => points,
      },
      readBody: async (maxBytes) => {
        body = await bodies.read(request, user, maxBytes)
        // After a timeout the answer is already sent, so the rest of the body is dropped.
        if (isOver) body.end()
        return body.bytes
      },
      enter: (waitedMs) => {
        if (!isOver) leave = admission.enter(user, waitedMs)
      },
      signal,
    }
    if (!isTimed) visit.enter()
    return work(principal, visit)
  }
  const response = await attempt(async () => {
    const end = admission.begin(
      (peer?.lateMs ?? 0) + longWork.waitMs(),
      keys.peekShareholder(request.headers.get('authorization') ?? undefined),
    )
    try {
      return await (isTimed
        ? deadlines.within(request, (signal) => serve(signal, end))
        : serve(() => request.signal, end))
    } finally {
      isOver = true
      end()
      leave?.(!request.signal.aborted)
      body?.end()
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

/** A browser that opens the page. It brings no key, and clients that bring one want an answer whatever they accept. */
const isNavigation = (request: Request): boolean =>
  isRead(request) &&
  !request.headers.has('authorization') &&
  request.headers.get('accept')?.includes('text/html') === true

/** What answers GET answers HEAD too, but for GraphQL. */
const READ = ['GET', 'HEAD']

const addressOf = (
  { request, peer }: Pick<Exchange, 'request' | 'peer'>,
  { trustedProxies }: Pick<HandlerOptions, 'trustedProxies'>,
) => clientAddress(peer?.address, request.headers.get('x-forwarded-for'), trustedProxies)

const isRead = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD'

/** @throws {AppError} BAD_USER_INPUT with HTTP 405 */
function notAllowed({ method }: Request, allowed: readonly string[]): never {
  const names = allowed.join(', ').replace(/, (\w+)$/, ' or $1')
  const sentence = `Expected the method to be ${names}, got ${method}.`
  throw new AppError('BAD_USER_INPUT', sentence, { status: 405, headers: { allow: allowed.join(', ') } })
}

/** Refuses a method. A key that comes along is looked at first, since each answer to a valid key shows its rate limit. */
async function refuseMethod(
  exchange: Exchange,
  options: HandlerOptions,
  allowed: readonly string[],
): Promise<Response> {
  const { request } = exchange
  if (!request.headers.has('authorization')) return notAllowed(request, allowed)
  const door = { needs: 'any key', isTimed: true } as const
  return admitted(exchange, options, door, async () => notAllowed(request, allowed))
}
