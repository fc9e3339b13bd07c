import { type UrlParameters, readParameters } from './postgres-parameters.ts'
import { UrlProblem } from './url-problem.ts'

export interface PostgresAddress {
  readonly type: 'postgres'
  /** A name, an address, or the folder of a socket. */
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
  readonly parameters: UrlParameters
  /** For sentences: without user, password and parameters. */
  readonly display: string
}

const DEFAULT_PORT = 5432

const ENCODE =
  'Percent-encode special characters in user, password and parameters: @ is %40, / is %2F, # is %23, ? is %3F, : is %3A.'

/** @param url begins with `postgres://` or `postgresql://` */
export function parsePostgresUrl(url: string): PostgresAddress {
  const [, scheme = '', authority = '', rest = ''] = /^([a-z]+):\/\/([^/?#]*)(.*)$/is.exec(url) ?? []
  // Each of them may come from a password, so nothing that follows is repeated.
  if (rest.includes('#') || rest.includes('@'))
    throw new UrlProblem(`\`DATABASE_URL\` has a # or an @ in a wrong place. ${ENCODE}`)
  const [path, query] = splitAt(rest, '?')
  const credentials = authority.includes('@') ? authority.slice(0, authority.lastIndexOf('@')) : ''
  const place = authority.slice(authority.lastIndexOf('@') + 1)
  const [user, password] = splitAt(credentials, ':')
  const parameters = readParameters(query ?? '', decoded)
  const { host, port } = hostOf(place, parameters.socketFolder)
  if (/^\/.*\//.test(path))
    throw new UrlProblem(`\`DATABASE_URL\` has more than one name after the host. ${ENCODE}`)
  return {
    type: 'postgres',
    host,
    port: port ?? DEFAULT_PORT,
    user: nonEmpty(decoded(user)),
    password: nonEmpty(decoded(password ?? '')),
    database: nonEmpty(decoded(path.slice(1))),
    parameters,
    display:
      parameters.socketFolder === undefined
        ? `${scheme.toLowerCase()}://${place}${path}`
        : `${scheme.toLowerCase()}://${path} (socket in ${parameters.socketFolder})`,
  }
}

function hostOf(place: string, socketFolder: string | undefined): { host: string; port: number | undefined } {
  if (place.includes(','))
    throw new UrlProblem('`DATABASE_URL` names several hosts. connlog connects to one: name the primary.')
  const [, bracketed, plain = '', portText] =
    /^(?:\[([\da-f:.%]+)\]|([^:[\]]*))(?::(.*))?$/i.exec(place) ?? []
  const host = bracketed ?? decoded(plain)
  if (bracketed === undefined && !/^([\p{L}\p{N}._-]*|\/.*)$/u.test(host)) throw unreadable()
  if (plain === '' && bracketed === undefined && place !== '' && !/^:\d+$/.test(place)) throw unreadable()
  if (portText !== undefined && !/^\d*$/.test(portText)) throw unreadable()
  const port = portText === undefined || portText === '' ? undefined : Number(portText)
  if (port !== undefined && (port < 1 || port > 65_535))
    throw new UrlProblem('Expected the port in `DATABASE_URL` to be a number from 1 to 65535.')
  if (socketFolder === undefined) {
    if (host === '')
      throw new UrlProblem(
        '`DATABASE_URL` names no host. Write postgres://USER:PASSWORD@HOST:PORT/DATABASE, or ?host=/path for the folder of a socket.',
      )
    return { host, port }
  }
  if (host !== '' && host !== 'localhost')
    throw new UrlProblem('`DATABASE_URL` names a host and the folder of a socket. Keep one of the two.')
  return { host: socketFolder, port }
}

const unreadable = () => new UrlProblem(`The host or the port in \`DATABASE_URL\` cannot be read. ${ENCODE}`)

function decoded(text: string): string {
  let plain: string
  try {
    plain = decodeURIComponent(text)
  } catch {
    throw new UrlProblem(
      '`DATABASE_URL` has a % that is not followed by the two hexadecimal digits of a character. Write %25 for a % sign.',
    )
  }
  if (plain.includes('\0') || !plain.isWellFormed())
    throw new UrlProblem('`DATABASE_URL` contains a character that Postgres does not take.')
  return plain
}

function splitAt(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

const nonEmpty = (text: string) => (text === '' ? undefined : text)
