import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATOR, type Principal } from '../../src/auth/principal.ts'
import type { ConnectionLog } from '../../src/connections/event.ts'
import { matches, parseConnectionFilter } from '../../src/connections/filter.ts'
import { raw, sql } from '../../src/database/sql.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { filters, naiveMatch, recordInputs, userFilters } from '../support/random-logs.ts'

const NOW = Date.UTC(2026, 10, 20, 0, 0, 30)
const SETS_OF_LOGS = 10
const LOGS_IN_A_SET = 150
const CASES_PER_SET = 210

const apps = new Map<string, TestApp>()
const clock = createTestClock(NOW)

beforeAll(async () => {
  for (const provider of PROVIDERS) apps.set(provider, keep(await startTestApp(provider, { clock })))
})
afterAll(async () => {
  for (const app of apps.values()) await app.stop()
})

const requests = fc.record({
  filter: filters(NOW),
  userId: userFilters,
  asUser: fc.option(fc.constantFrom('u1', 'u2', 'nobody'), { nil: null }),
  days: fc.constantFrom(1, 2, 7),
  limit: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(1, 2)),
  skip: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(0, 149, 150, 1_000_000)),
})

describe('filters, pages and totals', () => {
  it.each(Array.from({ length: SETS_OF_LOGS }, (_, index) => index + 1))(
    'are those of a naive search through memory, on both databases alike (logs of seed %i)',
    async (seed) => {
      const inputs = fc.sample(recordInputs(NOW), { seed, numRuns: LOGS_IN_A_SET })
      const stored = await fill(inputs)
      await fc.assert(
        fc.asyncProperty(requests, async ({ filter, userId, asUser, days, limit, skip }) => {
          const principal: Principal = { ...OPERATOR, userId: asUser }
          const asked = asUser === null && userId !== undefined ? { ...filter, userId } : filter
          const visible = stored
            .filter(
              (log) => log.createdAt > NOW - days * DAY_MS && (asUser === null || log.userId === asUser),
            )
            .filter((log) => naiveMatch(asked, log))
            .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
          expect(visible).toEqual(visible.filter((log) => matches(parseConnectionFilter(asked), log)))
          const expected = {
            logs: visible.slice(skip, skip + limit),
            pagination: {
              total: visible.length,
              limit,
              skip,
              pages: Math.ceil(visible.length / limit),
              hasMore: visible.length > skip + limit,
            },
          }
          for (const app of apps.values()) {
            expect(await app.connectionLogsOf(principal).page(asked, { days, limit, skip })).toEqual(expected)
          }
        }),
        { numRuns: CASES_PER_SET, seed },
      )
    },
  )

  it('the in-memory reading takes no log that the naive one refuses', () => {
    const logs = fc.sample(recordInputs(NOW), { seed: 7, numRuns: 50 }) as unknown as ConnectionLog[]
    fc.assert(
      fc.property(filters(NOW), fc.constantFrom(...logs), (filter, sent) => {
        const log = { ...sent, createdAt: Date.parse(String(sent.createdAt)) }
        expect(matches(parseConnectionFilter(filter), log)).toBe(naiveMatch(filter, log))
      }),
      { numRuns: 5_000 },
    )
  })
})

/** Stores the same logs, under the same ids, in every database; returns them as they came back. */
async function fill(inputs: readonly object[]): Promise<ConnectionLog[]> {
  const given = inputs.map((input, index) => ({ ...input, _id: `${index}`.padStart(25, '0') }))
  const results = await Promise.all(
    [...apps].map(async ([provider, { connectionLogs, database }]) => {
      const tables = ['connection_logs', 'connection_log_event_ids', 'connection_log_counts']
      if (provider === 'postgres') tables.push('connection_log_count_deltas')
      for (const table of tables) await database.execute(sql`DELETE FROM ${raw(table)}`)
      const recorded = await connectionLogs.recordEach(given.map((value) => ({ value, at: '' })))
      return recorded.map((outcome) => {
        if (outcome instanceof AppError) throw outcome
        return outcome.log
      })
    }),
  )
  const [first = [], ...others] = results
  for (const other of others) expect(other).toEqual(first)
  return first
}
