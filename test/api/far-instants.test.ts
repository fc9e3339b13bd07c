import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
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
  it('are as good as any in a filter, for pages, totals and statistics', async () => {
    const app = await startTestApp(provider)
    for (const [index, [time, total]] of FILTERS.entries()) {
      for (const more of ['', ', platform: TIKTOK']) {
        // A user of their own each: those who are known to have few logs are not asked through the counts.
        const userId = `u${index}${more.length}`
        await app.connectionLogs.record([{ value: { ...EVENT, userId }, at: '' }])
        const filter = `filter: { ${time}${more} }`
        const { data, errors } = await app.gql(
          await app.key(userId),
          `{
            stats: connectionStats(${filter}) { total errorCodes { code } durationMs { count } series { start end total } }
            cursor: connectionLogsByCursor(${filter}) { totalCount }
            deep: connectionLogs(${filter}, skip: 5000) { pagination { total } }
            first: connectionLogs(${filter}) { pagination { total } }
          }`,
        )
        expect(errors).toBeUndefined()
        expect(data).toMatchObject({
          stats: { total },
          cursor: { totalCount: total },
          deep: { pagination: { total } },
          first: { pagination: { total } },
        })
        for (const { start, end } of data.stats.series)
          for (const instant of [start, end]) expect(instant).toMatch(/^\d{4}-/)
      }
    }
  })
})
