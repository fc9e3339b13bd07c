import pg from 'pg'
import { expect, it } from 'vitest'
import { createHints } from '../../src/database/postgres/hints.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createFeedSource } from '../../src/logs/feed-source.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { postgresBehindProxy } from '../support/behind-proxy.ts'
import { createTestDatabase } from '../support/databases.ts'
import { follow } from '../support/follower.ts'
import { startDeafPooler } from '../support/pooler.ts'
import { sentOf } from '../support/sent.ts'
import { undoneAfterEach } from '../support/undo.ts'

const undo = undoneAfterEach()
/** For how long a transaction stays open that keeps back all others. */
const OPEN_MS = 3_000

const until = async (isSo: () => boolean | Promise<boolean>) => {
  while (!(await isSo())) await systemClock.sleep(5)
}

const LISTENERS = sql`SELECT pid FROM pg_stat_activity WHERE application_name = 'connlog feed' AND datname = current_database()`

/** @returns the accounts that are seen by one who listens once and looks at nothing unless he is told to. */
async function readsOnHintsAlone(app: TestApp): Promise<readonly (string | null)[]> {
  const seen: (string | null)[] = []
  const source = createFeedSource(app.database, connectionLogKind, systemClock)
  let { mark } = await source.state()
  const client = new pg.Client({ connectionString: app.url, application_name: 'connlog feed' })
  client.on('error', () => undefined)
  client.on('notification', () => {
    void source.read(undefined, mark, 100).then((read) => {
      mark = read.next
      seen.push(...read.events.map(({ log }) => log.accountId))
    })
  })
  await client.connect()
  await client.query('LISTEN connlog_feed')
  undo(() => client.end().catch(() => undefined))
  return seen
}

it('a listener whose connection Postgres ends costs nothing but time, and listens again', async () => {
  const app = await startTestApp('postgres')
  const key = await app.key('u1')
  const follower = await follow(app, key)
  const listeners = async () => (await app.database.query<{ pid: number }>(LISTENERS)).map(({ pid }) => pid)
  await until(async () => (await listeners()).length === 1)
  const naive = await readsOnHintsAlone(app)
  await until(async () => (await listeners()).length === 2)
  const before = await listeners()
  await app.database.query(
    sql`SELECT count(pg_terminate_backend(pid))::text AS ended FROM unnest(${before}::integer[]) AS pid`,
  )
  await app.connectionLogs.record([sentOf('a')])
  // As another process does which nobody hears.
  await app.database.execute(sql`
    INSERT INTO connection_logs (id, user_id, account_id, platform, event_type, connection_method, context, created_at)
    SELECT 'by another', user_id, 'b', platform, event_type, connection_method, context, created_at FROM connection_logs`)
  expect([await follower.nextLog(), await follower.nextLog()]).toEqual(['a', 'b'])
  await until(async () => (await listeners()).some((pid) => !before.includes(pid)))
  await follower.close()
  expect(naive, 'whoever looks when a hint comes, and then alone').not.toContain('b')
})

it('a listener that the network has forgotten is given up, and what was missed meanwhile is looked for', async () => {
  const { database, proxy, url } = await postgresBehindProxy(undo)
  const pool = new pg.Pool({ connectionString: database.url, max: 1 })
  undo(() => pool.end())
  const hintsOf = (connectionString: string) =>
    createHints({
      pool,
      settings: { connectionString },
      schema: 'connlog',
      clock: systemClock,
      logger: silentLogger,
      checkMs: 100,
    })
  const [there, here] = [hintsOf(database.url), hintsOf(url)]
  undo(there.stop, here.stop)
  let heard = 0
  here.listen(() => (heard += 1))
  await until(() => heard === 1)
  there.announce()
  await until(() => heard === 2)

  await proxy.setMode('blackhole')
  there.announce()
  await systemClock.sleep(400)
  expect(heard).toBe(2)
  await proxy.setMode('pass')
  await until(() => heard > 2)
  const caughtUp = heard
  await until(() => {
    there.announce()
    return heard > caughtUp
  })
})

it('a listener behind a pooler in transaction mode, where LISTEN succeeds and nothing is heard, says that it is deaf', async () => {
  const database = await createTestDatabase('postgres')
  undo(database.drop)
  const pooler = await startDeafPooler(Number(new URL(database.url).port))
  undo(pooler.stop)
  const behind = new URL(database.url)
  behind.port = String(pooler.port)
  const pool = new pg.Pool({ connectionString: behind.href, max: 1 })
  undo(() => pool.end())
  const said: string[] = []
  const warn = (_: object, message: string) => void said.push(message)
  const hintsOf = (connectionString: string) => {
    const hints = createHints({
      pool,
      settings: { connectionString },
      schema: 'connlog',
      clock: systemClock,
      logger: { ...silentLogger, warn },
      checkMs: 200,
    })
    undo(hints.stop)
    return hints
  }
  const [deaf, hearing] = [hintsOf(behind.href), hintsOf(database.url)]
  expect([deaf.isHearing(), hearing.isHearing()]).toEqual([undefined, undefined])
  deaf.listen(() => undefined)
  await until(() => said.length > 0)
  let heard = 0
  hearing.listen(() => (heard += 1))
  await until(() => {
    deaf.announce()
    expect(deaf.isHearing()).toBe(false)
    return heard > 5 && hearing.isHearing() === true
  })
  expect(said).toEqual([
    'what other processes tell is not heard, as behind a pooler: their logs come up to a second later',
  ])
})

it('a transaction that stays open keeps back what comes after it, says so, and nothing is lost', async () => {
  const app = await startTestApp('postgres')
  const key = await app.key('u1')
  const follower = await follow(app, key)
  const newest = { position: '0', account: '' }
  const naive: string[] = []
  /** Whoever goes on after the highest position he has seen. */
  const lookNaively = async () => {
    const rows = await app.database.query<typeof newest>(sql`
      SELECT position::text AS position, account_id AS account FROM connection_logs
      WHERE position > ${newest.position}::bigint ORDER BY connection_logs.position`)
    for (const row of rows) {
      newest.position = row.position
      naive.push(row.account)
    }
  }
  await app.connectionLogs.record([sentOf('first')])
  expect(await follower.nextLog()).toBe('first')
  await app.database.transaction(async (tx) => {
    await tx.execute(sql`
      INSERT INTO connection_logs (id, user_id, account_id, platform, event_type, connection_method, context, created_at)
      SELECT 'of the idle one', user_id, 'late', platform, event_type, connection_method, context, created_at FROM connection_logs`)
    for (const account of ['a', 'b']) await app.connectionLogs.record([sentOf(account)])
    await lookNaively()
    await until(() => app.feed.figures().heldBackMs > OPEN_MS)
  })
  const seen = [await follower.nextLog(), await follower.nextLog(), await follower.nextLog()]
  expect(seen).toEqual(['late', 'a', 'b'])
  await lookNaively()
  expect(naive, 'whoever goes on after the highest position').toEqual(['first', 'a', 'b'])
  await until(() => app.feed.figures().heldBackMs === 0)
  await follower.close()
})
