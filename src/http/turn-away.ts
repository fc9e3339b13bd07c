import type { KeyStore } from '../auth/key-store.ts'
import type { LongWork } from '../kernel/yield-if-long.ts'
import type { Admission } from './admission.ts'
import type { Cors } from './cors.ts'
import { failureAt } from './failure.ts'
import type { TurnAway } from './node-listener.ts'
import type { Observer } from './observer.ts'
import { GRAPHQL_PATH, routedPath } from './paths.ts'
import { targetInLine } from './request-target.ts'
import type { Route } from './route.ts'
import { headersOfAll, requestIdOf } from './usual-headers.ts'

export interface TurnAwayOptions {
  readonly routes: readonly Route[]
  readonly admission: { readonly requests: Admission }
  readonly keys: Pick<KeyStore, 'peekShareholder'>
  readonly longWork: Pick<LongWork, 'waitMs'>
  readonly cors: Cors
  readonly observer: Observer
  readonly basePath: string
}

/**
 * Refuses most of those who come while there is too much to do, as the handler would, for a seventh of what
 * that costs: no Request and no Response is made for them. Whoever comes in an unusual way is left to that.
 */
export function createTurnAway({
  routes,
  admission,
  keys,
  longWork,
  cors,
  observer,
  basePath,
}: TurnAwayOptions): TurnAway {
  const known = new Set([`POST ${GRAPHQL_PATH}`])
  for (const { path, methods } of routes)
    for (const [method, { needs }] of Object.entries(methods))
      if (needs !== 'no key') known.add(`${method} ${path}`)

  return ({ method = '', url = '', headers }, lateMs) => {
    const target = targetInLine(url)
    if (!target) return undefined
    const route = routedPath(target.path, basePath)
    if (!known.has(`${method} ${route}`) || (method === 'POST' && !isJson(headers))) return undefined
    const refusal = admission.requests.refuse(
      lateMs + longWork.waitMs(),
      keys.peekShareholder(headers.authorization),
    )
    if (!refusal) return undefined
    const given = headers['x-request-id']
    const requestId = requestIdOf(typeof given === 'string' ? given : null)
    const answer = failureAt(route)(refusal, requestId, headers.accept ?? null)
    observer.refused({ requestId, route, method, status: answer.status, code: refusal.code })
    return {
      ...answer,
      headers: { ...headersOfAll(requestId), ...cors.headersFor(headers.origin), ...answer.headers },
    }
  }
}

/** And so no stream of lines. */
const isJson = (headers: Parameters<TurnAway>[0]['headers']): boolean =>
  headers['content-type']?.startsWith('application/json') === true
