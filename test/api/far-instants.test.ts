import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const EVENT = { platform: 'tiktok', eventType: 'disconnect', connectionMethod: 'oauth' }
const FIRST = '0001-01-01T00:00:00Z'
const LAST = '9999-12-31T23:59:59.999Z'

/** Filters on time, as far away as instants go, and how many of one log of now they match. */
const FILTERS: readonly [filter: string, total: number][] = [
  [`createdAfter: "${FIRST}"`, 1],
  [`createdBefore: "${FIRST}"`, 0],
  [`createdAfter: "${LAST}"`, 0],
  [`createdBefore: "${LAST}"`, 1],
  [`createdAfter: "${FIRST}", createdBefore: "${LAST}"`, 1],
  [`createdAfter: "9998-01-01T00:00:00Z", createdBefore: "9999-01-01T00:00:00Z"`, 0],
  [`createdAfter: "6053-01-23T02:08:00Z"`, 0],
]

describe.each(PROVIDERS)('instants far away on %s', (provider) => {
  let app: TestApp
  beforeAll(async () => {
    app = keep(await startTestApp(provider))
  })
  afterAll(() => app.stop())

  // A user of their own each: those who are known to have few logs are not asked through the counts.
  it.each(
    FILTERS.flatMap(([time, total], index) =>
      ['', ', platform: TIKTOK'].map((more) => ({
        filter: `filter: { ${time}${more} }`,
        total,
        userId: `u${index}${more.length}`,
      })),
    ),
  )('are taken like any other: $filter', async ({ filter, total, userId }) => {
    await app.connectionLogs.record([{ value: { ...EVENT, userId }, at: '' }])
    const { data, errors } = await app.gql(
      await app.key(userId),
      `{
        stats: connectionStats(${filter}) { total errorCodes { code } durationMs { count } series { start end total } }
        cursor: connectionLogsByCursor(${filter}) { totalCount }
        deep: connectionLogs(${filter}, skip: 5000) { pagination { total } }
        first: connectionLogs(${filter}) { pagination { total } }
      }`,
    )
    expect({ errors, ...data }).toEqual({
      errors: undefined,
      stats: {
        total,
        errorCodes: [],
        durationMs: { count: 0 },
        series: expect.any(Array),
      },
      cursor: { totalCount: total },
      deep: { pagination: { total } },
      first: { pagination: { total } },
    })
    const instants = (data.stats.series as { start: string; end: string }[]).flatMap(({ start, end }) => [
      start,
      end,
    ])
    expect(instants.filter((instant) => !/^\d{4}-/.test(instant))).toEqual([])
  })
})
