import { type PostgresAddress, parsePostgresUrl } from './postgres-url.ts'
import { type SqliteAddress, parseSqliteUrl } from './sqlite-url.ts'
import { UrlProblem } from './url-problem.ts'

/** Where the database is, as `DATABASE_URL` says. */
export type DatabaseAddress = PostgresAddress | SqliteAddress

/**
 * Reads a `DATABASE_URL`. Nothing is opened.
 * @throws {UrlProblem} with a sentence that repeats nothing of the URL that could be secret
 */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  if (/^['"`]|['"`]$/.test(url))
    throw new UrlProblem(
      '`DATABASE_URL` begins or ends with a quote, and the quote is part of the value. Remove the quotes.',
    )
  if (/^\s|\s$/.test(url))
    throw new UrlProblem(
      '`DATABASE_URL` begins or ends with a blank or a line break, which is part of the value. Remove it.',
    )
  const scheme = /^[a-z]+(?=:)/i.exec(url)?.[0].toLowerCase()
  if (scheme === 'file' && url.length > 'file:'.length) return parseSqliteUrl(url)
  if ((scheme === 'postgres' || scheme === 'postgresql') && url.startsWith('://', scheme.length))
    return parsePostgresUrl(url)
  throw new UrlProblem(misunderstanding(url))
}

/** Schemes that a sentence may repeat. In a text that is no URL, what stands before a colon may be a password. */
const KNOWN_SCHEMES =
  /^(jdbc|postgres|postgresql|mysql|mariadb|mongodb|mongodb\+srv|sqlite|sqlite3|libsql|sqlserver|cockroachdb|redis|prisma|http|https|file):/i

function misunderstanding(url: string): string {
  if (/^psql\b/i.test(url))
    return '`DATABASE_URL` is a psql command. Keep only the URL in it: postgres://USER:PASSWORD@HOST:PORT/DATABASE.'
  if (/^(export\s+)?DATABASE_URL\s*=/i.test(url))
    return '`DATABASE_URL` begins with its own name. Keep only what follows the =.'
  if (/^jdbc:/i.test(url))
    return '`DATABASE_URL` is a JDBC address. Write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE.'
  if (/^postgres(ql)?\+\w+:/i.test(url))
    return '`DATABASE_URL` names a driver after the +. Write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE.'
  if (/^\w+\s*=/.test(url))
    return '`DATABASE_URL` is a list of keywords. Write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE.'
  const scheme = KNOWN_SCHEMES.exec(url)?.[0]
  return `Expected \`DATABASE_URL\` to be file:PATH for SQLite or postgres://USER:PASSWORD@HOST:PORT/DATABASE for Postgres, got ${url.length} characters${
    scheme === undefined ? '' : `, beginning with "${scheme.toLowerCase()}"`
  }.`
}
