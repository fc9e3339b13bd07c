import { AppError, badInput } from '../kernel/errors.ts'

/**
 * What a request asks for. Both parts are exactly as they were sent: a backslash, `..` or `%2e%2e` is text like any other,
 * so that nothing selects another route than a proxy in front of the service has seen.
 */
export interface RequestTarget {
  readonly path: string
  /** What follows the first `?`; empty if there is none. */
  readonly query: string
}

const ADDRESS = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*(?<path>[^?#]*)(?:\?(?<query>[^#]*))?/i

/** The target in the address of a Request. The platform's own Request has resolved its address when it was made. */
export function targetOf({ url }: Pick<Request, 'url'>): RequestTarget {
  const { path = '', query = '' } = ADDRESS.exec(url)?.groups ?? {}
  return { path: path === '' ? '/' : path, query }
}

/** `uri-host [ ":" port ]` of RFC 9110. It may be empty: then the client names no host, and any name is served. */
const HOST = /^(?:\[[\w:.~%-]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/

/** @throws {AppError} BAD_USER_INPUT for a header that names no host: `/ ? # \ @` or a blank would end the host early */
export function requireHost(host: string | null): void {
  if (host !== null && !HOST.test(host)) throw badHost(host)
}

const badHost = (got: unknown) => badInput('host', 'a host name or an address', got)

/** No blank, no fragment; a backslash only in the query, where clients send it unencoded. */
const ORIGIN_FORM = /^\/[^\s\\#?]*(?:\?[^\t\f #]*)?$/
const ABSOLUTE_FORM =
  /^https?:\/\/(?<authority>[^:/\s\\#?][^/\s\\#?]*)(?<rest>(?:\/[^\s\\#?]*)?(?:\?[^\t\f #]*)?)$/i

/** A name of our own: the host that a request names selects nothing. */
const BASE = 'http://localhost'

/** The part of an IncomingMessage that says what is asked for. */
export interface RequestLine {
  readonly url?: string | undefined
  readonly httpVersion: string
  readonly headers: { readonly host?: string | undefined }
  readonly rawHeaders: readonly string[]
}

/**
 * The address for a Request out of what `node:http` received (RFC 9112, section 3.2).
 * @returns BAD_USER_INPUT for a target that is neither a path nor an http address, and for a Host header that is missing or
 *   there more than once
 */
export function addressOf({ url = '', headers, rawHeaders, httpVersion }: RequestLine): string | AppError {
  if (httpVersion === '1.1' && headers.host === undefined) return badHost(undefined)
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.length === 4 && isHost(name))
  if (hosts.length > 1) return badInput('host', 'given once', hosts.length)
  const target = pathAndQueryIn(url)
  // It is not repeated: a query may hold what only its sender should read.
  return target === undefined ? new AppError('BAD_USER_INPUT', UNREADABLE_TARGET) : BASE + target
}

const UNREADABLE_TARGET =
  'Expected the request target to be a path such as /graphql, or an http address with such a path.'

const isHost = (name: string) => name.toLowerCase() === 'host'

/** Undefined for a request line that holds neither a path nor an http address. */
function pathAndQueryIn(url: string): string | undefined {
  if (ORIGIN_FORM.test(url)) return url
  const { authority = '', rest = '' } = ABSOLUTE_FORM.exec(url)?.groups ?? {}
  return authority !== '' && HOST.test(authority) ? rest : undefined
}

/** The target in a request line, before there is a Request; undefined if it is unreadable. */
export function targetInLine(url: string): RequestTarget | undefined {
  const target = pathAndQueryIn(url)
  return target === undefined ? undefined : targetOf({ url: BASE + target })
}

/** Removes the path below which a host has mounted the service, unless the host has removed it already. */
export const withoutBasePath = (path: string, basePath: string): string =>
  basePath !== '' && path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path
