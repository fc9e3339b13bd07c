import type { LogTable } from '../dialect.ts'
import type { FollowRequest, Following } from '../following.ts'
import { type Sql, empty, raw, sql } from '../sql.ts'

/**
 * The position is the transaction that stored the log. Transactions do not commit in the order of their numbers, so
 * only what is below the oldest one that is still under way (in the whole cluster, whatever its database) is settled.
 */
const ENDS = sql`
  SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS settled, pg_snapshot_xmax(pg_current_snapshot())::text AS head`

/**
 * Whether this server recorded a log. One that came with a dump has the position of another server, and was there before
 * anybody followed; its xmin (the lower half of the transaction that wrote the row) is another one.
 */
export const isOwn = (of = '') =>
  raw(`${of}xmin::text::bigint = (coalesce(${of}rewritten_by, ${of}position) & 4294967295)`)

/**
 * Whose logs, as the index over positions has it and no other: the planner would take the index of a user's logs, where
 * users have few on average, and read all logs of one who has many.
 */
const ofUsers = (users: readonly string[]): Sql => sql`AND (user_id || '') = ANY(${users}::text[])`

/** @param selection the readable columns of a table under their properties */
export const followingBy = (selection: (table: LogTable) => Sql): Following => ({
  feedState: () => sql`${ENDS},
      (SELECT coalesce(json_agg(x::text), '[]')::text FROM pg_snapshot_xip(pg_current_snapshot()) AS x) AS open,
      (SELECT system_identifier::text FROM pg_control_system()) AS lineage`,

  feedEnds: () => ENDS,

  // What is settled must not be asked for in here. A statement knows the partitions that there were when it was planned,
  // and sees what was committed when it began to run: a day that is made and written to between would be passed over.
  follow: ({ table, users, after: { position, id, userId }, before, limit }: FollowRequest) => {
    const from = sql`${String(position)}::bigint`
    const through = String(before)
    return sql`
      SELECT (
        SELECT coalesce(json_agg(r), '[]')::text FROM (
          SELECT ${selection(table)}, position::text AS position FROM ${raw(table.name)}
          WHERE position >= ${from} AND position < ${through}::bigint ${users ? ofUsers(users) : empty}
            AND (position > ${from} OR (id, user_id) > (${id}, ${userId})) AND ${isOwn()}
          ORDER BY ${raw(table.name)}.position, id, user_id LIMIT ${limit}
        ) AS r
      ) AS logs, ${through}::text AS through`
  },
})
