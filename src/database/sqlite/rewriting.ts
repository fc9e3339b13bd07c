import type { Rewriting } from '../rewriting.ts'
import { raw, sql } from '../sql.ts'

export const sqliteRewriting: Rewriting = {
  // A transaction has the writer for itself.
  tryRewriteTerms: () => sql`SELECT TRUE AS free`,

  rewriteTerms: (table, logs) => {
    const rows = logs.map(({ userId, createdAt, id, terms }) => [userId, createdAt, id, terms])
    return [
      sql`UPDATE ${raw(table.name)} SET terms = r.value ->> 3
        FROM json_each(${JSON.stringify(rows)}) AS r
        WHERE user_id = r.value ->> 0 AND created_at = r.value ->> 1 AND ${raw(table.name)}.id = r.value ->> 2
          AND terms IS NOT r.value ->> 3`,
    ]
  },
}
