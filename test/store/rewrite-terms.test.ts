import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { OPERATOR } from '../../src/auth/principal.ts'
import { parseConfig } from '../../src/config/config.ts'
import type { ConnectionLog } from '../../src/connections/event.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import type { Database } from '../../src/database/port.ts'
import { TERMS_LOCK } from '../../src/database/postgres/locks.ts'
import { sql } from '../../src/database/sql.ts'
import { readTermsState } from '../../src/database/terms-state.ts'
import { SECOND_MS, systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createTermsRewriter } from '../../src/logs/rewrite-terms.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS, type TestDatabase, createTestDatabase } from '../support/databases.ts'

const EVENT = { platform: 'reddit', eventType: 'connect_success', connectionMethod: 'oauth' } as const
const NAMES = ['İbrahim', 'Straßenfest', 'ΟΔΥΣΣΕΥΣ', 'Jose\u0301', '한글', 'plain name', '❤\uFE0F']
const LOGS = 400

const eventIdsOf = (logs: readonly ConnectionLog[]) => new Set(logs.map(({ eventId }) => eventId))

/** What a version before the folding stored. */
function oldTerms(text: string): string | null {
  const words = [
    ...new Set(
      text
        .normalize('NFKC')
        .toLowerCase()
        .match(/[\p{L}\p{N}\p{M}]+/gu),
    ),
  ]
  return words.length === 0 ? null : words.join(' ')
}

describe.each(PROVIDERS)('rewriting search terms on %s', (provider) => {
  let testDatabase: TestDatabase
  let app: App
  /** The cursor of before there were logs. */
  let beginning: string

  const open = async () => {
    const config = parseConfig({ DATABASE_URL: testDatabase.url, RATE_LIMIT_PER_MINUTE: '0' })
    app = await createApp({ config, logger: silentLogger })
    await app.database.migrations.apply()
  }
  const rewriter = (database: Database = app.database) =>
    createTermsRewriter(database, connectionLogKind, { clock: systemClock, logger: silentLogger })

  const record = (count: number, prefix: string, more: object = {}) =>
    app.connectionLogs.record(
      Array.from({ length: count }, (_, index) => ({
        at: '',
        index,
        value: {
          ...EVENT,
          eventId: `${prefix}${index}`,
          userId: `u${index % 3}`,
          success: { displayName: NAMES[index % NAMES.length] },
          ...more,
        },
      })),
    )

  /** Gives logs the terms that an earlier version stored, in rows that look as they were recorded. */
  async function makeOld(eventIds = '%'): Promise<void> {
    if (provider === 'postgres') await rerecord(eventIds)
    else
      for (const name of NAMES)
        await app.database.execute(
          sql`UPDATE connection_logs SET terms = ${oldTerms(name)}
            WHERE success ->> 'displayName' = ${name} AND event_id LIKE ${eventIds}`,
        )
    await app.database.execute(sql`UPDATE instance SET terms_version = 0, terms_through_ms = NULL`)
  }

  /** On Postgres a row shows that a later transaction has changed it, so they are put in once more. */
  async function rerecord(eventIds: string): Promise<void> {
    const columns =
      'id, user_id, event_id, platform, event_type, connection_method, success, context, created_at, terms'
    const client = new pg.Client(testDatabase.url)
    await client.connect()
    await client.query('BEGIN')
    await client.query(
      `CREATE TEMP TABLE copies ON COMMIT DROP AS SELECT * FROM connection_logs WHERE event_id LIKE '${eventIds}'`,
    )
    for (const name of NAMES)
      await client.query(`UPDATE copies SET terms = $1 WHERE success ->> 'displayName' = $2`, [
        oldTerms(name),
        name,
      ])
    await client.query('DELETE FROM connection_logs WHERE event_id LIKE $1', [eventIds])
    await client.query(`INSERT INTO connection_logs (${columns}) SELECT ${columns} FROM copies`)
    await client.query('COMMIT')
    await client.end()
  }

  const found = async (search: string) =>
    (await app.connectionLogs.page({ search }, { limit: 1 })).pagination.total
  const SEARCHES = ['ibrahim', 'İBRAHİM', 'strassenfest', 'ΟΔΥΣΣΕΥΣ', 'JOSÉ', '한', 'plain']
  const findings = async () => Promise.all(SEARCHES.map(found))
  const countOf = (name: string) =>
    Array.from({ length: LOGS }, (_, index) => NAMES[index % NAMES.length]).filter((one) => one === name)
      .length
  const [ibrahim, fest, odysseus, jose, hangul, plain] = NAMES.map(countOf)
  const ALL = [ibrahim, ibrahim, fest, odysseus, jose, hangul, plain]

  beforeEach(async () => {
    testDatabase = await createTestDatabase(provider)
    await open()
    beginning = await app.connectionLogs.feedCursor()
    await record(LOGS, 'e')
    await makeOld()
  })
  afterEach(async () => {
    await app.stop()
    await testDatabase.drop()
  })

  it('lets searches find logs of an earlier version once a service runs on them', async () => {
    expect(await findings()).toEqual([0, 0, 0, 0, 0, 0, plain])
    expect(await rewriter().rewrite()).toBe(true)
    expect(await findings()).toEqual(ALL)
    expect(await readTermsState(app.database)).toEqual({ version: 1, throughMs: null })
    for (const user of ['u0', 'u1', 'u2']) {
      const logs = app.connectionLogsOf({ ...OPERATOR, userId: user })
      const { pagination } = await logs.page({ search: 'strass' }, {})
      const { logs: all } = await logs.page({}, { limit: 100 })
      expect(pagination.total).toBeGreaterThan(0)
      expect(all.filter(({ success }) => success?.displayName === 'Straßenfest').length).toBeLessThanOrEqual(
        pagination.total,
      )
    }
    expect(await found('\uFE0F1')).toBe(0)
  })

  it('is begun by a service that starts, and does nothing the next time', async () => {
    await app.start()
    while ((await readTermsState(app.database)).version === 0) await systemClock.sleep(5)
    expect(await findings()).toEqual(ALL)
    await app.stop()
    await open()
    await app.database.execute(sql`UPDATE connection_logs SET terms = 'as it is'`)
    expect(await rewriter().rewrite()).toBe(true)
    expect(await found('as it is')).toBe(LOGS)
  })

  it('goes on where a process was killed in the middle, and doctor says how far it is', async () => {
    const killed = new Error('killed')
    let transactions = 0
    const dying: Database = {
      ...app.database,
      writing: (work) => {
        transactions += 1
        if (transactions < 3) return app.database.writing(work)
        // The third one does its work and is never committed.
        return app.database.writing(async (tx) => {
          await work(tx)
          throw killed
        })
      },
    }
    await expect(rewriter(dying).rewrite()).rejects.toThrow()
    const { version, throughMs } = await readTermsState(app.database)
    expect({ version, isUnderWay: throughMs !== null }).toEqual({ version: 0, isUnderWay: true })
    await app.stop()
    const { stdout } = await runCommand(['doctor'], { DATABASE_URL: testDatabase.url, LOG_LEVEL: 'silent' })
    expect(stdout).toMatch(
      /note {3}search: the words of \d+ logs since 20\S+Z with letters beyond ASCII may be those of an earlier version/,
    )
    await open()
    expect(await rewriter().rewrite()).toBe(true)
    expect(await findings()).toEqual(ALL)
  })

  it('rewrites each of many logs of one millisecond', async () => {
    await app.database.execute(sql`DELETE FROM connection_logs`)
    await record(LOGS, 'same', { createdAt: new Date(systemClock.now() - SECOND_MS).toISOString() })
    await makeOld()
    expect(await rewriter().rewrite()).toBe(true)
    expect(await findings()).toEqual(ALL)
  })

  it('leaves to another transaction what that erases or records meanwhile', async () => {
    let turns = 0
    const busy: Database = {
      ...app.database,
      writing: async (work) => {
        turns += 1
        if (turns === 2) await app.connectionLogs.erase({ userId: 'u1' })
        if (turns === 3) await record(NAMES.length, 'late')
        return app.database.writing(work)
      },
    }
    expect(await rewriter(busy).rewrite()).toBe(true)
    const { logs } = await app.connectionLogs.page({ search: 'ibrahim' }, { limit: 100 })
    const ofName = (index: number) => NAMES[index % NAMES.length] === 'İbrahim'
    const kept = Array.from({ length: LOGS }, (_, index) => index).filter(
      (index) => ofName(index) && index % 3 !== 1,
    )
    expect(eventIdsOf(logs)).toEqual(new Set([...kept.map((index) => `e${index}`), 'late0']))
    const ofErased = await app.connectionLogs.page({ userId: ['u1'] }, {})
    expect(eventIdsOf(ofErased.logs)).toEqual(new Set(['late1', 'late4']))
  })

  it('keeps the feed whole: whoever comes back from before gets each log once', async () => {
    const stream = await app.connectionLogs.follow({}, { cursor: beginning, field: 'after' })
    const followed: (string | null)[] = []
    while (followed.length < LOGS) {
      if (followed.length === 10) expect(await rewriter().rewrite()).toBe(true)
      const { value } = await stream.next()
      followed.push(value.log.eventId)
    }
    await stream.return()
    expect(new Set(followed).size).toBe(LOGS)
    const after = await app.connectionLogs.follow({}, { cursor: beginning, field: 'after' })
    const again: (string | null)[] = []
    while (again.length < LOGS) again.push((await after.next()).value.log.eventId)
    await after.return()
    expect(again).toEqual(followed)
  })

  it('keeps exports whole: what was recorded after they began is not in them, though it is rewritten', async () => {
    await record(200, 'more')
    const exported: (string | null)[] = []
    for await (const logs of app.connectionLogs.everything({})) {
      if (exported.length === 0) {
        await record(60, 'meanwhile')
        await makeOld('meanwhile%')
        expect(await rewriter().rewrite()).toBe(true)
      }
      exported.push(...logs.map(({ eventId }) => eventId))
    }
    expect(new Set(exported).size).toBe(LOGS + 200)
    expect(exported).toHaveLength(LOGS + 200)
    expect(exported.filter((id) => id?.startsWith('meanwhile'))).toEqual([])
  })

  it.runIf(provider === 'postgres')('is done by one process at a time', async () => {
    const other = new pg.Client(testDatabase.url)
    await other.connect()
    await other.query('BEGIN')
    await other.query(`SELECT pg_advisory_xact_lock(${TERMS_LOCK})`)
    expect(await rewriter().rewrite()).toBe(false)
    expect(await readTermsState(app.database)).toEqual({ version: 0, throughMs: null })
    await other.query('ROLLBACK')
    await other.end()
    expect(await rewriter().rewrite()).toBe(true)
    expect(await findings()).toEqual(ALL)
  })
})
