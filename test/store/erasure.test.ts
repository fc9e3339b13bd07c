import { DatabaseSync } from '@photostructure/sqlite'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sightOf } from '../../src/auth/sight.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { raw, sql } from '../../src/database/sql.ts'
import { DAY_MS, systemClock } from '../../src/kernel/clock.ts'
import { createErasure } from '../../src/logs/erasure.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { CANARY, canariesIn, recordAll, telling } from '../support/canary.ts'
import { type TestClock, createTestClock } from '../support/clock.ts'
import { runCommand, startCommand } from '../support/command.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'

const REMAINS =
  "No query reads them any more. Their bytes stay in Postgres' files until the space is used again, those of a day at most until the day has expired; and in write-ahead logs and backups until those are gone."
const NOW = Date.UTC(2026, 10, 18, 12)
const numbered = (length: number) => Array.from({ length }, (_, index) => index)

/** Users of all kinds and, among them, one who is to be erased: logs old and new, counts merged and not, keys. */
async function populate(app: TestApp, clock: TestClock, provider: Provider): Promise<void> {
  for (const daysAgo of [8, 3, 0]) {
    clock.set(NOW - daysAgo * DAY_MS)
    const sent = numbered(240).flatMap((index) => [
      telling(CANARY, daysAgo * 1_000 + index),
      telling('robin', daysAgo * 1_000 + index),
      telling('wren', daysAgo * 1_000 + index, { userId: `user-${index % 30}` }),
    ])
    await recordAll(app, clock, sent)
    if (daysAgo === 3) await app.counts.merge()
  }
  await app.key(`${CANARY}-user`)
  await app.keys.create({ userId: `${CANARY}-user`, scopes: ['logs:read'], name: `${CANARY} phone` })
  await app.key('robin-user')
  if (provider === 'postgres') await asAdmin(app.url, 'ANALYZE')
}

async function asAdmin(url: string, ...statements: string[]): Promise<unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    let rows: unknown[] = []
    for (const statement of statements) ({ rows } = await client.query(statement))
    return rows
  } finally {
    await client.end()
  }
}

/** What others can see of their logs, and whether their events are still known. */
async function seenByOthers(app: TestApp): Promise<unknown> {
  const seen = []
  for (const userId of ['robin-user', 'user-3']) {
    const logs = app.connectionLogsOf({ ...OPERATOR_OF(userId) })
    const stats = await logs.stats({}, { days: 7, interval: 'day' })
    seen.push(
      await logs.page({}, { limit: 100 }),
      (await logs.page({ errorCode: ['robin-1', 'wren-1'] }, {})).pagination,
      (await logs.page({ search: 'robin fail' }, {})).pagination,
      { total: stats.total, successRate: stats.successRate },
    )
  }
  return seen
}

const OPERATOR_OF = (userId: string) => ({
  keyId: null,
  name: null,
  userId,
  scopes: new Set(['logs:read', 'logs:write', 'admin'] as const),
  expiresAt: null,
})

async function miscounted(app: TestApp): Promise<number> {
  let wrong = 0
  for (const day of await app.counts.days()) wrong += await app.counts.miscounted(day)
  return wrong
}

describe.each(PROVIDERS)('erasing a user on %s', (provider) => {
  let app: TestApp
  const clock = createTestClock(NOW)
  const erase = (...args: string[]) =>
    runCommand(['erase', ...args], { DATABASE_URL: app.url, LOG_LEVEL: 'error' })

  beforeAll(async () => {
    app = keep(await startTestApp(provider, { clock }))
    await populate(app, clock, provider)
  })
  afterAll(() => app.stop())

  it('leaves no trace of the user, and everything of everybody else', async () => {
    expect(await canariesIn(app.url)).toHaveLength(5)
    const before = await seenByOthers(app)

    const dry = await erase('--user', `${CANARY}-user`, '--dry-run')
    expect(dry).toMatchObject({ code: 0, stderr: '' })
    expect(dry.stdout.split('\n')[0]).toBe(
      `user ${CANARY}-user: would erase 720 logs, 308 event ids, 2 keys.`,
    )
    expect(await seenByOthers(app)).toEqual(before)

    const done = await erase('--user', `${CANARY}-user`)
    expect(done).toMatchObject({ code: 0, stderr: '' })
    const lines = done.stdout.split('\n')
    expect(lines[0]).toBe(`user ${CANARY}-user: erased 720 logs, 308 event ids, 2 keys.`)
    expect(lines[1]).toMatch(/^Begun \S+Z, ended \S+Z\.$/)
    expect(lines.slice(2)).toEqual([
      'The space in which they stood is cleaned up.',
      ...(provider === 'postgres' ? [REMAINS] : []),
      '',
    ])

    expect(await canariesIn(app.url)).toEqual([])
    expect(await miscounted(app)).toBe(0)
    expect(await seenByOthers(app)).toEqual(before)
    const again = await app.connectionLogs.recordEach([{ value: telling('robin', 0), at: '' }])
    expect(again).toEqual([expect.objectContaining({ created: false })])
  })

  it('is done again without harm', async () => {
    const { code, stdout } = await erase('--user', `${CANARY}-user`, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      userId: `${CANARY}-user`,
      accountId: null,
      dryRun: false,
      logs: 0,
      eventIds: 0,
      apiKeys: 0,
      begunAt: expect.stringMatching(/Z$/),
      endedAt: expect.stringMatching(/Z$/),
      isComplete: true,
      scrubbed: true,
      remark: provider === 'postgres' ? REMAINS : null,
    })
  })

  it('forgets the events too: one that is sent again is stored anew', async () => {
    const [recorded] = await app.connectionLogs.recordEach([{ value: telling(CANARY, 0), at: '' }])
    expect(recorded).toMatchObject({ created: true })
  })
})

describe.each(PROVIDERS)('erasing an account on %s', (provider) => {
  it('takes its logs and event ids with whichever user, and only those of one user where one is named', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock })
    const sent = ['robin', 'wren', 'lark'].flatMap((bird) =>
      numbered(60).map((index) => ({
        ...telling(bird, index),
        ...(index % 2 === 0 ? { ...telling(CANARY, index), userId: `${bird}-user` } : {}),
        ...(index % 6 === 0 ? { eventId: `${CANARY}-event-${bird}-${index}` } : {}),
      })),
    )
    await recordAll(app, clock, sent)
    await app.counts.merge()
    const total = async (filter: object) => (await app.connectionLogs.page(filter, {})).pagination.total

    const accountId = `${CANARY}-account`
    const measured = await app.connectionLogs.erase({ userId: 'wren-user', accountId }, { dryRun: true })
    expect(measured).toMatchObject({ logs: 30, apiKeys: 0, isComplete: false, scrubbed: false })
    expect(await total({ accountId: [accountId] })).toBe(90)
    expect(await app.connectionLogs.erase({ userId: 'wren-user', accountId })).toMatchObject({
      userId: 'wren-user',
      accountId,
      logs: 30,
      eventIds: measured.eventIds,
      isComplete: true,
    })
    expect(await total({ accountId: [accountId] })).toBe(60)
    expect(await total({ userId: ['wren-user'] })).toBe(30)

    const env = { DATABASE_URL: app.url, LOG_LEVEL: 'error' }
    const done = await runCommand(['erase', '--account', accountId], env)
    expect(done.stdout).toMatch(
      new RegExp(`^account ${accountId}: erased 60 logs, \\d+ event ids, 0 keys\\.`),
    )
    expect(await canariesIn(app.url)).toEqual([])
    expect(await total({})).toBe(90)
    expect(await miscounted(app)).toBe(0)
  })
})

describe.each(PROVIDERS)('an erasure on %s that is interrupted', (provider) => {
  /** An erasure whose transactions fail from the nth on, as they do when the database goes away. */
  function failingFrom(app: TestApp, nth: number) {
    let transactions = 0
    const { eraser } = app.database
    return createErasure(
      {
        ...app.database,
        eraser: {
          ...eraser,
          transaction: (work) =>
            eraser.transaction(async (tx) => {
              const result = await work(tx)
              transactions += 1
              if (transactions >= nth) throw new Error('the database went away')
              return result
            }),
        },
      },
      connectionLogKind,
      systemClock,
    )
  }

  it('has erased whole batches and nothing else, and ends the work when it is run again', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock })
    await recordAll(
      app,
      clock,
      numbered(700).map((index) => telling(CANARY, index)),
    )
    await recordAll(
      app,
      clock,
      numbered(100).map((index) => telling('robin', index)),
    )
    const whole = {
      sight: sightOf({ userId: `${CANARY}-user` }),
      filter: {},
      isWholeUser: true,
    }
    const left = async () => (await failingFrom(app, 1).measure(whole)).logs
    for (const [nth, logs] of [
      [1, 700],
      [2, 450],
      [1, 450],
      [2, 200],
      [3, 0],
    ] as const) {
      await expect(failingFrom(app, nth).erase(whole)).rejects.toThrow('the database went away')
      expect(await left()).toBe(logs)
      expect(await miscounted(app)).toBe(0)
    }
    const env = { DATABASE_URL: app.url, LOG_LEVEL: 'error' }
    expect(await runCommand(['erase', '--user', `${CANARY}-user`], env)).toMatchObject({ code: 0 })
    expect(await canariesIn(app.url)).toEqual([])
    expect((await app.connectionLogs.page({}, {})).pagination.total).toBe(100)
  })

  it('by SIGKILL ends the work when it is run again, and by SIGTERM says so', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock })
    await recordAll(
      app,
      clock,
      numbered(2_000).map((index) => telling(CANARY, index)),
    )
    const env = { DATABASE_URL: app.url, LOG_LEVEL: 'error' }
    const left = async () =>
      (await app.connectionLogs.page({ userId: [`${CANARY}-user`] }, {})).pagination.total
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const before = await left()
      const erasing = startCommand(['erase', '--user', `${CANARY}-user`], env)
      while ((await left()) === before) await systemClock.sleep(1)
      erasing.kill(signal)
      const { code, stdout } = await erasing.finished
      if (signal === 'SIGTERM' && (await left()) > 0) {
        expect(code).toBe(1)
        expect(stdout).toMatch(
          /stopped half-way, erased [\d,]+ logs.*\n.*\nRun the same again to erase the rest\.\n$/,
        )
      }
      expect(await miscounted(app)).toBe(0)
    }
    expect(await runCommand(['erase', '--user', `${CANARY}-user`], env)).toMatchObject({ code: 0 })
    expect(await canariesIn(app.url)).toEqual([])
    expect(await miscounted(app)).toBe(0)
  })
})

describe.each(PROVIDERS)('what only deletes the logs on %s', (provider) => {
  it.each([
    ['by hand', async (app: TestApp) => app.database.execute(DELETE_LOGS)],
    [
      'with their event ids, counts and keys',
      async (app: TestApp) => {
        const { eraser } = app.database
        await app.database.apiKeys.deleteMany({ where: { userId: `${CANARY}-user` } })
        const erasure = createErasure({ ...app.database, eraser }, connectionLogKind, systemClock)
        const sight = sightOf({ userId: `${CANARY}-user` })
        await erasure.erase({ sight, filter: {}, isWholeUser: true })
      },
    ],
  ])('%s leaves canaries', async (_, remove) => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock })
    await populate(app, clock, provider)
    await remove(app)
    expect(await canariesIn(app.url)).not.toEqual([])
  })
})

const DELETE_LOGS = sql`DELETE FROM ${raw('connection_logs')} WHERE user_id = ${`${CANARY}-user`}`

describe('space that somebody still reads', () => {
  it('is named on SQLite, where the service itself does not write the file anew', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp('sqlite', { clock })
    await populate(app, clock, 'sqlite')
    const receipt = await app.connectionLogs.erase({ userId: `${CANARY}-user` })
    expect(receipt).toMatchObject({ logs: 720, apiKeys: 2, isComplete: true, scrubbed: false })
    expect(receipt.remark).toBe(
      'What was deleted has been overwritten, but the file was not written anew, and may hold copies that SQLite made when it moved rows. `connlog erase` for the same, or VACUUM, removes them.',
    )

    const reader = new DatabaseSync(app.url.slice('file:'.length), { readOnly: true })
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM connection_logs').get()
    const env = { DATABASE_URL: app.url, LOG_LEVEL: 'error' }
    const held = await runCommand(['erase', '--user', `${CANARY}-user`], env)
    expect(held.code).toBe(1)
    expect(held.stdout).toContain(
      'The write-ahead log beside the file could not be emptied, because another process reads from it. Run the same again.',
    )
    reader.exec('COMMIT')
    reader.close()
    expect(await runCommand(['erase', '--user', `${CANARY}-user`], env)).toMatchObject({ code: 0 })
    expect(await canariesIn(app.url)).toEqual([])
  })

  it('is named on Postgres', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp('postgres', { clock })
    await recordAll(
      app,
      clock,
      numbered(40).map((index) => telling(CANARY, index)),
    )
    const reader = new pg.Client(app.url)
    await reader.connect()
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await reader.query('SELECT count(*) FROM connection_logs')
    const receipt = await app.connectionLogs.erase({ userId: `${CANARY}-user` })
    expect(receipt).toMatchObject({ logs: 40, isComplete: true, scrubbed: false })
    expect(receipt.remark).toBe(
      'Deleted rows still stand in the tables, because a transaction that began before they were deleted may see them. End it, and run the same again or VACUUM. After an upgrade, wait until the search terms of stored logs are rewritten.',
    )
    await reader.query('COMMIT')
    await reader.end()
    expect(await app.connectionLogs.erase({ userId: `${CANARY}-user` })).toMatchObject({ scrubbed: true })
  })
})
