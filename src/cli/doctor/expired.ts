import type { Config } from '../../config/config.ts'
import type { LogTable } from '../../database/dialect.ts'
import { type Finding, ok, wrong } from '../../database/finding.ts'
import type { Database } from '../../database/port.ts'
import { raw, sql } from '../../database/sql.ts'
import { type Clock, HOUR_MS, MINUTE_MS, dayOf } from '../../kernel/clock.ts'
import { count } from '../terminal.ts'

/** What has expired goes within a round of cleaning up. An hour, or two rounds where that is more, is late. */
export async function lookAtExpired(
  { query, dialect }: Pick<Database, 'query' | 'dialect'>,
  table: LogTable,
  { retentionMs, cleanupIntervalMs }: Config,
  clock: Clock,
): Promise<Finding[]> {
  const graceMs = Math.max(HOUR_MS, 2 * cleanupIntervalMs)
  const throughMs = clock.now() - retentionMs - graceMs
  const numberOf = async (statement: Parameters<typeof query>[0]) =>
    Number(Object.values((await query<Record<string, number | bigint>>(statement))[0] ?? {})[0])
  const logs = await numberOf(dialect.countExpired(table, throughMs))
  const eventIds = await numberOf(
    sql`SELECT count(*) AS expired FROM ${raw(table.eventIds)} WHERE day < ${dayOf(throughMs)}`,
  )
  const grace = `more than ${count(graceMs / MINUTE_MS)} minutes ago`
  if (logs === 0 && eventIds === 0) return [ok(`expiry: nothing is left that expired ${grace}`)]
  return [
    wrong(
      `expiry: ${count(logs)} logs and ${count(eventIds)} event ids are left that expired ${grace}`,
      'They are not shown, but they are there. A service deletes them: is one running, and does its log tell of failures? `connlog cleanup` deletes them now.',
    ),
  ]
}
