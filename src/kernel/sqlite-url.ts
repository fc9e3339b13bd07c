import { fileURLToPath } from 'node:url'
import { UrlProblem } from './url-problem.ts'

/** A database that lives and ends with its process. */
export const IN_MEMORY = ':memory:'

export interface SqliteAddress {
  readonly type: 'sqlite'
  /** Of the file, as it was given; or {@link IN_MEMORY}. */
  readonly path: string
  /** For sentences. */
  readonly display: string
}

/** @param url begins with `file:` */
export function parseSqliteUrl(url: string): SqliteAddress {
  const rest = url.slice('file:'.length)
  const path = rest.startsWith('//') ? pathOfUrl(url) : plainPath(rest)
  if (path.includes('\0')) throw new UrlProblem('The path in `DATABASE_URL` contains U+0000.')
  return { type: 'sqlite', path, display: path }
}

function plainPath(rest: string): string {
  refuseParameters(rest)
  if (/^(~|\$\w|\$\{|%\w+%)/.test(rest))
    throw new UrlProblem(
      'The path in `DATABASE_URL` begins with ~ or a variable, which only a shell replaces. Write the whole path, such as file:/home/me/connlog.db.',
    )
  refuseFolder(rest)
  return rest
}

function pathOfUrl(url: string): string {
  if (!/^file:\/\/(localhost)?\//i.test(url))
    throw new UrlProblem(
      '`DATABASE_URL` has a host name after file://. Write file:./connlog.db for a path in the working directory, or file:///var/lib/connlog.db for an absolute one.',
    )
  refuseParameters(url)
  if (url.includes('#'))
    throw new UrlProblem('The path in `DATABASE_URL` contains a #, which begins a fragment. Write it as %23.')
  refuseFolder(url)
  try {
    return fileURLToPath(url)
  } catch {
    throw new UrlProblem(
      'The path in `DATABASE_URL` has a % that is not followed by the two hexadecimal digits of a character. Write %25 for a % sign, or leave out the two slashes after file:.',
    )
  }
}

function refuseParameters(text: string): void {
  const at = text.indexOf('?')
  if (at < 0) return
  const name = /^[a-z_]{1,40}(?==)/i.exec(text.slice(at + 1))?.[0]
  throw new UrlProblem(
    `\`DATABASE_URL\` has ${name === undefined ? 'a parameter' : `the parameter "${name}"`} after ?, and an SQLite file takes none. Remove it. (In the name of a file ? is written %3F, after file:///.)`,
  )
}

function refuseFolder(text: string): void {
  if (text.endsWith('/'))
    throw new UrlProblem('The path in `DATABASE_URL` ends with a slash. Expected the path of a file.')
}
