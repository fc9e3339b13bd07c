/** What pages of other origins may see of an answer besides its body. */
const EXPOSED = [
  'X-Request-Id',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'Retry-After',
].join(', ')

const ALLOWED_HEADERS = 'Authorization, Content-Type, Accept, X-Request-Id'
const ALLOWED_METHODS = 'GET, POST'

/** Browsers ask again after this time, in seconds; most of them after two hours at the latest. */
const MAX_AGE_SECONDS = 7_200

export interface Cors {
  /** The answer to a browser that asks what a page may send; undefined for any other request. */
  preflight(request: Request): Response | undefined
  /**
   * What lets pages of a listed origin read an answer. Credentials of the browser are never asked for.
   * @param origin the header of the request
   */
  headersFor(origin: string | null | undefined): Readonly<Record<string, string>>
}

/**
 * Which pages may call from a browser: those of the listed origins, and no other. Without a list nothing is said to
 * browsers, which then let no page of another origin read an answer.
 */
export function createCors(origins: readonly string[]): Cors {
  const listed = new Set(origins)
  const isListed = (origin: string | null | undefined): origin is string =>
    typeof origin === 'string' && listed.has(origin)
  return {
    preflight: (request) => {
      const isAsked = request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
      if (!isAsked || !isListed(request.headers.get('origin'))) return undefined
      return new Response(null, {
        status: 204,
        headers: {
          'access-control-allow-methods': ALLOWED_METHODS,
          'access-control-allow-headers': ALLOWED_HEADERS,
          'access-control-max-age': String(MAX_AGE_SECONDS),
        },
      })
    },
    headersFor: (origin) => ({
      ...(listed.size === 0 ? {} : { vary: 'Origin' }),
      ...(isListed(origin)
        ? { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED }
        : {}),
    }),
  }
}
