import type { Pool } from 'pg'
import { type Load, MAX_COUNTED_NOTES } from '../load.ts'
import { translateFailure } from '../failures.ts'
import { partitionsOf } from './storage.ts'

export function createLoad(pool: Pool, poolSize: number): Load {
  return {
    system: 'postgresql',

    pool: () => ({
      max: poolSize,
      busy: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),

    backlog: async (table, today) => {
      try {
        const { rows } = await pool.query<{ notes: number }>(
          `SELECT count(*)::int AS notes FROM (SELECT FROM "${table.counts.deltas}" LIMIT ${MAX_COUNTED_NOTES}) AS d`,
        )
        const days = new Set((await partitionsOf(pool, [table.name])).map(({ day }) => day))
        let daysAhead = 0
        while (days.has(today + daysAhead + 1)) daysAhead += 1
        return { notes: rows[0]?.notes ?? 0, daysAhead }
      } catch (error) {
        throw translateFailure(error)
      }
    },
  }
}
