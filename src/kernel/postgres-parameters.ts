import { UrlProblem } from './url-problem.ts'

/** The schema of connlog's tables if the URL names none. */
export const DEFAULT_SCHEMA = 'connlog'

/** The parameters of a Postgres URL. */
export interface UrlParameters {
  readonly schema: string
  /** Whether the URL names the schema. */
  readonly isSchemaNamed: boolean
  /** Undefined if the URL says nothing of it. */
  readonly tls: 'disable' | TlsParameters | undefined
  readonly applicationName: string | undefined
  readonly socketFolder: string | undefined
}

export interface TlsParameters {
  /** Whether the certificate and the host name in it are checked. */
  readonly isVerified: boolean
  /** Paths of PEM files. */
  readonly rootCertificate: string | undefined
  readonly certificate: string | undefined
  readonly key: string | undefined
}

const UNDERSTOOD = ['schema', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'application_name', 'host']

const POOLER = 'docs/databases.md says how to use PgBouncer'
const BEFORE_HOST = 'it belongs before the ?, as in postgres://USER:PASSWORD@HOST:PORT/DATABASE'

/** What to use in place of parameters that Prisma, libpq and others have. */
const INSTEAD: Readonly<Record<string, string>> = {
  connection_limit: 'set POOL_SIZE',
  pool_timeout: 'set REQUEST_TIMEOUT_SECONDS',
  connect_timeout: 'set REQUEST_TIMEOUT_SECONDS',
  socket_timeout: 'set REQUEST_TIMEOUT_SECONDS',
  statement_timeout: 'set REQUEST_TIMEOUT_SECONDS',
  pgbouncer: POOLER,
  statement_cache_size: POOLER,
  max_prepared_statements: POOLER,
  options: 'connlog sets what its answers depend on; other settings can be given to the role by ALTER ROLE',
  search_path: 'use schema',
  currentSchema: 'use schema',
  ssl: 'use sslmode',
  sslaccept: 'use sslmode=no-verify or sslmode=verify-full',
  sslidentity: 'use sslcert and sslkey',
  uselibpqcompat: 'sslmode=no-verify encrypts without checking the certificate',
  channel_binding: 'leave it out',
  user: BEFORE_HOST,
  username: BEFORE_HOST,
  password: BEFORE_HOST,
  port: BEFORE_HOST,
  dbname: BEFORE_HOST,
  database: BEFORE_HOST,
}

/** @param decoded takes percent-encoding off */
export function readParameters(query: string, decoded: (text: string) => string): UrlParameters {
  const given = new Map<string, string>()
  for (const pair of query.split('&').filter((text) => text !== '')) {
    const [encoded = '', ...rest] = pair.split('=')
    const name = decoded(encoded)
    if (!UNDERSTOOD.includes(name)) throw notUnderstood(name)
    if (given.has(name)) throw new UrlProblem(`\`DATABASE_URL\` has the parameter "${name}" twice.`)
    given.set(name, decoded(rest.join('=')))
  }
  for (const [name, value] of given)
    if (value === '') throw new UrlProblem(`The parameter "${name}" of \`DATABASE_URL\` is empty.`)
  const schema = given.get('schema')
  return {
    schema: schema === undefined ? DEFAULT_SCHEMA : checkedSchema(schema),
    isSchemaNamed: schema !== undefined,
    tls: tlsOf(given),
    applicationName: given.get('application_name'),
    socketFolder: socketFolderOf(given.get('host')),
  }
}

function notUnderstood(name: string): UrlProblem {
  // A longer or stranger name may be a piece of a password.
  const shown = /^[a-z_]{1,40}$/i.test(name) ? `the parameter "${name}"` : 'a parameter'
  const instead = Object.hasOwn(INSTEAD, name) ? `: ${INSTEAD[name]}` : ''
  return new UrlProblem(
    `\`DATABASE_URL\` has ${shown}, which connlog does not understand${instead}. It understands ${UNDERSTOOD.join(', ')}.`,
  )
}

/** The longest name that Postgres keeps whole, in bytes. */
const MAX_NAME_BYTES = 63

function checkedSchema(name: string): string {
  const bytes = Buffer.byteLength(name)
  if (bytes > MAX_NAME_BYTES || /^pg_/i.test(name) || name === 'information_schema')
    throw new UrlProblem(
      `Expected the parameter "schema" of \`DATABASE_URL\` to be a name of at most ${MAX_NAME_BYTES} bytes that is not one of Postgres' own (pg_…, information_schema), got one of ${bytes} bytes.`,
    )
  return name
}

function tlsOf(given: ReadonlyMap<string, string>): UrlParameters['tls'] {
  const mode = given.get('sslmode')
  const rootCertificate = given.get('sslrootcert')
  const [certificate, key] = [given.get('sslcert'), given.get('sslkey')]
  if ((certificate === undefined) !== (key === undefined))
    throw new UrlProblem('`DATABASE_URL` has one of "sslcert" and "sslkey". Give both.')
  const files = {
    // As libpq says "the authorities that the system trusts".
    rootCertificate: rootCertificate === 'system' ? undefined : rootCertificate,
    certificate,
    key,
  }
  switch (mode) {
    case undefined:
      return (rootCertificate ?? certificate) ? { isVerified: true, ...files } : undefined
    case 'disable':
      return 'disable'
    case 'no-verify':
      return { isVerified: false, ...files }
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      return { isVerified: true, ...files }
    default:
      throw new UrlProblem(
        'Expected the parameter "sslmode" of `DATABASE_URL` to be disable, no-verify, require, verify-ca or verify-full. connlog never falls back to a connection without TLS, so there is no allow or prefer.',
      )
  }
}

function socketFolderOf(host: string | undefined): string | undefined {
  if (host === undefined || host.startsWith('/')) return host
  throw new UrlProblem(
    'Expected the parameter "host" of `DATABASE_URL` to be the folder of a socket, such as /var/run/postgresql. Another host belongs before the ?, as in postgres://USER:PASSWORD@HOST:PORT/DATABASE.',
  )
}
