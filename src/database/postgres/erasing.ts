import { erasedColumns } from '../count-table.ts'
import type { Column } from '../dialect.ts'
import type { Erasing } from '../erasing.ts'
import { raw, sql } from '../sql.ts'

/**
 * Rows are locked in the order of their keys, which is that of writers and of other erasures, so that none waits for
 * another in a ring.
 * @param selected how a column is read
 */
export function erasingBy(selected: (column: Column, of: string) => string): Erasing {
  return {
    deleteMatching: (table, where, limit) => {
      const logs = raw(table.name)
      const returned = erasedColumns(table).map((column) => selected(column, 'l.'))
      return sql`
        DELETE FROM ${logs} AS l
        USING (
          SELECT user_id, created_at, id FROM ${logs} WHERE ${where}
          ORDER BY user_id, created_at, id LIMIT ${limit} FOR UPDATE
        ) AS d
        WHERE l.user_id = d.user_id AND l.created_at = d.created_at AND l.id = d.id
        RETURNING ${raw(returned.join(', '))}`
    },

    forgetNames: (table, names) => {
      const rows = names.map(({ userId, eventId, logId }) => ({
        user_id: userId,
        event_id: eventId,
        log_id: logId,
      }))
      const named = sql`json_to_recordset(${JSON.stringify(rows)}::json) AS n(user_id text, event_id text, log_id text)`
      const isNamed = sql`e.user_id = n.user_id AND e.event_id = n.event_id AND e.log_id = n.log_id`
      const eventIds = raw(table.eventIds)
      return [
        sql`SELECT 1 FROM ${eventIds} AS e JOIN ${named} ON ${isNamed} ORDER BY e.user_id, e.event_id, e.day FOR UPDATE OF e`,
        sql`DELETE FROM ${eventIds} AS e USING ${named} WHERE ${isNamed}`,
      ]
    },

    forgetOrphans: (table, userId, limit) => {
      const eventIds = raw(table.eventIds)
      const orphans = sql`
        SELECT e.user_id, e.event_id, e.day, e.log_id FROM ${eventIds} AS e
        WHERE e.user_id = ${userId} AND NOT EXISTS (
          SELECT 1 FROM ${raw(table.name)} AS l
          WHERE l.user_id = e.user_id AND l.created_at = e.created_at AND l.id = e.log_id
        ) ORDER BY e.user_id, e.event_id, e.day LIMIT ${limit}`
      return [
        sql`SELECT 1 FROM (${orphans} FOR UPDATE OF e) AS locked`,
        // By the log as well: a writer may have taken the name for a new log while this waited for the lock.
        sql`
          WITH orphans AS MATERIALIZED (${orphans})
          DELETE FROM ${eventIds} AS e USING orphans AS o
          WHERE e.user_id = o.user_id AND e.event_id = o.event_id AND e.day = o.day AND e.log_id = o.log_id`,
      ]
    },
  }
}
