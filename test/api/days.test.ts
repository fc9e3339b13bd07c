import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGate } from '../../src/graphql/gate.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { createSchema } from '../../src/schema.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { LIMITS } from '../support/gate.ts'
import { recordAt } from '../support/old-logs.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const daysAgo = (days: number) => new Date(NOW - days * DAY_MS).toISOString()

/** Logs of half a day, 5, 20 and 50 days ago; 60 days are kept. */
const AGES = [0.5, 5, 20, 50]

describe.each(PROVIDERS)('`days` and `createdAfter` on %s', (provider) => {
  let app: TestApp
  let key: string
  beforeAll(async () => {
    const clock = createTestClock(NOW)
    app = keep(await startTestApp(provider, { clock, env: { RETENTION_DAYS: '60' } }))
    await recordAt(app.connectionLogs, clock, AGES.map((age) => NOW - age * DAY_MS).toReversed())
    key = await app.key(null)
  })
  afterAll(() => app.stop())

  const totals = async (given: string, variables: object = {}, declared = '') => {
    const args = given === '' ? '' : `(${given})`
    const { data, errors } = await app.gql(
      key,
      `query Totals${declared} { connectionLogs${args} { pagination { total } logs { id } } connectionStats${args} { total series { total } } }`,
      variables,
    )
    expect(errors).toBeUndefined()
    const { connectionLogs: page, connectionStats: stats } = data
    const inSeries = (stats.series as { total: number }[]).reduce((sum, { total }) => sum + total, 0)
    // The page alone is written by the database.
    const alone = await app.gql(
      key,
      `query Totals${declared} { connectionLogs${args} { logs { id } } }`,
      variables,
    )
    return new Set([
      page.pagination.total,
      page.logs.length,
      stats.total,
      inSeries,
      alone.data.connectionLogs.logs.length,
    ])
  }

  it.each([
    ['neither is the last 7 days', '', 2],
    ['`days` alone counts', 'days: 1', 1],
    ['`days` alone may go back to the retention', 'days: 60', 4],
    ['`createdAfter` alone counts, without 7 days', `filter: { createdAfter: "${daysAgo(25)}" }`, 3],
    ['`createdAfter` alone may go back to the retention', `filter: { createdAfter: "${daysAgo(60)}" }`, 4],
    ['`createdAfter` alone may lie before the retention', `filter: { createdAfter: "${daysAgo(400)}" }`, 4],
    ['`createdAfter` alone may lie within 7 days', `filter: { createdAfter: "${daysAgo(1)}" }`, 1],
    ['of both, `days` counts where it is later', `days: 7, filter: { createdAfter: "${daysAgo(25)}" }`, 2],
    [
      'of both, `createdAfter` counts where it is later',
      `days: 60, filter: { createdAfter: "${daysAgo(6)}" }`,
      2,
    ],
    ['`days` that is null is not given', `days: null, filter: { createdAfter: "${daysAgo(25)}" }`, 3],
    ['`createdAfter` that is null is not given', 'filter: { createdAfter: null }', 2],
    ['both null is the last 7 days', 'days: null, filter: { createdAfter: null }', 2],
    ['a filter that is null is not given', 'filter: null', 2],
    ['`createdBefore` changes nothing', `filter: { createdBefore: "${daysAgo(1)}" }`, 1],
    ['a range counts', `filter: { createdAfter: "${daysAgo(30)}", createdBefore: "${daysAgo(10)}" }`, 1],
  ])('%s', async (_, given, total) => {
    expect(await totals(given)).toEqual(new Set([total]))
  })

  it('mean the same as variables', async () => {
    const declared = '($filter: ConnectionLogFilter, $days: Int)'
    const given = 'filter: $filter, days: $days'
    const filter = { createdAfter: daysAgo(25) }
    expect(await totals(given, { filter }, declared)).toEqual(new Set([3]))
    expect(await totals(given, { filter, days: null }, declared)).toEqual(new Set([3]))
    expect(await totals(given, { filter, days: 7 }, declared)).toEqual(new Set([2]))
    expect(await totals(given, {}, declared)).toEqual(new Set([2]))
    expect(await totals(given, { filter: {}, days: 30 }, declared)).toEqual(new Set([3]))
  })

  it('agree with pages by cursor and with the export', async () => {
    const filter = { createdAfter: NOW - 25 * DAY_MS }
    const { data } = await app.gql(
      key,
      `{ connectionLogsByCursor(filter: { createdAfter: "${daysAgo(25)}" }) { totalCount } }`,
    )
    expect(data.connectionLogsByCursor.totalCount).toBe(3)
    const exported = async (days?: number) => {
      let count = 0
      for await (const logs of app.connectionLogs.everything(filter, days === undefined ? {} : { days }))
        count += logs.length
      return count
    }
    expect([await exported(), await exported(7), await exported(60)]).toEqual([3, 2, 3])
  })

  it('leave the REST API as it is: the last 7 days unless `days` is given', async () => {
    const total = async (query: string) => {
      const response = await app.send(key, `/api/v1/connections/logs${query}`)
      return ((await response.json()) as { pagination: { total: number } }).pagination.total
    }
    expect([await total(''), await total('?days=60'), await total('?days=1')]).toEqual([2, 4, 1])
  })

  it('statistics by the hour reach back 31 days, by either', async () => {
    const ask = async (args: string) => {
      const { data, errors } = await app.gql(
        key,
        `{ connectionStats(interval: HOUR, ${args}) { series { total } } }`,
      )
      return errors ? errors[0]!.message : (data.connectionStats.series.length as number)
    }
    expect(await ask('days: 31')).toBe(31 * 24 + 1)
    expect(await ask(`filter: { createdAfter: "${daysAgo(31)}" }`)).toBe(31 * 24 + 1)
    expect(await ask(`filter: { createdAfter: "${daysAgo(1)}" }`)).toBe(25)
    expect(await ask(`filter: { createdAfter: "${daysAgo(50)}", createdBefore: "${daysAgo(49)}" }`)).toBe(24)
    expect(await ask(`days: 60, filter: { createdAfter: "${daysAgo(1)}" }`)).toBe(25)
    expect(await ask('days: 32')).toBe('Expected `days` to be at most 31 with the interval HOUR, got 32.')
    expect(await ask(`filter: { createdAfter: "${daysAgo(32)}" }`)).toBe(
      `Expected \`filter.createdAfter\` to be at most 31 days ago with the interval HOUR, got "${daysAgo(32)}".`,
    )
  })
})

describe('the price of a time series', () => {
  const clock = createTestClock(NOW)
  const gate = createGate(createSchema(), LIMITS, clock)
  const costOf = (args: string, variables = {}, declared = '') =>
    gate.admit(`query Q${declared} { connectionStats(${args}) { series { total } } }`)?.costOf(variables)
  const [hours, days] = [(n: number) => 600 + 1 + 24 * n + 2, (n: number) => 300 + 1 + n + 2]

  it.each([
    ['interval: HOUR', hours(7)],
    ['interval: HOUR, days: 2', hours(2)],
    [`interval: HOUR, filter: { createdAfter: "${daysAgo(1)}" }`, hours(1)],
    [`interval: HOUR, filter: { createdAfter: "${daysAgo(20)}" }`, hours(20)],
    [`interval: HOUR, filter: { createdAfter: "${daysAgo(500)}" }`, hours(31)],
    [`interval: HOUR, days: 2, filter: { createdAfter: "${daysAgo(20)}" }`, hours(2)],
    [`filter: { createdAfter: "${daysAgo(30)}" }`, days(30)],
    [`filter: { createdAfter: "${daysAgo(9_999)}" }`, days(365)],
    [`filter: { createdAfter: "${daysAgo(-5)}" }`, days(1)],
    ['filter: { createdAfter: null }', days(7)],
    ['filter: { createdAfter: "yesterday" }', days(7)],
  ])('of %s covers the periods that it can have', (args, points) => {
    expect(costOf(args)).toBe(points)
  })

  it('counts a variable, and grows with the time since a literal that is remembered', () => {
    const declared = '($filter: ConnectionLogFilter)'
    expect(costOf('filter: $filter', { filter: { createdAfter: daysAgo(12) } }, declared)).toBe(days(12))
    expect(costOf('filter: $filter', {}, declared)).toBe(days(7))
    const literal = `filter: { createdAfter: "${daysAgo(3)}" }`
    expect(costOf(literal)).toBe(days(3))
    clock.advance(2 * DAY_MS)
    expect(costOf(literal)).toBe(days(5))
  })
})
