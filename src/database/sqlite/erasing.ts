import { erasedColumns } from '../count-table.ts'
import type { Erasing } from '../erasing.ts'
import { raw, sql } from '../sql.ts'

export const sqliteErasing: Erasing = {
  deleteMatching: (table, where, limit) => {
    const logs = raw(table.name)
    const returned = erasedColumns(table)
      // An expression, so that an instant comes back as the number it is.
      .map(({ name, property, type }) => `${name}${type === 'instant' ? ' + 0' : ''} AS "${property}"`)
    return sql`
      DELETE FROM ${logs} WHERE position IN (
        SELECT position FROM ${logs} WHERE ${where} ORDER BY user_id, created_at, id LIMIT ${limit}
      ) RETURNING ${raw(returned.join(', '))}`
  },

  forgetNames: (table, names) => {
    const eventIds = raw(table.eventIds)
    const rows = names.map(({ userId, eventId, logId }) => [userId, eventId, logId])
    return [
      sql`
        DELETE FROM ${eventIds} WHERE rowid IN (
          SELECT e.rowid FROM json_each(${JSON.stringify(rows)}) AS n
          CROSS JOIN ${eventIds} AS e ON e.user_id = n.value ->> 0 AND e.event_id = n.value ->> 1
          WHERE e.log_id = n.value ->> 2
        )`,
    ]
  },

  forgetOrphans: (table, userId, limit) => {
    const eventIds = raw(table.eventIds)
    return [
      sql`
        DELETE FROM ${eventIds} WHERE rowid IN (
          SELECT e.rowid FROM ${eventIds} AS e
          WHERE e.user_id = ${userId} AND NOT EXISTS (
            SELECT 1 FROM ${raw(table.name)} AS l
            WHERE l.user_id = e.user_id AND l.created_at = e.created_at AND l.id = e.log_id
          ) LIMIT ${limit}
        )`,
    ]
  },
}
