import { DatabaseSync } from '@photostructure/sqlite'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionLogKind } from '../../src/connections/kind.ts'
import {
  type ConnectionFilter,
  type ConnectionFilterInput,
  parseConnectionFilter,
} from '../../src/connections/filter.ts'
import type { ConnectionLog } from '../../src/connections/event.ts'
import type { FeedStateRow } from '../../src/database/following.ts'
import type { Database } from '../../src/database/port.ts'
import { type Sql, raw, sql } from '../../src/database/sql.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { createIdMint } from '../../src/kernel/ids.ts'
import { type Sight, sightOf } from '../../src/auth/sight.ts'
import { type Query, createQuery } from '../../src/logs/query.ts'
import { type LogStore, createLogStore } from '../../src/logs/store.ts'
import { demoEvents } from '../../src/demo/events.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const HORIZON = { nowMs: NOW, retentionMs: 7 * DAY_MS }
const USER = sightOf({ userId: 'busy' })
const EVERYONE = sightOf({ userId: null })

/** What serves each question; a plan that does not name it, or that reads a whole table, fails. */
const HOT: [name: string, sight: Sight, filter: ConnectionFilterInput, index: RegExp][] = [
  ['a tenant, unfiltered', USER, {}, /_tenant_idx|_pkey/],
  ['a tenant by platform', USER, { platform: ['reddit'] }, /_tenant_idx|_pkey/],
  ['a tenant by status', USER, { status: 'failed' }, /_tenant_idx|_pkey/],
  ['a tenant by event type', USER, { eventType: ['disconnect'] }, /_tenant_idx|_pkey/],
  ['a tenant by connection method', USER, { connectionMethod: ['oauth'] }, /_tenant_idx|_pkey/],
  ['a tenant by time', USER, { createdAfter: NOW - 3_600_000, createdBefore: NOW }, /_tenant_idx|_pkey/],
  ['a tenant by account', USER, { accountId: ['account-7'] }, /_account_id|_account_idx/],
  ['a tenant by accounts', USER, { accountId: ['account-7', 'account-8'] }, /_account_id|_account_idx/],
  ['a tenant by profile', USER, { profileId: ['profile-7'] }, /_profile_id|_profile_idx/],
  ['a tenant by error code', USER, { errorCode: ['code-7'] }, /_error_code/],
  ['a tenant by words', USER, { search: 'seldom needle' }, /_array_to_tsvector_idx|_terms|VIRTUAL TABLE/],
  ['everyone, unfiltered', EVERYONE, {}, /_all_idx|_created_at_id/],
  ['everyone by account', EVERYONE, { accountId: ['account-7'] }, /_account_id|_account_idx/],
  ['everyone by error code', EVERYONE, { errorCode: ['code-7'] }, /_error_code/],
  ['everyone by words', EVERYONE, { search: 'seldom' }, /_array_to_tsvector_idx|_terms|VIRTUAL TABLE/],
  ['everyone, one user', EVERYONE, { userId: ['busy'] }, /_tenant_idx|_pkey/],
]

describe.each(PROVIDERS)('plans on %s', (provider) => {
  const read = provider === 'postgres' ? blocksRead : entriesRead
  let app: TestApp

  beforeAll(async () => {
    app = keep(await startTestApp(provider, { clock: createTestClock(NOW) }))
    const events = demoEvents({ nowMs: NOW, days: 6.5, count: 12_000, seed: 1 })
    const busy = events.map((event, index) => ({
      ...event,
      userId: index % 4 === 0 ? 'busy' : `other-${index % 50}`,
      accountId: `account-${index % 2_000}`,
      profileId: `profile-${index % 2_000}`,
      error: {
        code: `code-${index % 1_000}`,
        message: index % 2_000 === 0 ? 'a seldom seen needle' : `message ${index}`,
      },
    }))
    for (let start = 0; start < busy.length; start += 1_000) {
      await app.connectionLogs.record(busy.slice(start, start + 1_000).map((value) => ({ value, at: '' })))
    }
    if (provider === 'postgres') await app.database.execute(sql`VACUUM ANALYZE connection_logs`)
  })
  afterAll(() => app.stop())

  it.each(HOT)('%s is served by its index', async (_, sight, filter, index) => {
    const query = createQuery(sight, parseConnectionFilter(filter), HORIZON)
    const plan = await explained(provider, app, (store) => store.page(query, { limit: 50, skip: 100 }))
    expect(plan).toMatch(index)
    expect(scans(provider, plan), plan).toEqual([])
  })

  it.each([
    ['a tenant', USER, /_tenant_idx|_pkey/],
    ['everyone', EVERYONE, /_all_idx|_created_at_id/],
  ] as const)('a page by cursor of %s begins at its place in the index', async (_, sight, index) => {
    const query = createQuery(sight, {}, HORIZON)
    const from = { createdAt: NOW - 3 * DAY_MS, id: 'x' }
    for (const toward of ['older', 'newer'] as const) {
      const statement = await statementOf(app, (store) => store.slice(query, { from, toward, limit: 50 }))
      const plan = await explain(provider, app.database, statement)
      expect(plan).toMatch(index)
      expect(await read(app, statement), plan).toBeLessThan(ENOUGH_FOR_A_PAGE[provider])
      expect(plan).not.toMatch(/Sort |TEMP B-TREE/)
      expect(scans(provider, plan), plan).toEqual([])
    }
  })

  it.each([
    ['a tenant', USER, {}, /_tenant_idx|_pkey/],
    ['everyone', EVERYONE, {}, /_all_idx|_created_at_id/],
    ['everyone, one user', EVERYONE, { userId: ['busy'] }, /_tenant_idx|_pkey/],
  ])('a page of everything of %s begins at its place in the index', async (_, sight, filter, index) => {
    const query = createQuery(sight, parseConnectionFilter(filter), HORIZON)
    const statement = await pageOfEverything(app, query)
    const plan = await explain(provider, app.database, statement)
    expect(plan).toMatch(index)
    expect(plan).not.toMatch(/-> +Sort |USE TEMP B-TREE FOR ORDER BY/)
    expect(scans(provider, plan), plan).toEqual([])
    expect(await read(app, statement), plan).toBeLessThan(ENOUGH_FOR_A_PAGE[provider])
  })

  it('a page reads all that is before it, where its place stands behind another bound of time', async () => {
    const { dialect } = app.database
    const [place, earliest] = [dialect.instant(NOW - 3 * DAY_MS), dialect.instant(HORIZON.nowMs - 7 * DAY_MS)]
    const naive = sql`
      SELECT id FROM connection_logs WHERE created_at > ${earliest} AND ${dialect.everyone}
      AND (created_at, id) > (${place}, 'x') ORDER BY created_at, id LIMIT 50`
    expect(await read(app, naive)).toBeGreaterThan(ENOUGH_FOR_A_PAGE[provider])
  })

  it('finds a log by its id without a scan, made here or imported', async () => {
    const query = createQuery(EVERYONE, {}, HORIZON)
    const [own, foreign] = [
      await explained(provider, app, (store) => store.get(query, createIdMint()(NOW - 1_000))),
      await explained(provider, app, (store) => store.get(query, '675f1c0a9e2b5af0012ab34cd')),
    ]
    expect(own).toMatch(/_all_idx|_created_at_id/)
    expect(foreign).toMatch(/_foreign_id_idx|_id_idx/)
    expect([...scans(provider, own), ...scans(provider, foreign)]).toEqual([])
  })

  it.each([
    ['a tenant', USER, {}],
    ['a tenant by platform', USER, { platform: ['instagram' as const] }],
    ['a tenant by status', USER, { status: 'success' as const }],
    ['everyone', EVERYONE, {}],
  ])(
    'a deep page of %s, and its total, read no more logs than a page and some minutes hold',
    async (_, sight, filter) => {
      const query = createQuery(sight, parseConnectionFilter(filter), HORIZON)
      const total = await createLogStore(app.database, connectionLogKind).count(query)
      const skip = Math.floor(total * 0.7)
      expect(total).toBeGreaterThan(400)
      const deep = await statementOf(app, (store) => store.page(query, { limit: 50, skip }))
      const counting = await statementOf(app, (store) => store.count(query))
      const logs = provider === 'postgres' ? logsRead : logsReadOnSqlite
      expect(await logs(app, deep)).toBeLessThan(150)
      expect(await logs(app, counting)).toBeLessThan(50)
      // The other way to the same page goes through all that it passes over.
      const request = { table: connectionLogKind.table, limit: 50, skip, shape: undefined }
      const naive = app.database.dialect.page({
        ...request,
        where: sql`created_at > ${app.database.dialect.instant(0)} AND length(id) > 0`,
      })
      expect(await logs(app, naive)).toBeGreaterThan(skip)
    },
  )

  it.each([
    ['a tenant', ['busy']],
    ['some tenants', ['busy', 'other-1', 'nobody']],
    ['everyone', undefined],
  ])('the feed of %s reads what is behind its place and no more', async (_, users) => {
    const { dialect } = app.database
    const { table } = connectionLogKind
    const [state] = await app.database.query<FeedStateRow>(dialect.feedState(table))
    const [middle] = await app.database.query<{ position: number | bigint }>(
      sql`SELECT max(position) AS position FROM connection_logs WHERE user_id = 'other-1'`,
    )
    // The planner sees where nothing lies between two numbers, and would ask for no index at all.
    const before = BigInt(state?.head ?? 0) + 1n
    const follow = (position: bigint, limit: number) =>
      dialect.follow({ table, users, after: { position, id: '', userId: '' }, before, limit })
    const [atEnd, between] = [follow(BigInt(state?.head ?? 0), 50), follow(BigInt(middle?.position ?? 0), 50)]
    for (const statement of [atEnd, between]) {
      const plan = await explain(provider, app.database, statement)
      expect(plan).toMatch(/_position_expr_idx|_feed_idx|INTEGER PRIMARY KEY/)
      expect(plan).not.toMatch(/_pkey|_all_idx|_created_at_id|_tenant_idx|USE TEMP B-TREE FOR ORDER BY/)
      expect(scans(provider, plan), plan).toEqual([])
    }
    if (provider === 'postgres') expect(await logsRead(app, atEnd)).toBe(0)
  })

  it('a query that no index serves is seen to be a scan', async () => {
    const plan = await explain(
      provider,
      app.database,
      sql`SELECT count(*) FROM connection_logs WHERE duration_ms = 7`,
    )
    expect(scans(provider, plan).length).toBeGreaterThan(0)
  })
})

type Work = (store: LogStore<ConnectionLog, ConnectionFilter>) => Promise<unknown>

/** The plan of the one statement that `work` sends. */
const explained = async (provider: Provider, app: TestApp, work: Work): Promise<string> =>
  explain(provider, app.database, await statementOf(app, work))

async function statementOf({ database }: TestApp, work: Work): Promise<Sql> {
  const statements: Sql[] = []
  const spied = { ...database, query: async (statement: Sql) => (statements.push(statement), []) }
  await work(createLogStore(spied as typeof database, connectionLogKind))
  expect(statements).toHaveLength(1)
  return statements[0] ?? sql``
}

/** The statement of a page somewhere in the middle of everything. */
async function pageOfEverything(app: TestApp, query: Query<ConnectionFilter>): Promise<Sql> {
  const { dialect } = app.database
  const { snapshot } = (
    await app.database.query<{ snapshot: string }>(dialect.snapshot(connectionLogKind.table))
  )[0] ?? {
    snapshot: '',
  }
  const log = { id: 'x', userId: 'busy', createdAt: NOW - 3 * DAY_MS }
  const statements: Sql[] = []
  const spied = {
    ...app.database,
    query: async (statement: Sql) => {
      statements.push(statement)
      return [
        statements.length === 1
          ? { snapshot }
          : { logs: statements.length === 2 ? JSON.stringify(Array.from({ length: 50 }, () => log)) : '[]' },
      ]
    },
  }
  const store = createLogStore(spied as typeof app.database, connectionLogKind, { pageSize: 50 })
  for await (const page of store.everything(() => query)) expect(page).toHaveLength(50)
  expect(statements).toHaveLength(3)
  return statements[2] ?? sql``
}

/** More than a page of 50 logs, and the way to it, costs: entries on SQLite, blocks on Postgres. */
const ENOUGH_FOR_A_PAGE = { sqlite: 300, postgres: 60 }

interface PlanNode {
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly PlanNode[]
}

/** How many logs a statement reads on SQLite. */
const logsReadOnSqlite = (app: TestApp, statement: Sql): number =>
  timesSeen(
    app,
    statement,
    /user_id = \? AND created_at > \?|TRUE AND created_at > \?|created_at > \?/g,
    '$& AND seen(created_at)',
  )

/** How many entries of indexes a statement reads on SQLite, those included that it passes over. */
const entriesRead = (app: TestApp, statement: Sql): number =>
  timesSeen(app, statement, /FROM connection_logs\s+WHERE /g, '$&seen(created_at) AND ')

/** Adds a function of ours to conditions of a statement, and counts how often SQLite asks it. */
function timesSeen(app: TestApp, { sql: text, values }: Sql, condition: RegExp, counted: string): number {
  let read = 0
  const db = new DatabaseSync(app.url.slice('file:'.length))
  db.function('is_running', () => 1)
  db.function('seen', (_createdAt: unknown) => {
    read += 1
    return 1
  })
  try {
    const counting = text.replaceAll(condition, counted)
    expect(counting).toContain('seen(created_at)')
    db.prepare(counting).all(...values.map((value) => value as string | number | bigint))
  } finally {
    db.close()
  }
  return read
}

/** How many blocks of tables and indexes a statement reads on Postgres, those of the catalogue left out. */
async function blocksRead({ database }: TestApp, statement: Sql): Promise<number> {
  const { Plan } = await executed(database, 'ANALYZE, BUFFERS', statement)
  return Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']
}

/** How many logs a statement reads on Postgres, index entries included. */
async function logsRead({ database }: TestApp, statement: Sql): Promise<number> {
  const read = (node: PlanNode): number => {
    const own = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
    const inner = (node.Plans ?? []).reduce((sum, plan) => sum + read(plan), 0)
    return inner + (node['Relation Name']?.startsWith('connection_logs_p') === true ? own : 0)
  }
  return read((await executed(database, 'ANALYZE', statement)).Plan)
}

async function executed(database: Database, how: string, statement: Sql): Promise<{ Plan: PlanNode }> {
  const rows = await explainPrepared(database, `${how}, FORMAT JSON`, statement)
  const [plan] = rows[0] as { Plan: PlanNode }[]
  if (!plan) throw new TypeError('Postgres gave no plan')
  return plan
}

async function explain(provider: Provider, database: Database, statement: Sql): Promise<string> {
  if (provider === 'sqlite') {
    const rows = await database.query<{ detail: string }>(sql`EXPLAIN QUERY PLAN ${statement}`)
    return rows.map(({ detail }) => detail).join('\n')
  }
  return (await explainPrepared(database, 'COSTS', statement)).join('\n')
}

/** What Postgres says of a statement that is planned as services have it planned: without a look at its parameters. */
async function explainPrepared(database: Database, how: string, statement: Sql): Promise<unknown[]> {
  const values = statement.values.map(literal)
  const rows = await database.transaction(async (tx) => {
    // Tables of a test are so small that Postgres would rather read them whole: it is told to only where it must.
    await tx.execute(sql`SET LOCAL enable_seqscan = off`)
    await tx.execute(raw(`PREPARE explained AS ${statement.text}`))
    const execution = values.length > 0 ? `explained(${values.join(', ')})` : 'explained'
    const plan = await tx.query<Record<string, unknown>>(raw(`EXPLAIN (${how}) EXECUTE ${execution}`))
    await tx.execute(raw('DEALLOCATE explained'))
    return plan
  })
  return rows.map((row) => row['QUERY PLAN'])
}

function literal(value: unknown): string {
  if (value === null) return 'NULL'
  if (Array.isArray(value)) return `ARRAY[${value.map(literal).join(', ')}]`
  if (value instanceof Date) return pg.escapeLiteral(value.toISOString())
  if (typeof value === 'string') return pg.escapeLiteral(value)
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return `'${value}'`
  throw new TypeError(`no literal is known for a ${typeof value}`)
}

/** Lines of a plan that read a whole table of logs. */
function scans(provider: Provider, plan: string): string[] {
  const pattern =
    provider === 'sqlite' ? /^SCAN connection_logs(?! USING (COVERING )?INDEX)/ : /Seq Scan on connection_log/
  return plan.split('\n').filter((line) => pattern.test(line.trim()))
}
