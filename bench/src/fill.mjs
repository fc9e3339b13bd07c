import pg from 'pg'
import { parseConfig } from '../../dist/config/config.js'
import { FOLDING_VERSION, termOfTenant } from '../../dist/connections/words.js'
import { createCore } from '../../dist/core.js'
import { ensureInstance } from '../../dist/database/instance.js'
import { writeTermsState } from '../../dist/database/terms-state.js'
import { silentLogger } from '../../dist/kernel/logger.js'
import { believableTables } from './believable.mjs'
import { startProgress } from './progress.mjs'
import { insertSlice } from './insert-slice.mjs'

/**
 * Postgres makes the rows itself, a slice of time after the other, from hashes of the tenant and the number of the log:
 * the same every time but for the instants, which end now.
 */

const DAY_MS = 86_400_000

/** Short of the retention by 2.4 hours, so that nothing expires while a run lasts. */
export const WINDOW_DAYS = 6.9

const ROWS_PER_SLICE = 100_000

/**
 * @param {string} databaseUrl of a database that `connlog migrate` has prepared and nobody has written to
 * @param {{ userId: string, logs: number }[]} tenants
 * @param {(text: string) => void} say
 */
export async function fill(databaseUrl, tenants, say) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 })
  // A connection that breaks while it is idle says so where it is used next; without a listener it ends the process.
  pool.on('error', () => {})
  try {
    const total = tenants.reduce((sum, { logs }) => sum + logs, 0)
    const endMs = Date.now()
    const startMs = endMs - WINDOW_DAYS * DAY_MS
    const days = range(Math.floor(startMs / DAY_MS), Math.floor(endMs / DAY_MS))
    const progress = startProgress(`Filling ${total.toLocaleString('en')} logs`, total)
    const inserted = await Promise.all(
      // Two days at a time: while one waits for the disk, the other computes.
      [0, 1].map(async () => {
        let rows = 0
        for (let day = days.shift(); day !== undefined; day = days.shift()) {
          rows += await fillDay(pool, tenants, { day, startMs, endMs, total }, progress)
        }
        return rows
      }),
    )
    for (const day of [1, 2]) await makeEmptyDay(pool, Math.floor(endMs / DAY_MS) + day)
    const seconds = progress.end()
    const rows = inserted[0] + inserted[1]
    if (rows !== total) throw new Error(`Expected to write ${total} logs, wrote ${rows}.`)
    say(`Filled ${rows.toLocaleString('en')} logs of ${tenants.length} tenants in ${seconds.toFixed(1)} s.`)
    await prepareForService(databaseUrl)
    await pool.query('VACUUM (ANALYZE)')
    await pool.query('CHECKPOINT')
  } finally {
    await pool.end()
  }
}

/**
 * Fills a whole day that has expired, on a database as {@link fill} expects it.
 * @returns how many logs it has, and the names of its partitions
 */
export async function fillExpiredDay(databaseUrl, tenants, say) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 })
  pool.on('error', () => {})
  try {
    const total = tenants.reduce((sum, { logs }) => sum + logs, 0)
    const day = Math.floor(Date.now() / DAY_MS) - EXPIRED_DAYS_AGO
    const progress = startProgress(`Filling a day of ${total.toLocaleString('en')} logs`, total)
    const [startMs, endMs] = [day * DAY_MS, (day + 1) * DAY_MS]
    const rows = await fillDay(pool, tenants, { day, startMs, endMs, total }, progress)
    const seconds = progress.end()
    say(`Filled a day of ${rows.toLocaleString('en')} logs in ${seconds.toFixed(1)} s.`)
    await prepareForService(databaseUrl)
    await pool.query('VACUUM (ANALYZE)')
    await pool.query('CHECKPOINT')
    const parents = ['connection_log_event_ids', 'connection_log_counts', 'connection_logs']
    return { logs: rows, partitions: parents.map((parent) => partitionName(parent, day)) }
  } finally {
    await pool.end()
  }
}

/** Expired as a whole, event ids included, whatever the hour. */
const EXPIRED_DAYS_AGO = 9

/** Counts the logs and notes that their search terms are current, since the service did not write these rows. */
export async function prepareForService(databaseUrl) {
  const core = await createCore({
    config: parseConfig({ DATABASE_URL: databaseUrl }),
    logger: silentLogger,
    unhurried: true,
  })
  try {
    for (const day of await core.counts.days()) await core.counts.recount(day)
    // Search terms are of the current version, so no service rewrites them while it is measured.
    await ensureInstance(core.database, Date.now())
    await writeTermsState(core.database, { version: FOLDING_VERSION, throughMs: null })
  } finally {
    await core.stop()
  }
}

/** A day's partition, attached once it is full: so its indexes are built in one go. */
async function fillDay(pool, tenants, { day, startMs, endMs, total }, progress) {
  const client = await pool.connect()
  try {
    const partition = partitionName('connection_logs', day)
    await client.query(`CREATE TABLE "${partition}" (LIKE connection_logs INCLUDING ALL EXCLUDING INDEXES)`)
    const from = Math.max(startMs, day * DAY_MS)
    const to = Math.min(endMs, (day + 1) * DAY_MS)
    const slices = Math.ceil(((to - from) / (endMs - startMs)) * (total / ROWS_PER_SLICE))
    const tables = believableTables()
    let rows = 0
    for (let slice = 0; slice < slices; slice += 1) {
      const bounds = [slice, slice + 1].map((edge) => Math.round(from + ((to - from) * edge) / slices))
      const { rowCount } = await client.query(
        insertSlice(partition, tables, {
          startMs,
          endMs,
          fromMs: bounds[0],
          toMs: bounds[1],
          userIds: tenants.map(({ userId }) => userId),
          logs: tenants.map(({ logs }) => logs),
          // What the words of a tenant are marked with in the column of terms.
          marks: tenants.map(({ userId }) => termOfTenant(userId, '')),
        }),
      )
      rows += rowCount
      progress.add(rowCount)
    }
    await attach(client, 'connection_logs', day, `'${startOf(day)}'`, `'${startOf(day + 1)}'`)
    await makePartition(client, 'connection_log_event_ids', day, String(day), String(day + 1))
    return rows
  } finally {
    client.release()
  }
}

async function makeEmptyDay(client, day) {
  await makePartition(client, 'connection_logs', day, `'${startOf(day)}'`, `'${startOf(day + 1)}'`)
  await makePartition(client, 'connection_log_event_ids', day, String(day), String(day + 1))
}

async function makePartition(client, parent, day, from, to) {
  await client.query(`CREATE TABLE "${partitionName(parent, day)}" (LIKE "${parent}" INCLUDING ALL)`)
  await attach(client, parent, day, from, to)
}

const attach = (client, parent, day, from, to) =>
  client.query(
    `ALTER TABLE "${parent}" ATTACH PARTITION "${partitionName(parent, day)}" FOR VALUES FROM (${from}) TO (${to})`,
  )

const startOf = (day) => new Date(day * DAY_MS).toISOString()
const partitionName = (parent, day) => `${parent}_p${startOf(day).slice(0, 10).replaceAll('-', '')}`
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index)
