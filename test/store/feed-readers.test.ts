import { describe, expect, it } from 'vitest'
import type { ConnectionLog } from '../../src/connections/event.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import type { Sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type Feed, createFeed } from '../../src/logs/feed.ts'
import type { FeedReader } from '../../src/logs/feed-reader.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { undoneAfterEach } from '../support/undo.ts'

const undo = undoneAfterEach()

const record = async (
  app: TestApp,
  feed: Feed<ConnectionLog>,
  accounts: readonly string[],
  userId = 'u1',
) => {
  const sent = accounts.map((accountId, index) => ({
    at: '',
    index,
    value: { userId, accountId, platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' },
  }))
  await app.connectionLogs.record(sent)
  feed.announce()
}

const accountsOf = async (reader: FeedReader<ConnectionLog>, count: number) => {
  const accounts: (string | null | undefined)[] = []
  while (accounts.length < count) accounts.push((await reader.next())?.log.accountId)
  return accounts
}

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}${n}`)

describe.each(PROVIDERS)('those who follow the feed, on %s', (provider) => {
  /** A feed of its own, and the statements that it sends. */
  async function start() {
    const app = await startTestApp(provider)
    const statements: Sql[] = []
    const spied = {
      ...app.database,
      query: <Row>(statement: Sql) => {
        statements.push(statement)
        return app.database.query<Row>(statement)
      },
    }
    const feed = createFeed(spied, connectionLogKind, { clock: systemClock, logger: silentLogger })
    undo(feed.stop)
    const follow = async (users: readonly string[] | undefined = ['u1']) => {
      const { mark } = await feed.state()
      return feed.follow({ users, from: mark, accepts: () => true })
    }
    /** Reads for one reader alone: those of all together are of more logs at a time. */
    const ownReads = () => statements.filter(({ values }) => values.includes(50)).length
    return { app, feed, follow, ownReads, statements }
  }

  it('share what is read: forty of them cost no more reads than one', async () => {
    const { app, feed, follow, ownReads } = await start()
    const first = await follow()
    await record(app, feed, ['a'])
    expect(await accountsOf(first, 1)).toEqual(['a'])
    const before = ownReads()
    const others = await Promise.all(Array.from({ length: 40 }, () => follow()))
    const everyone = await follow(undefined)
    for (let n = 0; n < 5; n += 1) await record(app, feed, numbered(`${n}.`, 4))
    const expected = Array.from({ length: 5 }, (_, n) => numbered(`${n}.`, 4)).flat()
    for (const reader of [first, ...others]) expect(await accountsOf(reader, 20)).toEqual(expected)
    expect(await accountsOf(everyone, 20)).toEqual(expected)
    // The one who follows everyone was the first to do so.
    expect(ownReads() - before).toBeLessThanOrEqual(2)
  })

  it('hold no more than a page each: who is slow reads by himself, later, and misses nothing', async () => {
    const { app, feed, follow, ownReads } = await start()
    const [slow, quick, foreign] = [await follow(), await follow(), await follow(['u2'])]
    const accounts = numbered('a', 3_000)
    const taken = accountsOf(quick, accounts.length)
    for (let n = 0; n < 3; n += 1) await record(app, feed, accounts.slice(n * 1_000, (n + 1) * 1_000))
    await record(app, feed, ['for u2'], 'u2')
    expect(new Set(await taken)).toEqual(new Set(accounts))
    expect(await accountsOf(foreign, 1)).toEqual(['for u2'])
    expect(feed.figures().heldEvents).toBeLessThanOrEqual(1_000)
    const before = ownReads()
    const late = await accountsOf(slow, accounts.length)
    expect([new Set(late).size, new Set(late)]).toEqual([accounts.length, new Set(accounts)])
    expect(ownReads() - before).toBeGreaterThan(10)
  })

  it('are told at once when it ends, wait for nobody, and leave nothing running', async () => {
    const { feed, follow } = await start()
    const [waiting, idle, failing] = [await follow(), await follow(), await follow()]
    const [next, failed] = [waiting.next(), failing.next()]
    const reason = new Error('ended')
    failing.end(reason)
    await expect(failed).rejects.toBe(reason)
    expect(await failing.next()).toBeUndefined()
    expect(feed.figures().readers).toBe(2)
    await feed.stop()
    expect([await next, await idle.next()]).toEqual([undefined, undefined])
    expect(feed.figures()).toEqual({ readers: 0, heldEvents: 0, heldBackMs: 0 })
  })

  it('see whether the next event is here, and have not come further by that', async () => {
    const { app, feed, follow } = await start()
    const { mark } = await feed.state()
    const picky = feed.follow({
      users: ['u1'],
      from: mark,
      accepts: ({ log }) => log.accountId !== 'refused',
    })
    const ahead = await follow()
    expect([ahead.isAtHand(), picky.isAtHand()]).toEqual([false, false])
    await record(app, feed, ['a'])
    await record(app, feed, ['refused'])
    await record(app, feed, ['b'])
    expect(await accountsOf(ahead, 3)).toEqual(['a', 'refused', 'b'])
    const before = await accountsOf(picky, 1)
    const place = picky.mark()
    expect([before, picky.isAtHand(), picky.isAtHand(), picky.mark()]).toEqual([['a'], true, true, place])
    expect(await accountsOf(picky, 1)).toEqual(['b'])
    expect(picky.isAtHand()).toBe(false)
    picky.end()
    expect(picky.isAtHand()).toBe(false)
  })

  it('give nothing of what was erased while it was at hand', async () => {
    const { app, feed, follow } = await start()
    const [one, quick] = [await follow(), await follow()]
    for (const account of ['a', 'gone', 'b']) await record(app, feed, [account])
    expect(await accountsOf(quick, 3)).toEqual(['a', 'gone', 'b'])
    expect(await accountsOf(one, 1)).toEqual(['a'])
    expect(one.isAtHand()).toBe(true)
    await app.connectionLogs.erase({ accountId: 'gone' })
    feed.forget()
    expect(await accountsOf(one, 1)).toEqual(['b'])
  })

  it('forgets what was erased', async () => {
    const { app, feed, follow } = await start()
    const [slow, quick] = [await follow(), await follow()]
    await record(app, feed, ['first'])
    await record(app, feed, ['a', 'b'])
    expect(new Set(await accountsOf(quick, 3))).toEqual(new Set(['first', 'a', 'b']))
    expect(feed.figures().heldEvents).toBe(3)
    expect(await accountsOf(slow, 1)).toEqual(['first'])
    await app.connectionLogs.erase({ accountId: 'a' })
    feed.forget()
    expect(feed.figures().heldEvents).toBe(0)
    expect(await accountsOf(slow, 1)).toEqual(['b'])
  })

  it('asks the database nothing while nobody follows', async () => {
    const { app, feed, follow, statements } = await start()
    const reader = await follow()
    await record(app, feed, ['a'])
    expect(await accountsOf(reader, 1)).toEqual(['a'])
    reader.end()
    await record(app, feed, ['b'])
    // The read that was under way.
    await systemClock.sleep(200)
    const before = statements.length
    await record(app, feed, ['c'])
    await systemClock.sleep(1_200)
    expect(statements.length).toBe(before)
  })
})
