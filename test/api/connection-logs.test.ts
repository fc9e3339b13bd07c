import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

describe.each(PROVIDERS)('connection logs on %s', (provider) => {
  it('records a log and gives it back', async () => {
    const app = await startTestApp(provider)
    const key = await app.key('u1')
    const recorded = await app.gql(
      key,
      `mutation { recordConnectionLog(input: { platform: INSTAGRAM, eventType: CONNECT_FAILED, connectionMethod: OAUTH, eventId: "e1", error: { code: "oauth_denied", message: "The user said no" }, metadata: { a: [1, { b: null }] } }) { created log { id status } } }`,
    )
    expect(recorded.errors).toBeUndefined()
    expect(recorded.data.recordConnectionLog).toMatchObject({ created: true, log: { status: 'FAILED' } })
    const again = await app.gql(
      key,
      `{ connectionLogs(filter: { search: "USER den" }) { logs { id error { code } metadata } pagination { total limit skip pages hasMore } } connectionLog(id: "${recorded.data.recordConnectionLog.log.id}") { id } }`,
    )
    expect(again).toEqual({
      data: {
        connectionLogs: {
          logs: [
            {
              id: recorded.data.recordConnectionLog.log.id,
              error: { code: 'oauth_denied' },
              metadata: { a: [1, { b: null }] },
            },
          ],
          pagination: { total: 1, limit: 50, skip: 0, pages: 1, hasMore: false },
        },
        connectionLog: { id: recorded.data.recordConnectionLog.log.id },
      },
    })
  })
})
