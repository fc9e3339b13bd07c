import pg from 'pg'
import { expect, it } from 'vitest'
import { createHints } from '../../src/database/postgres/hints.ts'
import { sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { startTestApp } from '../support/app.ts'
import { postgresBehindProxy } from '../support/behind-proxy.ts'
import { follow } from '../support/follower.ts'
import { sentOf } from '../support/sent.ts'
import { undoneAfterEach } from '../support/undo.ts'

const undo = undoneAfterEach()
const until = async (isSo: () => boolean | Promise<boolean>) => {
  while (!(await isSo())) await systemClock.sleep(5)
}

const LISTENERS = sql`SELECT pid FROM pg_stat_activity WHERE application_name = 'connlog feed' AND datname = current_database()`

it('a listener whose connection Postgres ends costs nothing but time, and listens again', async () => {
  const app = await startTestApp('postgres')
  const key = await app.key('u1')
  const follower = await follow(app, key)
  const listeners = async () => (await app.database.query<{ pid: number }>(LISTENERS)).map(({ pid }) => pid)
  await until(async () => (await listeners()).length === 1)
  const before = await listeners()
  await app.database.query(sql`SELECT pg_terminate_backend(${before[0]}::integer)::text AS ended`)
  await app.connectionLogs.record([sentOf('a')])
  // As another process does which nobody hears.
  await app.database.execute(sql`
    INSERT INTO connection_logs (id, user_id, account_id, platform, event_type, connection_method, context, created_at)
    SELECT 'by another', user_id, 'b', platform, event_type, connection_method, context, created_at FROM connection_logs`)
  expect([await follower.nextLog(), await follower.nextLog()]).toEqual(['a', 'b'])
  await until(async () => (await listeners()).some((pid) => !before.includes(pid)))
  await follower.close()
})

it('a listener that the network has forgotten is given up, and what was missed meanwhile is looked for', async () => {
  const { database, proxy, url } = await postgresBehindProxy(undo)
  const pool = new pg.Pool({ connectionString: database.url, max: 1 })
  undo(() => pool.end())
  const hintsOf = (connectionString: string) =>
    createHints({
      pool,
      settings: { connectionString },
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

it('a transaction that stays open keeps back what comes after it, says so, and nothing is lost', async () => {
  const app = await startTestApp('postgres')
  const key = await app.key('u1')
  const follower = await follow(app, key)
  await app.database.transaction(async (tx) => {
    await tx.query(sql`SELECT pg_current_xact_id()::text AS id`)
    for (const account of ['a', 'b']) await app.connectionLogs.record([sentOf(account)])
    await until(() => app.feed.figures().heldBackMs > 200)
  })
  expect([await follower.nextLog(), await follower.nextLog()]).toEqual(['a', 'b'])
  await until(() => app.feed.figures().heldBackMs === 0)
  await follower.close()
})
