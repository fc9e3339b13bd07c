import { LRUCache } from 'lru-cache'

/** A statement is named once it has come this often; what comes once is not worth keeping. */
const WORTH_A_NAME = 3

/** Most statements that have a name. Each connection keeps all of them prepared, so there must be an end. */
const MAX_NAMES = 300

const MAX_REMEMBERED = 500

/**
 * Names for the statements that come again and again, so that Postgres parses and plans them once a connection.
 * @returns a function from a statement to its name; empty for one that is to be sent as it is
 */
export function createStatementNames(): (statement: { readonly sql: string }) => string {
  const names = new Map<string, string>()
  const seen = new LRUCache<string, number>({ max: MAX_REMEMBERED })
  return ({ sql }) => {
    const name = names.get(sql)
    if (name !== undefined) return name
    const times = (seen.get(sql) ?? 0) + 1
    if (times < WORTH_A_NAME || names.size >= MAX_NAMES) {
      seen.set(sql, times)
      return ''
    }
    seen.delete(sql)
    names.set(sql, `connlog_${names.size + 1}`)
    return names.get(sql) ?? ''
  }
}
