import type { Pool, PoolClient } from 'pg'
import { type Clock, DAY_MS } from '../../kernel/clock.ts'
import { DAY } from '../count-table.ts'
import type { LogTable } from '../dialect.ts'
import { sqlState } from '../failures.ts'
import type { Storage } from '../port.ts'
import type { Timeouts } from '../timeouts.ts'
import { CLEANUP_LOCK, PARTITION_LOCK } from './locks.ts'
import { mergeCounts } from './merge-counts.ts'
import { inTransaction } from './transactions.ts'

/** check_violation: what Postgres says of a row that fits no partition. No table of ours has other checks. */
const NO_PARTITION = '23514'

/** How long cleaning up waits for partitions to be made and counts to be merged, in milliseconds. */
const PARTITION_LOCK_TIMEOUT_MS = 5_000

/** Pages of counts keep room, so that a count which changes stays on its page and no index has to change with it. */
const COUNTS_FILL_PERCENT = 70

/** Least and most notes that are merged in one transaction. */
const LEAST_MERGED = 1_000
const MOST_MERGED = 80_000

/** How long merging may keep those waiting who make or drop partitions, in milliseconds, as far as that can be known. */
const MERGE_MS = 1_500

/** How long a DROP may hold up new readers while it waits for old ones, in milliseconds. */
const DROP_LOCK_TIMEOUT_MS = 100

/**
 * Daily partitions: made before the first write to a day, dropped whole once their day has expired. Making one takes
 * no lock that a reader or writer would notice (a table is made on the side and attached).
 */
export function createPartitions(
  pool: Pool,
  { clock, statementMs }: { readonly clock: Clock } & Pick<Timeouts, 'statementMs'>,
): Storage {
  const prepared = new Set<string>()
  // The server that comes back may be another one, or an older state of it, which lacks what was made since.
  pool.on('connect', (connection) => connection.on('error', () => prepared.clear()))

  const prepareDay = (table: LogTable, day: number) =>
    inTransaction(pool, async (client) => {
      await lock(client)
      const existing = await partitionsOf(client, [table.name, table.eventIds, table.counts.name])
      for (const parent of [table.name, table.eventIds, table.counts.name]) {
        const name = partitionName(parent, day)
        if (existing.some((partition) => partition.name === name)) continue
        const room = parent === table.counts.name ? ` WITH (fillfactor = ${COUNTS_FILL_PERCENT})` : ''
        await client.query(`CREATE TABLE "${name}" (LIKE "${parent}" INCLUDING ALL)${room}`)
        await client.query(
          `ALTER TABLE "${parent}" ATTACH PARTITION "${name}" FOR VALUES ${boundsOf(table, parent, day)}`,
        )
      }
    })

  /** Those who need the same day at once wait for one of them, and not for each other's connections. */
  const preparing = new Map<string, Promise<void>>()

  const prepare: Storage['prepare'] = async (table, days) => {
    for (const day of days) {
      const key = partitionName(table.name, day)
      if (prepared.has(key)) continue
      const made = preparing.get(key) ?? prepareDay(table, day).finally(() => void preparing.delete(key))
      preparing.set(key, made)
      await made
      prepared.add(key)
    }
  }

  const longestMergeMs = Math.min(MERGE_MS, statementMs / 4)
  let mergedAtOnce = MOST_MERGED / 4

  /** Takes as many notes as can be merged in time. @returns whether there may be more; others may go on writing for ever */
  async function mergeSome(client: PoolClient, { counts }: LogTable): Promise<boolean> {
    const limit = mergedAtOnce
    const startMs = clock.steadyMs()
    // If this one takes too long, and is given up.
    mergedAtOnce = Math.max(LEAST_MERGED, Math.round(limit / 4))
    const taken = await mergeCounts(client, counts, limit)
    const tookMs = clock.steadyMs() - startMs
    const fitting = (taken * longestMergeMs) / Math.max(1, tookMs)
    mergedAtOnce =
      taken === limit || tookMs > longestMergeMs
        ? Math.round(Math.min(MOST_MERGED, Math.max(LEAST_MERGED, fitting)))
        : limit
    return taken === limit
  }

  return {
    prepare,

    lacksPart: (error) => {
      if (sqlState(error) !== NO_PARTITION) return false
      prepared.clear()
      return true
    },

    mergeCounts: async (table, { wait = false } = {}) => {
      const { rows } = await pool.query<{ day: number }>(
        `SELECT DISTINCT start / ${DAY} AS day FROM "${table.counts.deltas}"`,
      )
      if (rows.length === 0) return false
      await prepare(
        table,
        rows.map(({ day }) => day),
      )
      // Neither beside another merge nor beside the making and dropping of partitions.
      return inTransaction(pool, async (client) =>
        (await (wait ? lock(client) : tryLock(client, PARTITION_LOCK))) ? mergeSome(client, table) : false,
      )
    },

    dropExpired: async (table, { logsThroughMs, eventIdsBeforeDay }) => {
      const partitions = await partitionsOf(pool, [table.counts.name, table.name, table.eventIds])
      const of = (parent: string, isMeant: (day: number) => boolean) =>
        partitions.filter((partition) => partition.parent === parent && isMeant(partition.day))
      // An event id may outlive its log, and no log its event id.
      const expired = [
        ...of(table.name, (day) => (day + 1) * DAY_MS - 1 <= logsThroughMs),
        ...of(table.eventIds, (day) => day < eventIdsBeforeDay),
      ]
      const inUse: string[] = []
      let logs = 0
      for (const partition of expired) {
        const { parent, name, day } = partition
        const dropped =
          parent === table.name
            ? // A day that was made before there were counts, and never written to, has none.
              await dropLogs(table, day, [...of(table.counts.name, (other) => other === day), partition])
            : await drop([partition], async () => 0)
        if (dropped === 'elsewhere') return { logs, inUse, isElsewhere: true }
        if (dropped === 'in use') inUse.push(name)
        else {
          logs += dropped
          prepared.delete(partitionName(table.name, day))
        }
      }
      return { logs, inUse, isElsewhere: false }
    },
  }

  /** Drops the logs of a day and their counts. @returns how many logs there were, or why nothing was dropped */
  async function dropLogs(
    { counts }: LogTable,
    day: number,
    partitions: readonly Partition[],
  ): Promise<Dropping> {
    const [first, next] = [day * DAY, (day + 1) * DAY]
    return drop(partitions, async (client) => {
      const { rows } = await client.query<{ total: string }>(
        `SELECT coalesce(sum(total), 0) AS total FROM (
           SELECT total FROM "${counts.name}"
           WHERE user_id = '' AND everyone AND span = ${DAY} AND start = ${first} AND ${counts.detail} = ''
           UNION ALL
           SELECT total FROM "${counts.deltas}" WHERE start >= ${first} AND start < ${next} AND ${counts.detail} = ''
         ) AS t`,
      )
      await client.query(`DELETE FROM "${counts.deltas}" WHERE start >= ${first} AND start < ${next}`)
      return Number(rows[0]?.total)
    })
  }

  /**
   * Drops partitions once nobody uses them; leaves them for the next time if somebody does. A DROP locks the parents too,
   * so all locks are taken first and as reads take them: the parents, and then what is in them. Or a reader who has a
   * parent and wants its partition would wait for us, and we for it.
   * @param partitions in the order in which reads name their parents
   */
  async function drop(
    partitions: readonly Partition[],
    before: (client: PoolClient) => Promise<number>,
  ): Promise<Dropping> {
    const tables = partitions.map(({ name }) => `"${name}"`).join(', ')
    const parents = partitions.map(({ parent }) => `ONLY "${parent}"`).join(', ')
    try {
      return await inTransaction(pool, async (client) => {
        if (!(await tryLock(client, CLEANUP_LOCK))) return 'elsewhere'
        // Who merges counts is soon done; without the wait a whole day would be deleted log by log instead.
        await client.query(`SET LOCAL lock_timeout = ${PARTITION_LOCK_TIMEOUT_MS}`)
        await client.query(`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`)
        await client.query(`SET LOCAL lock_timeout = ${DROP_LOCK_TIMEOUT_MS}`)
        await client.query(`LOCK TABLE ${parents}, ${tables} IN ACCESS EXCLUSIVE MODE`)
        const deleted = await before(client)
        await client.query(`DROP TABLE ${tables}`)
        return deleted
      })
    } catch (error) {
      const state = sqlState(error)
      if (state === '55P03') return 'in use'
      // Another process has dropped it meanwhile.
      if (state === '42P01') return 0
      throw error
    }
  }
}

async function lock(client: PoolClient): Promise<true> {
  await client.query(`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`)
  return true
}

/** How many logs went, or why none did. */
type Dropping = number | 'in use' | 'elsewhere'

async function tryLock(client: PoolClient, lock: string): Promise<boolean> {
  const { rows } = await client.query<{ free: boolean }>(`SELECT pg_try_advisory_xact_lock(${lock}) AS free`)
  return rows[0]?.free === true
}

export interface Partition {
  readonly parent: string
  readonly name: string
  readonly day: number
}

export async function partitionsOf(
  client: Pool | PoolClient,
  parents: readonly string[],
): Promise<Partition[]> {
  const { rows } = await client.query<{ parent: string; name: string }>(
    `SELECT p.relname AS parent, c.relname AS name
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
       JOIN pg_namespace n ON n.oid = p.relnamespace
     WHERE p.relkind = 'p' AND p.relname = ANY($1) AND n.nspname = current_schema()
     ORDER BY c.relname`,
    [parents],
  )
  return rows.flatMap(({ parent, name }) => {
    const date = /_p(\d{4})(\d{2})(\d{2})$/.exec(name)
    return date
      ? [{ parent, name, day: Date.UTC(Number(date[1]), Number(date[2]) - 1, Number(date[3])) / DAY_MS }]
      : []
  })
}

/** The bounds of a day's partition, as CREATE and ATTACH take them. */
export function boundsOf(table: LogTable, parent: string, day: number): string {
  const bound = (at: number) =>
    parent === table.name ? `'${startOf(at)}'` : String(parent === table.eventIds ? at : at * DAY)
  return `FROM (${bound(day)}) TO (${bound(day + 1)})`
}

export const startOf = (day: number) => new Date(day * DAY_MS).toISOString()
export const partitionName = (parent: string, day: number) =>
  `${parent}_p${startOf(day).slice(0, 10).replaceAll('-', '')}`
