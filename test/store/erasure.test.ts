import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { raw, sql } from '../../src/database/sql.ts'
import { DAY_MS, HOUR_MS, dayOf } from '../../src/kernel/clock.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { CANARY, canariesIn, recordAll, telling } from '../support/canary.ts'
import { type TestClock, createTestClock } from '../support/clock.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'

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
    expect(lines.slice(2)).toEqual(['The space in which they stood has been cleaned up.', ''])

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
      remark: null,
    })
  })

  it('forgets the events too: one that is sent again is stored anew', async () => {
    const [recorded] = await app.connectionLogs.recordEach([{ value: telling(CANARY, 0), at: '' }])
    expect(recorded).toMatchObject({ created: true })
  })
})
