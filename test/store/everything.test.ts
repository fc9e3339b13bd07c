import { DatabaseSync } from '@photostructure/sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OPERATOR } from '../../src/auth/principal.ts'
import { sightOf } from '../../src/auth/sight.ts'
import { type ConnectionLog, PLATFORMS } from '../../src/connections/event.ts'
import { type ConnectionFilter, parseConnectionFilter } from '../../src/connections/filter.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { createRecordParser } from '../../src/connections/input.ts'
import { newConnectionLog } from '../../src/connections/record.ts'
import { deltasOf } from '../../src/database/count-table.ts'
import type { Dialect } from '../../src/database/dialect.ts'
import type { Database } from '../../src/database/port.ts'
import { sql } from '../../src/database/sql.ts'
import { DAY_MS, HOUR_MS, systemClock } from '../../src/kernel/clock.ts'
import { createIdMint } from '../../src/kernel/ids.ts'
import { createQuery } from '../../src/logs/query.ts'
import { type LogStore, createLogStore } from '../../src/logs/store.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { filters, naiveMatch, recordInputs, userFilters } from '../support/random-logs.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const RETENTION_MS = 7 * DAY_MS
const PAGE_SIZE = 25
const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
const { table } = connectionLogKind

type Store = LogStore<ConnectionLog, ConnectionFilter>
type Pages = AsyncIterable<ConnectionLog[]>

const queryAt = (nowMs: number) =>
  createQuery<ConnectionFilter>(sightOf({ userId: null }), {}, { nowMs, retentionMs: RETENTION_MS })

const storeOf = (database: Database, dialect: Partial<Dialect> = {}): Store =>
  createLogStore({ ...database, dialect: { ...database.dialect, ...dialect } }, connectionLogKind, {
    pageSize: PAGE_SIZE,
  })

const inOrder = (a: ConnectionLog, b: ConnectionLog) =>
  a.createdAt - b.createdAt ||
  (a.id < b.id ? -1 : a.id > b.id ? 1 : (a.userId ?? '') < (b.userId ?? '') ? -1 : 1)

const idsOf = (logs: readonly ConnectionLog[]) => logs.map(({ id, userId }) => `${id} of ${userId}`)

async function all(pages: Pages, between: (page: number) => Promise<unknown> = async () => undefined) {
  const logs: ConnectionLog[] = []
  let page = 0
  for await (const some of pages) {
    logs.push(...some)
    await between((page += 1))
  }
  return logs
}

/** Ways in which others read everything, each of which has to fail where ours does not. */
const NAIVE: Record<string, (database: Database) => Pages> = {
  'offset pages': async function* (database) {
    const store = storeOf(database)
    for (let skip = 0; ; skip += PAGE_SIZE) {
      const { logs } = await store.page(queryAt(NOW), { limit: PAGE_SIZE, skip })
      if (logs.length === 0) return
      yield logs
    }
  },
  'pages by place without a bound': (database) =>
    storeOf(database, { within: () => sql`TRUE` }).everything(() => queryAt(NOW)),
}

/** On Postgres transactions commit in another order than they are numbered in. */
const NAIVE_ON_POSTGRES: typeof NAIVE = {
  'up to the greatest position': (database) =>
    storeOf(database, {
      snapshot: () => sql`SELECT max(position)::text AS snapshot FROM connection_logs`,
      within: (snapshot) => sql`position <= ${snapshot}::bigint`,
    }).everything(() => queryAt(NOW)),
}

const mintId = createIdMint()
let made = 0
/** A log somewhere in the last days; some share their millisecond. */
const input = () => ({
  ...EVENT,
  eventId: `e${(made += 1)}`,
  userId: `u${made % 3}`,
  createdAt: new Date(NOW - ((made * 7_919) % 144) * HOUR_MS - 1).toISOString(),
})

async function record(app: TestApp, count: number): Promise<ConnectionLog[]> {
  const inputs = Array.from({ length: count }, () => ({ value: input(), at: '' }))
  return (await app.connectionLogs.record(inputs)).map(({ log }) => log)
}

function deferred() {
  let resolve = (): void => undefined
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Stores logs in a transaction that stays open. @returns a function that commits it */
async function recordOpenly({ database }: TestApp, count: number): Promise<() => Promise<void>> {
  const context = {
    principal: OPERATOR,
    mintId,
    parse: createRecordParser(PLATFORMS),
    nowMs: NOW,
    retentionMs: RETENTION_MS,
  }
  const logs = Array.from({ length: count }, () => newConnectionLog({ value: input(), at: '' }, context).log)
  const rows = logs.map(connectionLogKind.toRow)
  const days = logs.map(({ createdAt }) => Math.floor(createdAt / DAY_MS))
  await database.storage.prepare(table, [...new Set(days)])
  const written = deferred()
  const gate = deferred()
  const committed = database.transaction(async (tx) => {
    for (const statement of database.dialect.append(table, rows, deltasOf(table, rows, 1)))
      await tx.execute(statement)
    written.resolve()
    await gate.promise
  })
  await Promise.race([written.promise, committed])
  return async () => {
    gate.resolve()
    await committed
  }
}

/** Reads while others write before, at and behind the place that is being read, and commit what they had begun before. */
async function readAmongWriters(app: TestApp, read: (database: Database) => Pages) {
  const before = await record(app, 190)
  const commit = await recordOpenly(app, 40)
  // On SQLite the open transaction has the only writer.
  if (app.url.startsWith('postgres')) before.push(...(await record(app, 10)))
  const found = await all(read(app.database), async (page) => {
    if (page === 1) await commit()
    if (page < 12) await record(app, 20)
  })
  return { found: idsOf(found), expected: idsOf(before.sort(inOrder)) }
}

describe.each(PROVIDERS)('everything on %s', (provider) => {
  const start = async (nowMs = NOW) => {
    const clock = createTestClock(nowMs)
    return { app: await startTestApp(provider, { clock }), clock }
  }

  it('is what was there when it began, each once and in order, whatever is recorded meanwhile', async () => {
    const { app } = await start()
    const { found, expected } = await readAmongWriters(app, (database) =>
      storeOf(database).everything(() => queryAt(NOW)),
    )
    expect(found).toEqual(expected)
  })

  it.each(Object.entries(provider === 'postgres' ? { ...NAIVE, ...NAIVE_ON_POSTGRES } : NAIVE))(
    'would be something else by %s',
    async (_, read) => {
      const { app } = await start()
      const { found, expected } = await readAmongWriters(app, read)
      expect(found.sort()).not.toEqual(expected.sort())
    },
  )

  it('has what was acknowledged before it began, and nothing that was begun after its first page', async () => {
    const { app } = await start()
    const [before, after] = [new Set<string>(), new Set<string>()]
    let phase: 'before' | 'between' | 'after' = 'before'
    const over = new AbortController()
    const writer = async () => {
      while (!over.signal.aborted) {
        const begun = phase
        const ids = idsOf(await record(app, 5))
        if (phase === 'before') for (const id of ids) before.add(id)
        if (begun === 'after') for (const id of ids) after.add(id)
        await systemClock.sleep(1)
      }
    }
    await record(app, 200)
    const writers = Array.from({ length: 4 }, writer)
    while (before.size < 100) await systemClock.sleep(5)
    phase = 'between'
    const found = new Set<string>()
    let read = 0
    for await (const page of storeOf(app.database).everything(() => queryAt(NOW))) {
      phase = 'after'
      for (const id of idsOf(page)) found.add(id)
      read += page.length
      await systemClock.sleep(5)
    }
    while (after.size === 0) await systemClock.sleep(5)
    over.abort()
    await Promise.all(writers)
    expect(found.size).toBe(read)
    expect([...before].filter((id) => !found.has(id))).toEqual([])
    expect([...after].filter((id) => found.has(id))).toEqual([])
  })

  it('has every log of users who brought the same id at the same instant', async () => {
    const { app } = await start()
    const createdAt = new Date(NOW - HOUR_MS).toISOString()
    const users = Array.from({ length: 60 }, (_, index) => `user-${String(index).padStart(2, '0')}`)
    await app.connectionLogs.record(
      users.map((userId) => ({ value: { ...EVENT, _id: 'the-same', userId, createdAt }, at: '' })),
    )
    const store = storeOf(app.database)
    const usersOf = (logs: readonly ConnectionLog[]) => logs.map(({ userId }) => userId)
    expect(usersOf(await all(store.everything(() => queryAt(NOW))))).toEqual(users)
    // The next ones by instant and id alone.
    const first = await store.slice(queryAt(NOW), { toward: 'newer', limit: PAGE_SIZE })
    const from = first.logs.at(-1)
    const rest = await store.slice(queryAt(NOW), { from, toward: 'newer', limit: PAGE_SIZE })
    expect(rest.logs).toEqual([])
  })

  it('leaves out what expires or is deleted before its page comes, and nothing else', async () => {
    const { app, clock } = await start()
    const logs = (await record(app, 200)).sort(inOrder)
    const cutoff = logs[119]?.createdAt ?? 0
    const expected = [
      ...logs.slice(0, PAGE_SIZE),
      ...logs.slice(PAGE_SIZE).filter(({ createdAt }) => createdAt > cutoff),
    ]
    const read = () => storeOf(app.database).everything(() => queryAt(clock.now()))
    expect(idsOf(await all(read(), async () => clock.set(cutoff + RETENTION_MS)))).toEqual(idsOf(expected))
    clock.set(NOW)
    const remove = async (page: number) => {
      if (page > 1) return
      await app.database.transaction(async (tx) => {
        const gone = await tx.query<Record<string, unknown>>(
          app.database.dialect.deleteExpired(table, cutoff, 1_000),
        )
        for (const statement of app.database.dialect.count(table.counts, deltasOf(table, gone, -1)))
          await tx.execute(statement)
      })
    }
    expect(idsOf(await all(read(), remove))).toEqual(idsOf(expected))
  })

  it('is, for every filter and key, what a naive search finds', async () => {
    const { app } = await start()
    const values = fc.sample(recordInputs(NOW), { seed: 11, numRuns: 150 })
    const stored = await app.connectionLogs.record(values.map((value) => ({ value, at: '' })))
    const logs = stored.map(({ log }) => log).sort(inOrder)
    const requests = fc.record({
      filter: filters(NOW),
      userId: userFilters,
      asUser: fc.option(fc.constantFrom('u1', 'nobody'), { nil: null }),
    })
    await fc.assert(
      fc.asyncProperty(requests, async ({ filter, userId, asUser }) => {
        const asked = asUser === null && userId !== undefined ? { ...filter, userId } : filter
        const query = createQuery(sightOf({ userId: asUser }), parseConnectionFilter(asked), {
          nowMs: NOW,
          retentionMs: RETENTION_MS,
        })
        const expected = logs.filter(
          (log) => (asUser === null || log.userId === asUser) && naiveMatch(asked, log),
        )
        expect(await all(storeOf(app.database).everything(() => query))).toEqual(expected)
      }),
      { numRuns: 150, seed: 11 },
    )
  })

  it('holds no transaction open between its pages', async () => {
    const { app } = await start()
    await record(app, 100)
    const pages = storeOf(app.database).everything(() => queryAt(NOW))
    await pages.next()
    await record(app, 1)
    // What is held is held on; others are at work for a moment.
    await expect.poll(() => isHeldUp(app)).toBe(false)
    await pages.return()
    const isHeldUpBy: Record<typeof provider, () => Promise<boolean>> = {
      postgres: () =>
        app.database.transaction(async (tx) => {
          await tx.query(sql`SELECT count(*) FROM connection_logs`)
          return isHeldUp(app)
        }),
      sqlite: async () => {
        const reader = new DatabaseSync(app.url.slice('file:'.length))
        reader.exec('BEGIN; SELECT count(*) FROM connection_logs')
        await record(app, 1)
        const held = await isHeldUp(app)
        reader.close()
        return held
      },
    }
    expect(await isHeldUpBy[provider]()).toBe(true)
  })
})

/** Whether some transaction keeps the database from tidying up: vacuum on Postgres, the checkpoint on SQLite. */
async function isHeldUp({ database, url }: TestApp): Promise<boolean> {
  if (url.startsWith('postgres')) {
    const held = await database.query(
      sql`SELECT pid FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'`,
    )
    return held.length > 0
  }
  const other = new DatabaseSync(url.slice('file:'.length))
  const result = other.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number }
  other.close()
  return result.busy > 0
}

describe('everything on a Postgres that was restored from a dump', () => {
  /** Stores logs whose positions are transactions of another server: of its past and of its future, as ours sees them. */
  async function restore(app: TestApp): Promise<string[]> {
    const logs = await record(app, 100)
    await app.database.execute(sql`
      UPDATE connection_logs AS l SET position = pg_snapshot_xmax(pg_current_snapshot())::text::bigint + o.number - 50
      FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM connection_logs) AS o WHERE o.id = l.id`)
    await app.database.execute(
      sql`UPDATE connection_logs SET position = 9007199254740993 WHERE event_id LIKE '%7'`,
    )
    return idsOf(logs.sort(inOrder))
  }

  const readMeanwhile = async (app: TestApp, dialect?: Partial<Dialect>) =>
    idsOf(
      await all(
        storeOf(app.database, dialect).everything(() => queryAt(NOW)),
        async () => record(app, 3),
      ),
    )

  it('has what was restored, and still nothing that is recorded meanwhile', async () => {
    const app = await startTestApp('postgres', { clock: createTestClock(NOW) })
    const expected = await restore(app)
    expect(await readMeanwhile(app)).toEqual(expected)
  })

  it('would lack logs if the position were taken for a transaction of this server', async () => {
    const app = await startTestApp('postgres', { clock: createTestClock(NOW) })
    const expected = await restore(app)
    const found = await readMeanwhile(app, {
      within: (snapshot) => sql`pg_visible_in_snapshot(position::text::xid8, ${snapshot}::pg_snapshot)`,
    })
    expect(found.length).toBeLessThan(expected.length)
  })
})
