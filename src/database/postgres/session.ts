import type { Pool } from 'pg'
import { DatabaseOpenError } from '../open-error.ts'
import { PLANNING } from './planning.ts'

/**
 * What the meaning of a statement, or the text of its result, depends on. A role or a database may have other values by
 * ALTER ROLE or ALTER DATABASE; those that come with a connection take precedence.
 */
const MEANING = {
  datestyle: 'ISO, MDY',
  timezone: 'UTC',
  intervalstyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
  gin_fuzzy_search_limit: '0',
  default_transaction_isolation: 'read committed',
} as const

/** Other values that mean the same, of settings that administrators like to change. */
const SAME: Readonly<Record<string, RegExp>> = {
  datestyle: /^ISO\b/,
  timezone: /^(Etc\/)?(UTC|UCT|GMT|Zulu|Universal|Greenwich)$/i,
  extra_float_digits: /^[1-3]$/,
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** The schema alone, and after it, not before it as by default, temporary tables. */
export const searchPath = (schema: string): string => `${quoted(schema)}, pg_temp`

/** What a connection sends when it begins; see "options" in the documentation of libpq. */
export function sessionOptions(schema: string): string {
  const settings = { search_path: searchPath(schema), client_encoding: 'UTF8', ...MEANING, ...PLANNING }
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\s\\]/g, String.raw`\$&`)}`)
    .join(' ')
}

/**
 * Makes sure that a connection has the settings of {@link sessionOptions} that change answers: a pooler may drop them.
 * @throws {DatabaseOpenError} with the statements that give them to the role
 */
export async function checkSession(pool: Pool, schema: string): Promise<void> {
  const wanted = { search_path: searchPath(schema), ...MEANING }
  const { rows } = await pool.query<{ name: string; value: string; role: string }>(
    'SELECT name, current_setting(name) AS value, current_user AS role FROM unnest($1::text[]) AS name',
    [Object.keys(wanted)],
  )
  const found = new Map(rows.map(({ name, value }) => [name, value]))
  const lost = Object.entries(wanted).filter(([name, value]) => !isSame(name, value, found.get(name) ?? ''))
  if (lost.length === 0) return
  const statements = lost.map(
    ([name, value]) =>
      `ALTER ROLE ${quoted(rows[0]?.role ?? '')} SET ${name} = ${name === 'search_path' ? value : `'${value}'`}`,
  )
  throw new DatabaseOpenError(
    `This connection to Postgres does not have the settings that connlog sent, as behind a pooler that ignores them. Give them to the role: ${statements.join('; ')}.`,
  )
}

function isSame(name: string, wanted: string, found: string): boolean {
  if (name === 'search_path') return namesIn(found).join('\0') === namesIn(wanted).join('\0')
  return SAME[name]?.test(found) ?? found === wanted
}

/** The names in a list such as `"A b", pg_temp`. */
const namesIn = (list: string): string[] =>
  [...list.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map(
    ([, inQuotes, plain]) => inQuotes?.replaceAll('""', '"') ?? (plain ?? '').toLowerCase(),
  )
