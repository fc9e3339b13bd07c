import type { Database, Queryable, Transaction } from '../../src/database/port.ts'
import { Sql } from '../../src/database/sql.ts'

/** Puts something between a running service and its database: `look` is given every statement, and says what is run. */
export function intercept(database: Database, look: (statement: Sql) => Sql): void {
  const between = ({ query, execute }: Queryable): Queryable => ({
    query: async (statement) => query(look(statement)),
    execute: async (statement) => execute(look(statement)),
  })
  const { transaction, writing } = database
  Object.assign(database, between(database), {
    transaction: (work: (tx: Transaction) => Promise<unknown>) =>
      transaction((tx) => work({ ...tx, ...between(tx) })),
    writing: (work: (tx: Queryable) => Promise<unknown>) => writing((tx) => work(between(tx))),
  })
}

/** Tables whose every row is of one tenant, where rows of them are read or written: not as the owner of a column. */
const TENANT_TABLES = /\bconnection_log(?:s|_event_ids|_counts|_count_deltas)\b(?!\.)/g

/** What need not bind it, both of SQLite. */
const HARMLESS = [
  // Rows by the keys that a part of the same statement has found, which binds it.
  'FROM connection_logs WHERE position IN (SELECT position FROM keys)',
  // Up to where logs are stored now; a number that nobody is told.
  'SELECT CAST(coalesce(max(position), 0) AS text) AS snapshot FROM connection_logs',
]

/**
 * What is wrong with a statement that is run for one tenant, in a sentence: each time it names a table of the tenants'
 * it has to bind the tenant or to be joined by user to one that does, and it may bind no other.
 * @param others users that exist and are not to be reached
 */
export function unbound(statement: Sql, tenant: string, others: readonly string[]): string | undefined {
  const { mentions, wanted } = tablesIn(statement.sql)
  if (mentions === 0) return undefined
  const stranger = others.find((other) => bound(statement.values, other) > 0)
  if (stranger !== undefined) return `binds ${stranger}: ${statement.sql}`
  const found = bound(statement.values, tenant)
  return found >= wanted
    ? undefined
    : `names tables of the tenants' ${mentions} times and binds the tenant ${found} times: ${statement.sql}`
}

const known = new Map<string, { readonly mentions: number; readonly wanted: number }>()

/** How often a statement names tables of the tenants', and how often it has to bind the tenant for that. */
function tablesIn(text: string) {
  const found = known.get(text)
  if (found) return found
  const telling = HARMLESS.reduce((rest, part) => rest.replaceAll(part, ''), text)
  const mentions = [...telling.matchAll(TENANT_TABLES)].length
  const joined = [...text.matchAll(/\buser_id = \w+\.user_id\b/g)].length
  // Rows that are written come with their tenant, in one value for all of them.
  const isWrite = /^\s*(INSERT|DELETE|UPDATE|WITH noted AS)/i.test(text)
  const counted = { mentions, wanted: isWrite ? 1 : Math.max(1, mentions - joined) }
  known.set(text, counted)
  return counted
}

/** How many values are a text, or hold it: lists, lists as JSON, be it as text or as bytes, and Postgres' own arrays. */
const bound = (values: readonly unknown[], text: string): number =>
  values.filter((value) => {
    if (Array.isArray(value)) return bound(value, text) > 0
    if (value instanceof Uint8Array) return holds(Buffer.from(value), text)
    return (
      typeof value === 'string' && (value === text || (isJson(value) && value.includes(JSON.stringify(text))))
    )
  }).length

const isJson = (text: string) => /^[[{]/.test(text)

function holds(bytes: Buffer, text: string): boolean {
  const json = bytes.toString()
  if (isJson(json)) return json.includes(JSON.stringify(text))
  // In an array each element comes after its length.
  const element = Buffer.from(`    ${text}`)
  element.writeInt32BE(element.length - 4)
  return bytes.includes(element)
}

/** The same statement without its condition on the tenant: what a store would ask that had forgotten it. */
export function withoutTenant(statement: Sql): Sql {
  const strings = [...statement.strings]
  const values = [...statement.values]
  for (let index = values.length - 1; index >= 0; index -= 1) {
    const before = strings[index] ?? ''
    if (!/\buser_id = $/.test(before)) continue
    const column = /[\w.]*user_id(?= = $)/.exec(before)?.[0] ?? ''
    strings.splice(index, 2, `${before}${column}${strings[index + 1] ?? ''}`)
    values.splice(index, 1)
  }
  return new Sql(strings, values)
}
