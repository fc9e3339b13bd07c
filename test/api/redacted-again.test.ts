import { describe, expect, it } from 'vitest'
import { sql } from '../../src/database/sql.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const EVENT = { platform: 'facebook', eventType: 'connect_failed', connectionMethod: 'oauth' } as const
const PATH = '/api/v1/connections/logs'

describe.each(PROVIDERS)('a log that comes back, on %s', (provider) => {
  it('is the same event when what was kept of it is sent again, whatever was redacted', async () => {
    const app = await startTestApp(provider)
    const key = await app.key(null)
    const post = async (body: object) => {
      const response = await app.send(key, PATH, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return [response.status, await response.json()]
    }
    const messages = [
      'cb#access_token:EAAB123&expires_in=5184000',
      "{ refresh_token: '1//0gAbCdEfGhIj', scope: 'email' }",
      'code=4/0AX4XfWh_x9y8&grant_type=authorization_code',
      '<access_token>abc123</access_token>',
    ]
    const sent = messages.map((message, index) => ({
      ...EVENT,
      eventId: `e${index}`,
      error: { message, rawResponse: message },
      metadata: { dump: message, tokens: ['abc'], [message]: 1 },
    }))
    expect(await post(sent)).toMatchObject([200, { accepted: 4, duplicates: 0 }])
    const { logs } = (await (await app.send(key, PATH)).json()) as { logs: object[] }
    const text = JSON.stringify(logs)
    for (const secret of ['EAAB123', '1//0g', '4/0AX', 'abc']) expect(text).not.toContain(secret)
    expect(await post(logs)).toMatchObject([200, { accepted: 0, duplicates: 4 }])
    expect(await post(sent)).toMatchObject([200, { accepted: 0, duplicates: 4 }])
  })

  it('is the same event when an earlier version stored it with fewer secrets redacted, and stays as it is', async () => {
    const app = await startTestApp(provider)
    const stored = {
      ...EVENT,
      eventId: 'old',
      success: { profilePicture: 'https://cdn.example.com/p?sig=0a1b2c3d4e5f' },
      error: { message: 'code=4/0AX4XfWh_x9y8 access_token=[redacted]', rawResponse: 'pinr.a1b2c3d4e5f6' },
      metadata: { tokens: ['abc'] },
    }
    await app.connectionLogs.record([{ value: { ...EVENT, eventId: 'old' }, at: '' }])
    await app.database.execute(
      sql`UPDATE connection_logs SET success = ${JSON.stringify(stored.success)}, error = ${JSON.stringify(stored.error)}, metadata = ${JSON.stringify(stored.metadata)}`,
    )
    const [again] = await app.connectionLogs.record([{ value: stored, at: '' }])
    expect(again).toMatchObject({
      created: false,
      log: { success: stored.success, error: stored.error, metadata: stored.metadata },
    })
    const other = { ...stored, error: { ...stored.error, message: 'another' } }
    const [conflict] = await app.connectionLogs.recordEach([{ value: other, at: '' }])
    expect(conflict).toMatchObject({ code: 'CONFLICT' })
  })
})
