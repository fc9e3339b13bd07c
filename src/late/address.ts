import { parseAddress } from '../kernel/address.ts'

const PATH = '/api/v1/connections/logs'

const EXPECTED = 'the address of a server, such as https://getlate.dev'

/**
 * The address of connection logs on a server, from what people have at hand: its origin, a path that it is mounted on,
 * the base address of its API (`…/api`, `…/api/v1`), or the whole address of the logs; slashes at the end do not matter.
 * @param field what the caller calls it
 * @throws {AppError} BAD_USER_INPUT; the sentence shows nothing that may hold credentials
 */
export function logsAddress(text: string, field = 'url'): URL {
  const url = parseAddress(text, field, EXPECTED)
  // A URL never lacks its path: the root stays `/`.
  url.pathname = withPath(url.pathname.replace(/^\/$/, ''))
  return url
}

function withPath(path: string): string {
  const given = ['/api', '/api/v1', PATH].find((part) => path.endsWith(part))
  return `${given === undefined ? path : path.slice(0, -given.length)}${PATH}`
}
