import type { Rewriting } from '../rewriting.ts'
import { raw, sql } from '../sql.ts'
import { instants, rowsOf, texts } from './arrays.ts'
import { isOwn } from './following.ts'
import { TERMS_LOCK } from './locks.ts'

export const postgresRewriting: Rewriting = {
  tryRewriteTerms: () => sql`SELECT pg_try_advisory_xact_lock(${raw(TERMS_LOCK)}) AS free`,

  rewriteTerms: (table, logs) => {
    const rows = rowsOf('r', {
      user_id: texts(logs.map(({ userId }) => userId)),
      created_at: instants(logs.map(({ createdAt }) => createdAt)),
      id: texts(logs.map(({ id }) => id)),
      terms: texts(logs.map(({ terms }) => terms)),
    })
    const isMeant = sql`l.user_id = r.user_id AND l.created_at = r.created_at AND l.id = r.id`
    return [
      // In the order of those who erase, so that neither waits for the other.
      sql`SELECT 1 FROM ${raw(table.name)} AS l JOIN ${rows} ON ${isMeant}
        ORDER BY l.user_id, l.created_at, l.id FOR UPDATE OF l`,
      sql`UPDATE ${raw(table.name)} AS l SET terms = r.terms,
          rewritten_by = CASE WHEN ${isOwn('l.')} THEN pg_current_xact_id()::text::bigint ELSE l.rewritten_by END
        FROM ${rows} WHERE ${isMeant} AND l.terms IS DISTINCT FROM r.terms`,
    ]
  },
}
