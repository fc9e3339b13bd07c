import { MINUTE_MS } from '../../kernel/clock.ts'
import type { Queryable, SharedAllowances } from '../port.ts'
import { sql } from '../sql.ts'

/** A full bucket, and a debt of two minutes' worth. */
const MOST_OWED_MS = 3 * MINUTE_MS

/** Longer than it takes until nothing is owed. */
const FORGOTTEN_AFTER_MS = 5 * MINUTE_MS

/** Now, by one clock for all processes; read when it is needed, which is after the row's lock is had. */
const NOW_MS = sql`(extract(epoch from clock_timestamp()) * 1000)::bigint`

/** A row a key. Its table is not written to the log of the database: after a crash, all keys have their whole limit. */
export function createAllowances(database: Queryable): SharedAllowances {
  return {
    spend: async ({ keyId, owed, perMinute }) => {
      const most = MOST_OWED_MS * perMinute
      const [row] = await database.query<{ owed: bigint }>(sql`
        INSERT INTO rate_limits AS r (key_id, owed, at_ms) VALUES (${keyId}, least(${owed}::bigint, ${most}::bigint), ${NOW_MS})
        ON CONFLICT (key_id) DO UPDATE SET
          owed = least(${most}::bigint, excluded.owed + greatest(0, r.owed - greatest(0, ${NOW_MS} - r.at_ms) * ${perMinute}::bigint)),
          at_ms = ${NOW_MS}
        RETURNING owed`)
      const total = Number(row?.owed)
      if (!Number.isFinite(total)) throw new TypeError('the database did not say what a key owes')
      return total
    },
    forget: async () => {
      await database.execute(sql`DELETE FROM rate_limits WHERE at_ms < ${NOW_MS} - ${FORGOTTEN_AFTER_MS}`)
    },
  }
}
