import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { DAY_MS, MINUTE_MS, dayOf } from '../../src/kernel/clock.ts'
import { PARTITION_LOCK } from '../../src/database/postgres/locks.ts'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { undoneAfterEach } from '../support/undo.ts'

/** On a busy machine a round of cleaning up may take its time. */
const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
const name = (day: number) =>
  `connection_logs_p${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}`

async function partitions(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'connection_logs'::regclass ORDER BY 1`,
  )
  return rows.map((row) => row.name)
}

it('makes a partition before the first log of a day, drops it whole once that has expired, and never waits for a reader', async () => {
  const now = Date.now()
  const today = dayOf(now)
  const clock = createTestClock(now)
  const app = await startTestApp('postgres', { clock })
  const client = new pg.Client(app.url)
  await client.connect()
  const recordAt = async (ms: number) => {
    clock.set(ms)
    await app.connectionLogs.record([{ value: { ...EVENT, eventId: `e${ms}` }, at: '' }])
  }
  for (const daysAgo of [10, 9, 0]) await recordAt(now - daysAgo * DAY_MS)
  const made = await partitions(client)
  expect(made).toEqual([...new Set(made)])
  for (const daysAgo of [10, 9, 0]) expect(made).toContain(name(today - daysAgo))

  // A reader that began before the cleanup keeps the partitions, not the logs, and is not disturbed.
  const reader = new pg.Client(app.url)
  await reader.connect()
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
  const before = await reader.query('SELECT count(*) FROM connection_logs')
  expect(await app.connectionLogs.cleanup(false)).toMatchObject({ deleted: 2 })
  expect(await partitions(client)).toEqual(made)
  const days = [10, 9].map((daysAgo) => name(today - daysAgo))
  expect(app.logged.map(({ level, message }) => ({ level, message }))).toEqual([
    { level: 'info', message: 'days that have expired are still being read: dropped later' },
  ])
  expect(app.logged[0]?.fields).toEqual({ parts: expect.arrayContaining(days) as string[] })
  expect((await reader.query('SELECT count(*) FROM connection_logs')).rows).toEqual(before.rows)
  await reader.query('COMMIT')
  await reader.end()

  expect(await app.connectionLogs.cleanup(false)).toMatchObject({ deleted: 0 })
  const left = await partitions(client)
  expect(left).toContain(name(today))
  expect(left.filter((partition) => partition < name(dayOf(now - 7 * DAY_MS)))).toEqual([])
  await client.end()
})

it('makes a partition once, however many processes and requests need it at the same moment', async () => {
  const midnight = dayOf(Date.now()) * DAY_MS
  const clock = createTestClock(midnight - MINUTE_MS)
  const app = await startTestApp('postgres', { clock })
  const createdAt = new Date(midnight + 3 * MINUTE_MS).toISOString()
  const recorded = await Promise.all(
    Array.from({ length: 20 }, () => app.connectionLogs.record([{ value: { ...EVENT, createdAt }, at: '' }])),
  )
  expect(recorded.flat().filter(({ created }) => created)).toHaveLength(20)
  clock.set(midnight + 4 * MINUTE_MS)
  expect((await app.connectionLogs.page({}, {})).pagination.total).toBe(20)
})

it('keeps no reader waiting while it cannot drop a day, and drops it when the last reader has gone', async () => {
  const now = Date.now()
  const clock = createTestClock(now - 10 * DAY_MS)
  const app = await startTestApp('postgres', { clock })
  const expired = name(dayOf(clock.now()))
  await app.connectionLogs.record([{ value: EVENT, at: '' }])
  clock.set(now)
  await app.connectionLogs.record([{ value: EVENT, at: '' }])
  const [reader, client] = [new pg.Client(app.url), new pg.Client(app.url)]
  await Promise.all([reader.connect(), client.connect()])
  await reader.query('BEGIN')
  await reader.query('SELECT count(*) FROM connection_logs')

  const cleaning = app.connectionLogs.cleanup(false)
  const isOver = cleaning.then(() => true)
  let answered = 0
  // Who would have to wait for the drop would be answered when the first reader has ended, which waits for this loop.
  do {
    expect((await app.connectionLogs.page({}, {})).pagination.total).toBe(1)
    answered += 1
  } while (!(await Promise.race([isOver, Promise.resolve(false)])))
  expect(answered).toBeGreaterThan(0)
  expect(await cleaning).toMatchObject({ deleted: 1 })
  expect(await partitions(client)).toContain(expired)

  await reader.query('COMMIT')
  await app.connectionLogs.cleanup(false)
  expect(await partitions(client)).not.toContain(expired)
  await Promise.all([reader.end(), client.end()])
})

it('makes partitions two days ahead, and a writer makes the one that is missing when nobody has', async () => {
  const now = Date.now()
  const today = dayOf(now)
  const clock = createTestClock(now)
  const app = await startTestApp('postgres', { clock })
  const client = new pg.Client(app.url)
  await client.connect()
  await app.start()
  await expect.poll(() => partitions(client)).toEqual([0, 1, 2].map((ahead) => name(today + ahead)))
  // The next round is a minute away: for three days nobody makes partitions.
  clock.set(now + 5 * DAY_MS)
  const [recorded] = await app.connectionLogs.record([{ value: EVENT, at: '' }])
  expect(recorded?.created).toBe(true)
  expect(await partitions(client)).toContain(name(today + 5))
  await client.end()
})

it('drops a day whole although counts are being merged at that moment', async () => {
  const now = Date.now()
  const clock = createTestClock(now - 9 * DAY_MS)
  const app = await startTestApp('postgres', { clock })
  const expired = name(dayOf(clock.now()))
  await app.connectionLogs.record([{ value: EVENT, at: '' }])
  clock.set(now)
  const [merger, client] = [new pg.Client(app.url), new pg.Client(app.url)]
  await Promise.all([merger.connect(), client.connect()])
  await merger.query('BEGIN')
  await merger.query(`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`)
  const cleaning = app.connectionLogs.cleanup(false)
  await expect
    .poll(
      async () =>
        (await client.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)).rowCount,
    )
    .toBe(1)
  await merger.query('COMMIT')
  expect(await cleaning).toMatchObject({ deleted: 1 })
  expect(await partitions(client)).not.toContain(expired)
  expect(app.logged).toEqual([])
  await Promise.all([merger.end(), client.end()])
})

const undo = undoneAfterEach()

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  undo(() => client.end())
  return client
}

describe('beside a reader that has the parent and wants a partition, which is how each read begins', () => {
  /** A day that has expired, and a reader which at this moment holds a lock on the parents alone. */
  async function expiredDayAndReader() {
    const now = Date.now()
    const clock = createTestClock(now - 10 * DAY_MS)
    const app = await startTestApp('postgres', { clock })
    const expired = name(dayOf(clock.now()))
    await app.connectionLogs.record([{ value: EVENT, at: '' }])
    clock.set(now)
    const [reader, client] = [await connected(app.url), await connected(app.url)]
    // Whoever finds the deadlock is the one that is given up: not the reader.
    await reader.query("BEGIN; SET LOCAL deadlock_timeout = '20s'")
    await reader.query('LOCK TABLE ONLY connection_log_counts, ONLY connection_logs IN ACCESS SHARE MODE')
    const reads = async () => {
      await expect
        .poll(
          async () =>
            (await client.query("SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"))
              .rowCount,
          { interval: 5 },
        )
        .toBe(1)
      const { rowCount } = await reader.query(`SELECT FROM ${expired}`)
      await reader.query('COMMIT')
      return rowCount
    }
    return { app, client, expired, reads }
  }

  it('drops the day once it has read', async () => {
    const { app, client, expired, reads } = await expiredDayAndReader()
    const cleaning = app.connectionLogs.cleanup(false)
    expect(await reads()).toBe(1)
    expect(await cleaning).toMatchObject({ deleted: 1 })
    expect(await partitions(client)).not.toContain(expired)
    expect(app.logged).toEqual([])
  })

  it('who locks the partition first waits for the reader that waits for it', async () => {
    const { app, client, expired, reads } = await expiredDayAndReader()
    const dropper = await connected(app.url)
    await dropper.query("BEGIN; SET LOCAL deadlock_timeout = '1s'")
    await dropper.query(`LOCK TABLE ${expired} IN ACCESS EXCLUSIVE MODE`)
    const dropping = dropper.query(`DROP TABLE ${expired}`).catch((error: unknown) => error)
    await reads().catch(() => undefined)
    expect(await dropping).toMatchObject({ code: '40P01' })
    expect(await partitions(client)).toContain(expired)
  })
})
