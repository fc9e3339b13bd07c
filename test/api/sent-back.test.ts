import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const PATH = '/api/v1/connections/logs'
const EVENT = {
  platform: 'reddit',
  eventType: 'connect_failed',
  connectionMethod: 'oauth',
  error: {
    message: 'GET /x?access_token=abc failed',
    rawResponse: '{"refresh_token":"abc"} client_secret=abc',
  },
  context: { isBYOK: true },
  metadata: { token: 'abc', n: 1 },
}

describe.each(PROVIDERS)('what connlog has answered, sent back to it on %s', (provider) => {
  it.each([
    ['without an event id', {}],
    ['with an event id', { eventId: 'e1' }],
  ])('is known, %s, as JSON and as lines', async (_, more) => {
    const app = await startTestApp(provider)
    for (const key of [await app.key('u1'), await app.key(null)]) {
      const post = async (body: unknown, type = 'application/json') => {
        const text = typeof body === 'string' ? body : JSON.stringify(body)
        const response = await app.send(key, PATH, {
          method: 'POST',
          headers: { 'content-type': type },
          body: text,
        })
        return (await response.json()) as {
          accepted: number
          duplicates: number
          rejected: number
          logs: object[]
        }
      }
      const first = await post({ ...EVENT, ...more })
      expect(first.accepted).toBe(1)
      expect(await post(first.logs)).toEqual({ accepted: 0, duplicates: 1, rejected: 0, logs: first.logs })
      const lines = `${JSON.stringify(first.logs[0])}\n${JSON.stringify(EVENT)}\n`
      expect(await post(lines, 'application/x-ndjson')).toMatchObject({
        accepted: 1,
        duplicates: 1,
        rejected: 0,
      })
    }
  })

  it('keeps its id to whoever had it first, whatever another tenant claims', async () => {
    const app = await startTestApp(provider)
    const [recorded] = await app.connectionLogs.record([{ value: { ...EVENT, userId: 'u2' }, at: '' }])
    const { id = '', createdAt = 0 } = recorded?.log ?? {}
    const claim = { ...EVENT, _id: id, createdAt: new Date(createdAt).toISOString(), durationMs: 666 }
    const spoofed = await app.send(await app.key('u1'), PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(claim),
    })
    expect(spoofed.status).toBe(200)
    expect(await app.connectionLogs.get(id)).toEqual(recorded?.log)
    const { data } = await app.gql(await app.key('u2'), `{ connectionLog(id: "${id}") { durationMs } }`)
    expect(data.connectionLog).toEqual({ durationMs: null })
  })
})
