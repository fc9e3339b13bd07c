import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATOR } from '../../src/auth/principal.ts'
import { sightOf } from '../../src/auth/sight.ts'
import { type ConnectionLog, PLATFORMS } from '../../src/connections/event.ts'
import {
  type ConnectionFilter,
  type ConnectionFilterInput,
  parseConnectionFilter,
} from '../../src/connections/filter.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { createRecordParser } from '../../src/connections/input.ts'
import { newConnectionLog } from '../../src/connections/record.ts'
import type { CountDelta } from '../../src/database/count-table.ts'
import type { Database } from '../../src/database/port.ts'
import { raw, sql } from '../../src/database/sql.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, dayOf } from '../../src/kernel/clock.ts'
import { createIdMint } from '../../src/kernel/ids.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createCountKeeper } from '../../src/logs/counts.ts'
import { createQuery } from '../../src/logs/query.ts'
import { createRetention } from '../../src/logs/retention.ts'
import { type LogStore, createLogStore } from '../../src/logs/store.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { type TestClock, createTestClock } from '../support/clock.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'
import { filters, naiveMatch, recordInputs, userFilters } from '../support/random-logs.ts'

const RETENTION_MS = 2 * DAY_MS
const START = Date.UTC(2026, 10, 18, 22, 58, 30)
const SCENARIOS = 30

/** One thing that happens to the store. */
type Step =
  | { readonly does: 'store'; readonly inputs: readonly object[]; readonly again: boolean }
  | { readonly does: 'pass'; readonly ms: number }
  | { readonly does: 'clean up' | 'merge' }

const times = fc.oneof(
  fc.integer({ min: 1, max: 90_000 }),
  fc.constantFrom(1, MINUTE_MS, HOUR_MS, 5 * HOUR_MS + 1, DAY_MS),
)

/** `createdAt` is set when the step is taken: within the retention of that moment, often in the same few minutes. */
const ages = fc.oneof(
  fc.integer({ min: 0, max: RETENTION_MS - 1 }),
  fc.integer({ min: 0, max: 3 * MINUTE_MS }),
  fc.constantFrom(0, 1, MINUTE_MS - 1, HOUR_MS, DAY_MS, RETENTION_MS - 1),
)

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('store' as const),
      inputs: fc.array(
        fc.tuple(recordInputs(START), ages).map(([input, age]) => ({ ...input, age })),
        {
          minLength: 1,
          maxLength: 12,
        },
      ),
      again: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: times.map((ms) => ({ does: 'pass' as const, ms })) },
  { weight: 1, arbitrary: fc.constantFrom({ does: 'clean up' as const }, { does: 'merge' as const }) },
)

const questions = fc.record({
  filter: filters(START).map(({ createdAfter, createdBefore, ...rest }) => ({
    ...rest,
    // Relative to the moment of the question.
    after: typeof createdAfter === 'number' ? START - createdAfter : undefined,
    before: typeof createdBefore === 'number' ? START - createdBefore : undefined,
  })),
  // Half of them ask for nothing but what is counted.
  plain: fc.boolean(),
  userId: userFilters,
  asUser: fc.option(fc.constantFrom('u1', 'u2', 'nobody'), { nil: null, freq: 3 }),
  days: fc.constantFrom(1, 2),
  limit: fc.constantFrom(1, 2, 7, 100),
  skip: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constantFrom(0, 1_000)),
})

type Question = typeof questions extends fc.Arbitrary<infer T> ? T : never

const scenarios = fc.array(fc.tuple(steps, fc.array(questions, { minLength: 2, maxLength: 6 })), {
  minLength: 6,
  maxLength: 14,
})

interface Bench {
  readonly database: Database
  readonly clock: TestClock
  readonly store: LogStore<ConnectionLog, ConnectionFilter>
  take(step: Step): Promise<void>
  /** Every log that has been stored and is still there, expired or not. */
  everything(): Promise<ConnectionLog[]>
  miscounted(): Promise<number>
}

/** The store as the service has it, but always through the counts, over a database that may be spoilt. */
function createBench(database: Database, clock: TestClock): Bench {
  const store = createLogStore(database, connectionLogKind, { countedFrom: 0 })
  const options = { clock, logger: silentLogger }
  const keptDays = async () => RETENTION_MS / DAY_MS
  const retention = createRetention(database, connectionLogKind, { ...options, keptDays })
  const counts = createCountKeeper(database, connectionLogKind, options)
  const mintId = createIdMint()
  const everything = async () => {
    const asked = createQuery<ConnectionFilter>(sightOf({ userId: null }), {}, { nowMs: 0, retentionMs: 1 })
    const [row] = await database.query<{ logs: string }>(
      database.dialect.rows(
        connectionLogKind.table,
        sql`created_at > ${database.dialect.instant(asked.newerThanMs)}`,
      ),
    )
    return (JSON.parse(row?.logs ?? '[]') as object[]).map((log) => connectionLogKind.fromRow(log as never))
  }
  return {
    database,
    clock,
    store,
    everything,
    take: async (step) => {
      if (step.does === 'pass') clock.advance(step.ms)
      if (step.does === 'merge') await counts.merge()
      if (step.does === 'clean up') await retention.cleanup()
      if (step.does !== 'store') return
      const context = {
        principal: OPERATOR,
        mintId,
        parse: createRecordParser(PLATFORMS),
        nowMs: clock.now(),
        retentionMs: RETENTION_MS,
      }
      const logs = step.inputs.map((input, index) => {
        const { age, ...value } = input as { age: number }
        const named = step.again ? { eventId: `e${index}` } : {}
        const createdAt = new Date(clock.now() - age).toISOString()
        return newConnectionLog({ value: { ...value, ...named, createdAt }, at: '' }, context)
      })
      // Some repeat events of before: duplicates and conflicts, which must not be counted.
      await store.append(
        logs.map((log) => [log]),
        () => context,
      )
    },
    miscounted: async () => {
      const days = new Set((await everything()).map(({ createdAt }) => dayOf(createdAt)))
      let wrong = 0
      for (const day of days) wrong += await counts.miscounted(day)
      return wrong
    },
  }
}

/** How many answers to the questions differ from those of a search through all logs in memory. */
async function ask(bench: Bench, asked: readonly Question[]): Promise<number> {
  const { store, clock } = bench
  const logs = await bench.everything()
  let wrong = 0
  for (const { filter, plain, userId, asUser, days, limit, skip } of asked) {
    const { after, before, ...rest } = filter
    const { platform, eventType, status, connectionMethod } = rest
    const input: ConnectionFilterInput = {
      ...(plain ? { platform, eventType, status, connectionMethod } : rest),
      ...(asUser === null ? { userId } : {}),
      createdAfter: after === undefined ? undefined : clock.now() - after,
      createdBefore: before === undefined ? undefined : clock.now() - before,
    }
    const sight = sightOf({ userId: asUser })
    const horizon = { nowMs: clock.now(), retentionMs: RETENTION_MS }
    const query = createQuery(sight, parseConnectionFilter(input), horizon, days * DAY_MS)
    const expected = logs
      .filter(
        (log) => log.createdAt > clock.now() - days * DAY_MS && (asUser === null || log.userId === asUser),
      )
      .filter((log) => naiveMatch(input, log))
      .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    const page = await store.page(query, { limit, skip })
    const ids = (list: readonly ConnectionLog[]) => JSON.stringify(list.map(({ id }) => id))
    const isRight =
      page.total === expected.length &&
      (await store.count(query)) === expected.length &&
      ids(page.logs) === ids(expected.slice(skip, skip + limit))
    if (!isRight) wrong += 1
  }
  return wrong
}

async function play(bench: Bench, scenario: readonly (readonly [Step, Question[]])[]): Promise<number> {
  let wrong = 0
  for (const [step, asked] of scenario) {
    await bench.take(step)
    wrong += await ask(bench, asked)
  }
  return wrong + (await bench.miscounted())
}

async function clear({ database }: Bench, provider: Provider): Promise<void> {
  const tables = ['connection_logs', 'connection_log_event_ids', 'connection_log_counts']
  if (provider === 'postgres') tables.push('connection_log_count_deltas')
  for (const table of tables) await database.execute(sql`DELETE FROM ${raw(table)}`)
}

describe.each(PROVIDERS)('totals and pages through the counts on %s', (provider) => {
  let app: TestApp
  const clock = createTestClock(START)

  beforeAll(async () => {
    app = keep(await startTestApp(provider, { clock }))
  })
  afterAll(() => app.stop())

  it('are those of a search through all logs, while logs arrive, repeat, expire and are deleted', async () => {
    const bench = createBench(app.database, clock)
    let cases = 0
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        await clear(bench, provider)
        clock.set(START)
        expect(await play(bench, scenario)).toBe(0)
        cases += scenario.reduce((sum, [, asked]) => sum + asked.length, 0)
      }),
      { numRuns: SCENARIOS, seed: 20_261_120, endOnFailure: true },
    )
    expect(cases).toBeGreaterThan(900)
  })

  it.each([
    ['an increment is dropped', (deltas: readonly CountDelta[]) => deltas.slice(1)],
    [
      'a log is counted in the wrong minute',
      (deltas: readonly CountDelta[]) => deltas.map((delta) => ({ ...delta, start: delta.start + 1 })),
    ],
    ['a deletion is not counted', (deltas: readonly CountDelta[]) => deltas.filter(({ total }) => total > 0)],
  ])('would be wrong if %s', async (_, spoil) => {
    const { dialect } = app.database
    const bench = createBench(
      {
        ...app.database,
        dialect: {
          ...dialect,
          append: (table, rows, deltas) => dialect.append(table, rows, spoil(deltas)),
          count: (table, deltas) => dialect.count(table, spoil(deltas)),
        },
      },
      clock,
    )
    let wrong = 0
    for (const scenario of fc.sample(scenarios, { numRuns: 5, seed: 20_261_120 })) {
      await clear(bench, provider)
      clock.set(START)
      wrong += await play(bench, scenario)
    }
    expect(wrong).toBeGreaterThan(0)
  })

  it('are right again after a recount of what somebody else has changed', async () => {
    const bench = createBench(app.database, clock)
    await clear(bench, provider)
    clock.set(START)
    const inputs = fc
      .sample(recordInputs(START), { seed: 5, numRuns: 40 })
      .map((input, age) => ({ ...input, age }))
    await bench.take({ does: 'store', inputs, again: false })
    await app.database.execute(sql`DELETE FROM connection_logs WHERE platform = 'tiktok'`)
    const keeper = createCountKeeper(app.database, connectionLogKind, { clock, logger: silentLogger })
    const day = dayOf(START)
    expect(await keeper.miscounted(day)).toBeGreaterThan(0)
    await keeper.recount(day)
    expect(await keeper.miscounted(day)).toBe(0)
    expect(await ask(bench, fc.sample(questions, { seed: 5, numRuns: 40 }))).toBe(0)
  })
})
