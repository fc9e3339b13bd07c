import { AppError, badInput } from '../kernel/errors.ts'

const PATH = '/api/v1/connections/logs'

const EXPECTED = 'the address of a server, such as https://getlate.dev'

/**
 * The address of connection logs on a server, from what people have at hand: its origin, a path that it is mounted on,
 * the base address of its API (`…/api`, `…/api/v1`), or the whole address of the logs; slashes at the end do not matter.
 * @throws {AppError} BAD_USER_INPUT; the sentence shows nothing that may hold credentials
 */
export function logsAddress(text: string): URL {
  const url = parse(text.trim())
  if (!url) throw /[@?#]/.test(text) ? unshown(EXPECTED, 'something else') : badInput('url', EXPECTED, text)
  if (url.username !== '' || url.password !== '')
    throw unshown(`${EXPECTED}, without user and password`, 'one with them')
  if (url.search !== '' || url.hash !== '')
    throw unshown(`${EXPECTED}, without ? and #`, 'one with more behind it')
  url.pathname = withPath(url.pathname.replace(/\/+$/, ''))
  return url
}

function withPath(path: string): string {
  const given = ['/api', '/api/v1', PATH].find((part) => path.endsWith(part))
  return `${given === undefined ? path : path.slice(0, -given.length)}${PATH}`
}

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text)
    return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined
  } catch {
    return undefined
  }
}

const unshown = (expected: string, got: string) =>
  new AppError('BAD_USER_INPUT', `Expected \`url\` to be ${expected}, got ${got}.`)
