import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { EVENT_TYPES, PLATFORMS } from '../../src/connections/event.ts'
import { deltasOf } from '../../src/database/count-table.ts'
import { DAY_MS, dayOf } from '../../src/kernel/clock.ts'
import { createIdMint } from '../../src/kernel/ids.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'

const NOW = Date.UTC(2026, 10, 18, 12)
const WRITERS = 8
const BATCHES = 40
const { table, toRow } = connectionLogKind

const log = (userId: string, createdAt: number, index = 0) => ({
  id: createIdMint()(createdAt),
  userId,
  profileId: null,
  accountId: null,
  eventId: null,
  platform: PLATFORMS[index % PLATFORMS.length] ?? 'tiktok',
  eventType: EVENT_TYPES[index % EVENT_TYPES.length] ?? 'disconnect',
  connectionMethod: 'oauth' as const,
  success: null,
  error: index % 3 === 0 ? { code: `code-${index % 4}` } : null,
  context: {},
  durationMs: null,
  metadata: null,
  createdAt,
})

describe('counts of one user on Postgres, with many writers at once', () => {
  let app: TestApp
  const clock = createTestClock(NOW)

  beforeAll(async () => {
    app = keep(await startTestApp('postgres', { clock, env: { POOL_SIZE: '24' } }))
  })
  afterAll(() => app.stop())

  it('equal the logs when all is done, with no deadlock, though cleaning up and merging went on', async () => {
    const done = new AbortController()
    const record = async (writer: number) => {
      for (let batch = 0; batch < BATCHES; batch += 1) {
        const sent = Array.from({ length: 1 + (batch % 7) }, (_, index) => ({
          value: {
            userId: 'busy',
            platform: PLATFORMS[(writer + index) % PLATFORMS.length],
            eventType: EVENT_TYPES[(batch + index) % EVENT_TYPES.length],
            connectionMethod: 'oauth',
            // Some are events that another writer has sent, or sends at this moment.
            ...(batch % 2 === 0 && index % 2 === 1 ? { eventId: `${batch}-${index}-${writer % 4}` } : {}),
            ...(index % 3 === 0 ? { error: { code: `code-${index}` } } : {}),
            // Old enough to expire while the test runs, or fresh.
            createdAt: new Date(index % 2 === 0 ? NOW - 7 * DAY_MS + 1 + batch * 5 : NOW).toISOString(),
          },
          at: '',
        }))
        await app.connectionLogs.recordEach(sent)
        clock.advance(2)
      }
    }
    const whileWriting = async (work: () => Promise<unknown>) => {
      for (;;) {
        if (done.signal.aborted) return
        await work()
      }
    }
    const background = [
      whileWriting(() => app.connectionLogs.cleanup(false)),
      whileWriting(() => app.counts.merge()),
      whileWriting(() => app.connectionLogs.page({ platform: ['tiktok'] }, { skip: 5 })),
    ]
    try {
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => record(writer)))
    } finally {
      done.abort()
      await Promise.all(background)
    }

    const [first, last] = [dayOf(NOW - 7 * DAY_MS), dayOf(clock.now())]
    for (let day = first; day <= last; day += 1) expect(await app.counts.miscounted(day)).toBe(0)
    await app.counts.merge()
    for (let day = first; day <= last; day += 1) expect(await app.counts.miscounted(day)).toBe(0)
    const { rows } = await asAdmin<{ stored: string; deadlocks: string }>(
      `SELECT (SELECT count(*) FROM connection_logs) AS stored, deadlocks FROM pg_stat_database WHERE datname = current_database()`,
    )
    expect(Number(rows[0]?.stored)).toBeGreaterThan(100)
    expect(Number(rows[0]?.deadlocks)).toBe(0)
  })

  it('do not make one writer wait for another', async () => {
    const { database } = app
    const append = (user: string) => {
      const rows = [toRow(log(user, NOW))]
      return database.dialect.append(table, rows, deltasOf(table, rows, 1))
    }
    await database.storage.prepare(table, [dayOf(NOW)])
    await database.transaction(async (tx) => {
      for (const statement of append('busy')) await tx.execute(statement)
      // Were it to wait for the row of the first, neither could ever end.
      for (const statement of append('busy')) await database.execute(statement)
    })
    expect(await app.counts.miscounted(dayOf(NOW))).toBe(0)
  })

  it('would make them wait if all added to one row', async () => {
    const upsert = `INSERT INTO connection_log_counts (user_id, everyone, span, start, platform, error_code, total)
      VALUES ('busy', FALSE, 1, ${NOW / 60_000}, 'tiktok', '', 1)
      ON CONFLICT (user_id, everyone, span, start, platform, error_code) DO UPDATE SET total = connection_log_counts.total + 1`
    const [one, other] = [await connect(), await connect()]
    try {
      await one.query(`BEGIN; ${upsert}`)
      await other.query("SET lock_timeout = '200ms'")
      await expect(other.query(upsert)).rejects.toMatchObject({ code: '55P03' })
    } finally {
      await one.query('ROLLBACK')
      await one.end()
      await other.end()
    }
  })

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client(app.url)
    await client.connect()
    return client
  }

  async function asAdmin<Row extends pg.QueryResultRow>(statement: string) {
    const client = await connect()
    try {
      return await client.query<Row>(statement)
    } finally {
      await client.end()
    }
  }
})
