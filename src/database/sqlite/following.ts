import type { LogTable } from '../dialect.ts'
import type { FollowRequest, Following } from '../following.ts'
import { type Sql, empty, raw, sql } from '../sql.ts'

/** Logs that a statement looks at, at most: it holds up the process while it lasts, some milliseconds. */
const STEP = 2_000n

/** One writer at a time numbers the logs in the order of their commits, and uses no number twice. */
const endsOf = (table: LogTable) => sql`
  SELECT CAST(head AS text) AS settled, CAST(head AS text) AS head
  FROM (SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = ${table.name}), 0) + 1 AS head)`

/** @param object a row of a table as a JSON object with these members besides */
export const followingBy = (object: (table: LogTable, more: string) => Sql): Following => ({
  feedState: (table) => sql`SELECT settled, head, '[]' AS open, '' AS lineage FROM (${endsOf(table)})`,

  feedEnds: endsOf,

  follow: ({ table, users, after: { position, id, userId }, before, limit }: FollowRequest) => {
    const through = before < position + STEP ? before : position + STEP
    // The unary plus keeps the index of a user's logs out, by which all of them would be read.
    const ofUsers = users
      ? sql`AND +user_id IN (SELECT value FROM json_each(${JSON.stringify(users)}))`
      : empty
    const rows = sql`
      SELECT * FROM ${raw(table.name)}
      WHERE position >= ${position} AND position < ${through} ${ofUsers}
        AND (position > ${position} OR (id, user_id) > (${id}, ${userId}))
      ORDER BY position LIMIT ${limit}`
    return sql`
      SELECT (SELECT json_group_array(${object(table, ", 'position', CAST(position AS text)")}) FROM (${rows})) AS logs,
        CAST(${through} AS text) AS through`
  },
})
