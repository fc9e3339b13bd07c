import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionLogKind } from '../../src/connections/kind.ts'
import type { ConnectionLog } from '../../src/connections/event.ts'
import { deltasOf } from '../../src/database/count-table.ts'
import { partitionName } from '../../src/database/postgres/storage.ts'
import { sql } from '../../src/database/sql.ts'
import { dayOf, systemClock } from '../../src/kernel/clock.ts'
import { createIdMint } from '../../src/kernel/ids.ts'
import type { FeedEvent, FeedMark } from '../../src/logs/feed-mark.ts'
import { createFeedSource } from '../../src/logs/feed-source.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { seededRandom } from '../faults/seed.ts'

const WRITERS = 16
const TRANSACTIONS = 5
const USERS = ['u1', 'u2', '']
const { table } = connectionLogKind
const undo = undoneAfterEach()

describe.each(PROVIDERS)('the order of the feed on %s', (provider) => {
  let app: TestApp
  beforeAll(async () => {
    app = keep(await startTestApp(provider, { env: { POOL_SIZE: String(WRITERS + 4) } }))
    await app.database.storage.prepare(table, [dayOf(systemClock.now())])
  })
  afterAll(() => app.stop())

  const source = () => createFeedSource(app.database, connectionLogKind, systemClock)

  /** Writers side by side, each of which waits amid its transactions; none of them knows of the others. */
  async function write(note: (log: ConnectionLog) => void): Promise<void> {
    const mintId = createIdMint()
    const random = seededRandom(`feed, ${provider}`)
    const pauses = Array.from({ length: WRITERS * TRANSACTIONS }, () => random.whole(0, 8))
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        for (let n = 0; n < TRANSACTIONS; n += 1) {
          const createdAt = systemClock.now()
          const logs = Array.from({ length: 1 + (n % 3) }, (__, index): ConnectionLog => ({
            id: mintId(createdAt),
            userId: USERS[(writer + index) % USERS.length] || null,
            profileId: null,
            accountId: null,
            eventId: null,
            platform: 'reddit',
            eventType: 'disconnect',
            connectionMethod: 'oauth',
            success: null,
            error: null,
            context: {},
            durationMs: null,
            metadata: null,
            createdAt,
          }))
          const rows = logs.map((log) => connectionLogKind.toRow(log))
          await systemClock.sleep(pauses[writer * TRANSACTIONS + n] ?? 0)
          await app.database.transaction(async (tx) => {
            for (const statement of app.database.dialect.append(table, rows, deltasOf(table, rows, 1)))
              await tx.execute(statement)
            await systemClock.sleep(provider === 'postgres' ? (pauses[n] ?? 0) : 0)
          })
          for (const log of logs) note(log)
        }
      }),
    )
  }

  /** All that is behind a mark, in pages. */
  async function readAll(from: FeedMark, users?: readonly string[], limit = 7): Promise<ConnectionLog[]> {
    const logs: ConnectionLog[] = []
    for (let mark = from; ;) {
      const { events, next, isAll } = await source().read(users, mark, limit)
      logs.push(...events.map(({ log }) => log))
      mark = next
      if (isAll) return logs
    }
  }

  it(`loses none of what ${WRITERS} writers store, and repeats none; a cursor over ids does lose`, async () => {
    const written = new Set<string>()
    const { mark: start } = await source().state()
    let isWriting = true
    const writing = write(({ id }) => written.add(id)).finally(() => (isWriting = false))

    const seen: FeedEvent<ConnectionLog>[] = []
    const naive: string[] = []
    let mark = start
    for (let isLast = false; ;) {
      const { events, next, isAll } = await source().read(undefined, mark, 50)
      seen.push(...events)
      mark = next
      const rows = await app.database.query<{ id: string }>(
        sql`SELECT id FROM connection_logs WHERE id > ${naive.at(-1) ?? ''} ORDER BY id LIMIT 50`,
      )
      naive.push(...rows.map(({ id }) => id))
      if (isLast && isAll && seen.length >= written.size) break
      isLast = !isWriting
      await systemClock.sleep(1)
    }
    await writing
    const ids = seen.map(({ log }) => log.id)
    expect(new Set(ids)).toEqual(written)
    expect(ids).toHaveLength(written.size)
    expect(written.size - naive.length, 'lost by a cursor over ids').toBeGreaterThan(0)

    // The same again, in the same order, from the beginning, from any place, and for each user alone.
    expect((await readAll(start)).map(({ id }) => id)).toEqual(ids)
    for (const index of [0, 1, Math.floor(ids.length / 2), ids.length - 1]) {
      const rest = await readAll(seen[index]?.mark ?? start)
      expect(rest.map(({ id }) => id)).toEqual(ids.slice(index + 1))
    }
    for (const user of USERS) {
      const own = seen.filter(({ log }) => (log.userId ?? '') === user).map(({ log }) => log)
      expect(own.length).toBeGreaterThan(0)
      expect(await readAll(start, [user])).toEqual(own)
    }
    expect(await readAll(start, ['nobody'])).toEqual([])
    expect(await readAll(start, [])).toEqual([])
  })

  it('knows at the start what is recorded already, and gives nothing that is not settled', async () => {
    const { read, state } = source()
    const before = await state()
    await app.connectionLogs.record([{ at: '', value: sent }])
    const after = await state()
    let { events } = await read(undefined, before.mark, 10)
    // Other tests on the same server may have transactions under way.
    for (; events.length === 0; { events } = await read(undefined, before.mark, 10))
      await systemClock.sleep(5)
    const [first] = events
    expect(events.map(({ log }) => log.platform)).toEqual(['threads'])
    const position = first?.mark.place.position ?? 0n
    expect([before.isRecorded(position), after.isRecorded(position)]).toEqual([false, true])
    expect((await read(undefined, (await state()).mark, 10)).events).toEqual([])
  })
})

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  await client.connect()
  undo(() => client.end())
  return client
}

/** Of the only log. */
async function positionOf({ database }: TestApp): Promise<bigint> {
  const [row] = await database.query<{ position: string }>(
    sql`SELECT position::text AS position FROM connection_logs`,
  )
  return BigInt(row?.position ?? 0)
}

const sent = { platform: 'threads', eventType: 'disconnect', connectionMethod: 'oauth' }

describe('a transaction that is under way on Postgres', () => {
  it('keeps back what was stored after it, and what it stores comes first', async () => {
    const app = await startTestApp('postgres')
    const { read, state } = createFeedSource(app.database, connectionLogKind, systemClock)
    const start = await state()
    let late: bigint | undefined
    await app.database.transaction(async (tx) => {
      const [row] = await tx.query<{ id: string }>(sql`SELECT pg_current_xact_id()::text AS id`)
      late = BigInt(row?.id ?? 0)
      await app.connectionLogs.record([{ at: '', value: sent }])
      const during = await state()
      expect(during.isRecorded(late)).toBe(false)
      expect(during.mark.place.position).toBeLessThanOrEqual(late)
      const { events, isAll, settled, head } = await read(undefined, start.mark, 10)
      expect({ events, isAll, isBehind: settled < head }).toEqual({ events: [], isAll: true, isBehind: true })
    })
    for (;;) {
      const { events } = await read(undefined, start.mark, 10)
      if (events.length > 0) {
        expect(events.map(({ log }) => log.platform)).toEqual(['threads'])
        expect(events[0]?.mark.place.position).toBeGreaterThan(late ?? 0n)
        return
      }
      // Other tests on the same server may have transactions under way.
      await systemClock.sleep(5)
    }
  })

  it('a day that is made and written to while a read is planned is not passed over; one that asks on the way does', async () => {
    const app = await startTestApp('postgres')
    const today = dayOf(systemClock.now())
    await app.database.storage.prepare(table, [today - 1])
    const { read, state } = createFeedSource(app.database, connectionLogKind, systemClock)
    const { mark: start } = await state()
    const [holder, naive] = await Promise.all([connect(app.url), connect(app.url)])

    // Who plans has looked for the partitions by then, and wants a lock on each.
    await holder.query(`BEGIN; LOCK TABLE ${partitionName(table.name, today - 1)}`)
    const reading = read(undefined, start, 10)
    const asking = naive.query<{ snapshot: string; ids: string[] }>(`
      SELECT pg_current_snapshot()::text AS snapshot,
        (SELECT coalesce(json_agg(id), '[]') FROM ${table.name} WHERE position::text::xid8 < pg_snapshot_xmax(pg_current_snapshot())) AS ids`)
    const waiting = async () => {
      const { rows } = await holder.query(`
        SELECT 1 FROM pg_locks WHERE NOT granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
      return rows.length
    }
    while ((await waiting()) < 2) await systemClock.sleep(5)
    const [recorded] = await app.connectionLogs.record([{ at: '', value: sent }])
    await holder.query('ROLLBACK')

    const [asked] = (await asking).rows
    const { rows } = await holder.query(
      `SELECT pg_visible_in_snapshot(position::text::xid8, $1::pg_snapshot) AS seen FROM ${table.name}`,
      [asked?.snapshot],
    )
    expect([rows, asked?.ids]).toEqual([[{ seen: true }], []])
    const events: FeedEvent<ConnectionLog>[] = []
    for (let page = await reading; ; page = await read(undefined, page.next, 10)) {
      events.push(...page.events)
      if (events.length > 0) break
      // Other tests on the same server may have transactions under way.
      await systemClock.sleep(5)
      expect(page.next.place.position).toBeLessThanOrEqual(await positionOf(app))
    }
    expect(events.map(({ log }) => log.id)).toEqual([recorded?.log.id])
  })

  it('a log that came with a dump of another server is not in the feed', async () => {
    const app = await startTestApp('postgres')
    await app.connectionLogs.record([{ at: '', value: sent }])
    const { read, state } = createFeedSource(app.database, connectionLogKind, systemClock)
    const { mark } = await state()
    const start = { ...mark, place: { position: 0n, id: '', userId: '' } }
    const shown = async () => (await read(undefined, start, 10)).events.length
    while ((await shown()) === 0) await systemClock.sleep(5)
    await app.database.execute(sql`UPDATE connection_logs SET position = position - 100`)
    await app.database.execute(sql`SELECT pg_current_xact_id()`)
    expect(await shown()).toBe(0)
  })
})
