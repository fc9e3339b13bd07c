import type { Pool, PoolClient } from 'pg'
import type { Clock } from '../../kernel/clock.ts'
import type { LogTable } from '../dialect.ts'
import type { Eraser } from '../erasing.ts'
import type { Database, Storage } from '../port.ts'
import { raw, sql } from '../sql.ts'
import { forgetStatistics } from './statistics.ts'
import { PARTITION_LOCK } from './locks.ts'

const TRIES = 5
const PAUSE_MS = 1_000

/** Erasing from Postgres: counts are kept by whoever holds the lock of partitions, and VACUUM gives back the space. */
export function createEraser(
  pool: Pool,
  { transaction, storage, clock }: Pick<Database, 'transaction'> & { storage: Storage; clock: Clock },
): Eraser {
  /** Nobody merges counts meanwhile, nor makes or drops partitions. */
  const alone = (work: Parameters<typeof transaction<void>>[0]) =>
    transaction(async (tx) => {
      await tx.execute(sql`SELECT pg_advisory_xact_lock(${raw(PARTITION_LOCK)})`)
      await work(tx)
    })

  /** @returns how many deleted rows had to be left */
  const vacuum = (table: LogTable) =>
    maintaining(pool, async (client) => {
      await forgetStatistics(client, table)
      // Lest what this session has deleted be counted once VACUUM has reported what is left.
      await client.query('SELECT pg_stat_force_next_flush()')
      const tables = [
        table.name,
        table.eventIds,
        table.counts.name,
        table.counts.deltas,
        'api_keys',
        'audit_log',
      ]
      // What the statistics of the planner remember is replaced too. Indexes are cleaned however little has gone.
      await client.query(`VACUUM (INDEX_CLEANUP ON, ANALYZE) ${tables.map((name) => `"${name}"`).join(', ')}`)
      const dead = await deadRows(client, table)
      // As far as this role may; Postgres only warns where it may not.
      await client.query('VACUUM pg_catalog.pg_statistic')
      return dead
    })

  return {
    transaction,

    clearCounts: async (table, userId) => {
      while (await storage.mergeCounts(table, { wait: true })) await clock.sleep(0)
      const { counts, name } = table
      const zeros = ['total', ...counts.cells.map((cell) => cell.name)].map((cell) => `${cell} = 0`)
      await alone(async (tx) => {
        await tx.execute(sql`DELETE FROM ${raw(counts.name)} WHERE ${raw(zeros.join(' AND '))}`)
      })
      if (userId === undefined) return
      // Notes are merged by nobody else meanwhile; so without logs and notes whatever is counted is wrong.
      await alone(async (tx) => {
        await tx.execute(sql`
          DELETE FROM ${raw(counts.name)} WHERE user_id = ${userId} AND NOT everyone
            AND NOT EXISTS (SELECT 1 FROM ${raw(name)} WHERE user_id = ${userId})
            AND NOT EXISTS (SELECT 1 FROM ${raw(counts.deltas)} WHERE user_id = ${userId})`)
      })
    },

    scrub: async (table) => {
      for (let tries = 1; ; tries += 1) {
        if ((await vacuum(table)) === 0) return { scrubbed: true, remark: REMAINS }
        if (tries === TRIES) return { scrubbed: false, remark: STILL_SEEN }
        await clock.sleep(PAUSE_MS)
      }
    },
  }
}

const REMAINS =
  "No query reads them any more. Their bytes stay in Postgres' files until the space is used again, those of a day at most until the day has expired; and in write-ahead logs and backups until those are gone."
const STILL_SEEN =
  'Deleted rows still stand in the tables, because a transaction that began before they were deleted may see them. End it, and run the same again or VACUUM. After an upgrade, wait until the search terms of stored logs are rewritten.'

/** Deleted rows that the last VACUUM had to leave, of the tables in which only an upgrade changes rows. */
async function deadRows(client: PoolClient, { name, eventIds }: LogTable): Promise<number> {
  const { rows } = await client.query<{ dead: string }>(
    `SELECT coalesce(sum(pg_stat_get_dead_tuples(i.inhrelid)), 0) AS dead FROM pg_inherits i
     WHERE i.inhparent IN ('${name}'::regclass, '${eventIds}'::regclass)`,
  )
  return Number(rows[0]?.dead)
}

/** A connection for statements that take as long as they take. */
async function maintaining<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('SET statement_timeout = 0')
    return await work(client)
  } finally {
    // With its settings.
    client.release(true)
  }
}
