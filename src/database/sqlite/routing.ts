/** The first word of a statement in capitals, past white space and comments; empty if it starts with no word. */
export function leadingKeyword(sql: string): string {
  const found = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/)*([a-z]+)/i.exec(sql)
  return found?.[1]?.toUpperCase() ?? ''
}

const MAX_REMEMBERED_WRITES = 200

/** Where a statement may run: `reader` never writes; `reader-first` may turn out to be a write. */
export type Route = 'reader' | 'reader-first' | 'writer'

export interface Router {
  readonly route: (sql: string) => Route
  /** The reader refused this statement: from now on its route is the writer. */
  readonly rememberWrite: (sql: string) => void
}

/**
 * Tells by its text whether a statement can leave the writer alone. SELECT and EXPLAIN never write. WITH may stand
 * before either, and the driver does not tell which; but the reader is `query_only`, and there a statement that
 * writes fails before its first row, even if it would change nothing. So WITH is tried on the reader, once.
 */
export function createRouter(): Router {
  const writes = new Set<string>()
  return {
    route: (sql) => {
      const keyword = leadingKeyword(sql)
      if (keyword === 'SELECT' || keyword === 'EXPLAIN') return 'reader'
      return keyword === 'WITH' && !writes.has(sql) ? 'reader-first' : 'writer'
    },
    rememberWrite: (sql) => {
      if (writes.size >= MAX_REMEMBERED_WRITES) writes.clear()
      writes.add(sql)
    },
  }
}
