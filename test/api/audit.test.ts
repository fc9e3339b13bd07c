import { auditServer } from 'graphql-http'
import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

describe.each(PROVIDERS)('GraphQL over HTTP on %s', (provider) => {
  it("passes graphql-http's audit without an error or a warning", async () => {
    const app = await startTestApp(provider)
    const key = await app.key('u1')
    const audits = await auditServer({
      url: 'http://connlog.test/graphql',
      fetchFn: (url: string, init?: RequestInit) => app.send(key, url, init),
    })
    expect(audits.length).toBeGreaterThan(50)
    expect(
      audits
        .filter(({ status }) => status !== 'ok')
        .map((audit) => `${audit.status} ${audit.id} ${audit.name}`),
    ).toEqual([])
  })
})
