import { randomUUID } from 'node:crypto'

/** For what a browser shows though it is no page: it may load nothing, run nothing, and stand in no frame. */
const NOTHING_TO_SHOW = "default-src 'none'; frame-ancestors 'none'"

/** What each answer says that does not say something else. */
export const headersOfAll = (requestId: string): Readonly<Record<string, string>> => ({
  'x-request-id': requestId,
  'x-content-type-options': 'nosniff',
  'content-security-policy': NOTHING_TO_SHOW,
  'cache-control': 'no-store',
})

/** The caller's own id of the request if it is short and plain, else a new one. */
export const requestIdOf = (given: string | null): string =>
  given !== null && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID()
