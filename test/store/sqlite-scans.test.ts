import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sight, sightOf } from '../../src/auth/sight.ts'
import { type ConnectionFilterInput, parseConnectionFilter } from '../../src/connections/filter.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { termOfTenant } from '../../src/connections/words.ts'
import type { Sql } from '../../src/database/sql.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { createQuery } from '../../src/logs/query.ts'
import { createLogStore } from '../../src/logs/store.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const HORIZON = { nowMs: NOW, retentionMs: 7 * DAY_MS }
const LOGS = 8_192
const BUSY = sightOf({ userId: 'busy' })
const EVERYONE = sightOf({ userId: null })

/** Each goes through all logs, or all that have one value, and finds none. */
const FILTERS: readonly [name: string, filter: ConnectionFilterInput][] = [
  ['by connection method', { connectionMethod: ['invitation'] }],
  ['by account and method', { accountId: ['a1'], connectionMethod: ['invitation'] }],
  ['by accounts and method', { accountId: ['a1', 'a2'], connectionMethod: ['invitation'] }],
  ['by error code and method', { errorCode: ['c1'], connectionMethod: ['invitation'] }],
  ['by words and method', { search: 'common', connectionMethod: ['invitation'] }],
  ['by words and an account', { search: 'common', accountId: ['nobody', 'nothing'] }],
]

type Store = ReturnType<typeof createLogStore<never, never>>

describe.each([
  ['a tenant', BUSY],
  ['everyone', EVERYONE],
] as const)('statements over the logs of %s on SQLite', (_, sight: Sight) => {
  let app: TestApp
  beforeAll(async () => {
    app = keep(await startTestApp('sqlite', { clock: createTestClock(NOW) }))
    fill(app)
  })
  afterAll(() => app.stop())

  it.each(FILTERS)(
    '%s ask whether they are still wanted, all through a scan that finds nothing',
    async (_, filter) => {
      const query = createQuery<never>(sight, parseConnectionFilter(filter) as never, HORIZON)
      const reads: [string, (store: Store) => Promise<unknown>][] = [
        ['page', (store) => store.page(query, { limit: 10, skip: 0 })],
        ['count', (store) => store.count(query)],
        ['slice', (store) => store.slice(query, { toward: 'older', limit: 10 })],
        ['breakdown', (store) => store.breakdown(query, [{ fromMs: NOW - 7 * DAY_MS }])],
        ['top details', (store) => store.topDetails(query, 10)],
        ['sample', (store) => store.sample(query, 'durationMs', { all: 100, some: 100 })],
        ['everything', async (store) => store.everything(() => query).next()],
      ]
      const scans = new Set<string>()
      for (const [name, read] of reads) {
        for (const statement of await statementsOf(app, read)) {
          if (!statement.sql.includes('is_running()')) continue
          const { asked, stopped, passed } = scan(app, statement)
          // What goes through nothing, since an index finds that nothing matches, need not ask.
          if (passed < 2_048) continue
          scans.add(name)
          expect(asked, `${name}: ${statement.sql}`).toBeGreaterThanOrEqual(Math.floor(passed / 1_024) - 1)
          expect(stopped, `${name} goes on`).toBe(1)
        }
      }
      expect([...scans]).toEqual(expect.arrayContaining(['slice', 'sample', 'everything']))
    },
  )

  it.each([
    ['at most the limit', 1_500, 1_501],
    ['all logs, where the limit is higher', 100_000, LOGS],
  ])('of a page by cursor each go through %s', async (_, maxRows, most) => {
    const passed: number[] = []
    for (const [, filter] of FILTERS.filter(([, { search }]) => search === undefined)) {
      const query = createQuery<never>(sight, parseConnectionFilter(filter) as never, HORIZON)
      const from = { createdAt: NOW, id: 'x' }
      const read = (store: Store) => store.slice(query, { from, toward: 'older', limit: 10 })
      for (const statement of await statementsOf(app, read, { maxRows }))
        passed.push(scan(app, statement).passed)
    }
    expect(Math.max(...passed)).toBeLessThanOrEqual(most)
    // So that the limit is what stops them.
    expect(Math.max(...passed)).toBeGreaterThan(1_000)
  })

  it('that scan are among them, and without the question they cannot be stopped', async () => {
    const query = createQuery<never>(sight, { connectionMethod: ['invitation'] } as never, HORIZON)
    const statements = await statementsOf(app, async (store) => store.everything(() => query).next())
    const statement = statements.at(-1)
    if (!statement) throw new TypeError('no statement')
    const { asked, passed } = scan(app, statement)
    expect(passed).toBeGreaterThanOrEqual(LOGS)
    expect(asked).toBeGreaterThanOrEqual(LOGS / 1_024 - 1)
    const deaf = statement.sql.replaceAll(/\((position|rowid) & 1023 OR is_running\(\)\)/g, 'TRUE')
    expect(deaf).not.toContain('is_running')
    expect(scan(app, { sql: deaf, values: statement.values }).stopped).toBe(0)
  })
})

/** Logs of one tenant, of every kind but one. */
function fill({ url }: TestApp): void {
  const db = new DatabaseSync(url.slice('file:'.length))
  db.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ${LOGS})
    INSERT INTO connection_logs (id, user_id, account_id, platform, event_type, connection_method, error_code, context, terms, created_at)
    SELECT printf('%036d', i), 'busy', 'a' || (i % 2 + 1), 'reddit', 'connect_failed', 'oauth', 'c1', '{}',
      (SELECT terms FROM (SELECT 'common ' || '${termOfTenant('busy', 'common')}' AS terms)), ${NOW - DAY_MS} + i
    FROM n`)
  db.close()
}

async function statementsOf(
  { database }: TestApp,
  work: (store: Store) => Promise<unknown>,
  options: { maxRows?: number } = {},
): Promise<Sql[]> {
  const statements: Sql[] = []
  const spied = {
    ...database,
    query: async <Row>(statement: Sql) => {
      statements.push(statement)
      return database.query<Row>(statement)
    },
  }
  await work(createLogStore(spied, connectionLogKind as never, { countedFrom: 0, ...options }))
  return statements
}

/** Runs a statement: how often it asks, how many steps it took by the way, and how it ends when it is told to stop. */
function scan({ url }: TestApp, { sql, values }: Pick<Sql, 'sql' | 'values'>) {
  const db = new DatabaseSync(url.slice('file:'.length))
  let [asked, passed, isStopping] = [0, 0, false]
  db.function('is_running', () => {
    asked += 1
    if (isStopping) throw new Error('stop')
    return 1
  })
  db.function('passed', () => {
    passed += 1
    return 1
  })
  const bound = values as (string | number | bigint)[]
  try {
    // Asked for each row that the statement goes through.
    db.prepare(sql.replaceAll(/\((position|rowid) & 1023 OR/g, '(NOT passed() OR $1 & 1023 OR')).all(...bound)
    asked = 0
    db.prepare(sql).all(...bound)
    const whole = asked
    isStopping = true
    asked = 0
    let stopped = 0
    try {
      db.prepare(sql).all(...bound)
    } catch {
      stopped = asked
    }
    return { asked: whole, passed, stopped }
  } finally {
    db.close()
  }
}
