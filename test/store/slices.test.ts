import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sight, sightOf } from '../../src/auth/sight.ts'
import type { ConnectionLog } from '../../src/connections/event.ts'
import {
  type ConnectionFilter,
  type ConnectionFilterInput,
  matches,
  parseConnectionFilter,
} from '../../src/connections/filter.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import type { Position } from '../../src/database/dialect.ts'
import { type Sql } from '../../src/database/sql.ts'
import { DAY_MS, SECOND_MS } from '../../src/kernel/clock.ts'
import { createQuery } from '../../src/logs/query.ts'
import type { Slice } from '../../src/logs/slices.ts'
import { type LogStore, createLogStore } from '../../src/logs/store.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const HORIZON = { nowMs: NOW, retentionMs: 7 * DAY_MS }
const EVERYONE = sightOf({ userId: null })
const ONE = sightOf({ userId: 'u1' })
const LOGS = 400

type Store = LogStore<ConnectionLog, ConnectionFilter>

const filters = fc.record(
  {
    platform: fc.subarray(['reddit', 'tiktok', 'x'] as const),
    connectionMethod: fc.subarray(['oauth', 'credentials', 'invitation'] as const, { minLength: 1 }),
    status: fc.constantFrom('success' as const, 'failed' as const),
    accountId: fc.subarray(['a0', 'a1', 'a2', 'nobody']),
    profileId: fc.subarray(['p0', 'p1'], { minLength: 1 }),
    errorCode: fc.subarray(['c0', 'c1', 'c2'], { minLength: 1 }),
    search: fc.constantFrom('common', 'needle', 'comm need', 'c1', 'nothing', 'ÉCLAIR'),
    createdAfter: fc.integer({ min: 0, max: LOGS }).map((seconds) => NOW - seconds * SECOND_MS),
    createdBefore: fc.integer({ min: 0, max: LOGS }).map((seconds) => NOW - seconds * SECOND_MS),
  },
  { requiredKeys: [] },
)

describe.each(PROVIDERS)('pages by cursor that stop on the way, on %s', (provider) => {
  let app: TestApp
  let all: ConnectionLog[]

  beforeAll(async () => {
    app = keep(await startTestApp(provider, { clock: createTestClock(NOW) }))
    const sent = Array.from({ length: LOGS }, (_, index) => ({
      at: '',
      value: {
        userId: `u${index % 3}`,
        profileId: `p${index % 2}`,
        accountId: `a${index % 5}`,
        platform: index % 4 === 0 ? 'tiktok' : 'reddit',
        connectionMethod: index % 50 === 7 ? 'invitation' : 'oauth',
        eventType: index % 3 === 0 ? 'connect_failed' : 'connect_success',
        ...(index % 3 === 0
          ? {
              error: {
                code: `c${index % 4}`,
                message: index % 60 === 0 ? 'a needle éclair' : 'a common one',
              },
            }
          : {}),
        // Several at the same instant.
        createdAt: new Date(NOW - Math.floor(index / 3) * SECOND_MS).toISOString(),
      },
    }))
    all = (await app.connectionLogs.record(sent)).map(({ log }) => log)
    all.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
  })
  afterAll(() => app.stop())

  const expected = (sight: Sight, filter: ConnectionFilter) =>
    all.filter((log) => (sight.only === 'everyone' || log.userId === sight.userId) && matches(filter, log))

  /** All pages one after the other, newest first. */
  async function walked(
    store: Store,
    sight: Sight,
    filter: ConnectionFilter,
    { toward, limit }: { toward: 'older' | 'newer'; limit: number },
    onPage: (page: Slice<ConnectionLog>, from: Position | undefined, seen: number) => void = () => undefined,
  ): Promise<string[]> {
    const ids: string[] = []
    for (let from: Position | undefined; ;) {
      const page = await store.slice(createQuery(sight, filter, HORIZON), { from, toward, limit })
      onPage(page, from, ids.length)
      ids.push(...page.logs.map(({ id }) => id))
      const next = page.stoppedAt ?? page.logs.at(-1)
      if (!page.hasMore) break
      if (!next) throw new TypeError('a page has more, and no place where it goes on')
      from = { createdAt: next.createdAt, id: next.id }
    }
    return toward === 'older' ? ids : ids.reverse()
  }

  it('give every match exactly once, in order, whatever the filter and wherever they stop', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(EVERYONE, ONE),
        fc.record({ filter: filters, users: fc.option(fc.subarray(['u0', 'u1', 'u9'])) }),
        fc.constantFrom('older' as const, 'newer' as const),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 3, max: 90 }),
        async (sight, { filter: input, users }, toward, limit, maxRows) => {
          const asked: ConnectionFilterInput = {
            ...(input as ConnectionFilterInput),
            ...(sight === EVERYONE && users ? { userId: users } : {}),
          }
          const filter = parseConnectionFilter(asked)
          const store = createLogStore(app.database, connectionLogKind, { maxRows })
          const wanted = expected(sight, filter).map(({ id }) => id)
          expect(
            await walked(store, sight, filter, { toward, limit }, (page, from, seen) => {
              if (!from) expect(page.hasBehind).toBe(false)
              if (seen > 0) expect(page.hasBehind).toBe(true)
              expect(page.logs.length).toBeLessThanOrEqual(limit)
            }),
          ).toEqual(wanted)
        },
      ),
      { numRuns: 60, seed: 5 },
    )
  })

  it('read a bounded number of logs each, where one statement would read all that there are', async () => {
    const filter: ConnectionFilter = { connectionMethod: ['credentials'] }
    const bounded = await rowsOffered(app, { maxRows: 60 }, filter)
    expect(bounded.page).toMatchObject({ logs: [], hasMore: true })
    expect(bounded.page.stoppedAt).toMatchObject({ createdAt: all[59]?.createdAt })
    // The control has no bound that comes before the end.
    const whole = await rowsOffered(app, { maxRows: 100_000 }, filter)
    expect(whole.page).toMatchObject({ logs: [], hasMore: false })
    expect(whole.page.stoppedAt).toBeUndefined()
  })

  it('are found in one statement by a filter that needs no walk', async () => {
    const { statements } = await rowsOffered(app, { maxRows: 60 }, { createdAfter: NOW - DAY_MS })
    expect(statements).toBe(1)
  })

  it('find what an index finds at once, however many other logs there are between', async () => {
    const rare = parseConnectionFilter({ search: 'needle' })
    const { page } = await rowsOffered(app, { maxRows: 30 }, rare)
    expect(page.logs.map(({ id }) => id)).toEqual(expected(EVERYONE, rare).map(({ id }) => id))
    expect([page.hasMore, page.stoppedAt]).toEqual([false, undefined])
  })
})

async function rowsOffered({ database }: TestApp, options: { maxRows: number }, filter: ConnectionFilter) {
  let statements = 0
  const counting = {
    ...database,
    query: <Row>(statement: Sql) => {
      statements += 1
      return database.query<Row>(statement)
    },
  }
  const store: Store = createLogStore(counting, connectionLogKind, options)
  const page = await store.slice(createQuery(EVERYONE, filter, HORIZON), { toward: 'older', limit: 50 })
  return { page, statements }
}
