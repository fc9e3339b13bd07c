import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const MAX_BYTES = 100_000
const LOGS = 20
const REST = '/api/v1/connections/logs'
const SENTENCE = `Expected the response to have at most ${MAX_BYTES} bytes, got more. Ask for fewer fields, or for shorter pages.`
const LOG = {
  platform: 'reddit',
  eventType: 'connect_failed',
  connectionMethod: 'oauth',
  error: { code: 'denied', message: 'é'.repeat(4_000) },
}

/** A page by execution, with one text under several aliases, and one that the database writes. */
const ALIASED = '{ connectionLogs(limit: 20) { logs { a: error { message } b: error { message } } } }'
const WRITTEN = (limit: number) => `{ connectionLogs(limit: ${limit}) { logs { error { message } } } }`

describe.each(PROVIDERS)('the size of a response on %s', (provider) => {
  let app: TestApp
  let key: string
  const ask = (query: string, accept = 'application/json', body: object = {}) =>
    app.send(key, '/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify({ query, ...body }),
    })

  beforeAll(async () => {
    app = keep(await startTestApp(provider, { env: { MAX_RESPONSE_BYTES: String(MAX_BYTES) } }))
    key = await app.key('u1')
    await app.connectionLogs.recordEach(
      Array.from({ length: LOGS }, () => ({ value: { ...LOG, userId: 'u1' }, at: '' })),
    )
  })
  afterAll(() => app.stop())

  it.each([
    ['a page that is executed', ALIASED, 'application/json'],
    [
      'a page that is executed, by cursor',
      '{ connectionLogsByCursor(first: 20) { nodes { error { message } } } }',
      'application/json',
    ],
    ['a page that the database writes', WRITTEN(20), 'application/json'],
    [
      'a page that the database writes, as a GraphQL response',
      WRITTEN(20),
      'application/graphql-response+json',
    ],
    ['a page that is executed, as a GraphQL response', ALIASED, 'application/graphql-response+json'],
  ])('is limited for %s', async (_, query, accept) => {
    const response = await ask(query, accept)
    expect([response.status, await response.json()]).toEqual([
      400,
      { errors: [{ message: SENTENCE, extensions: { code: 'TOO_COMPLEX' } }] },
    ])
    expect(app.logged.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('is limited for a query that is answered as a stream of one event', async () => {
    const response = await ask(ALIASED, 'text/event-stream')
    const text = await response.text()
    expect(text.length).toBeLessThan(1_000)
    expect(text).toContain(`{"errors":[{"message":"${SENTENCE}","extensions":{"code":"TOO_COMPLEX"}}]}`)
  })

  it('is limited for a REST page', async () => {
    const response = await app.send(key, `${REST}?limit=20`)
    expect([response.status, await response.json()]).toEqual([400, { error: SENTENCE }])
  })

  it('counts bytes, so a page that just fits is answered', async () => {
    const bytesOf = async (limit: number) => Buffer.byteLength(await (await ask(WRITTEN(limit))).text())
    const fits = await bytesOf(12)
    expect(fits).toBeGreaterThan(12 * 8_000)
    expect(fits).toBeLessThanOrEqual(MAX_BYTES)
    expect((await ask(WRITTEN(13))).status).toBe(400)
    expect((await app.send(key, `${REST}?limit=10`)).status).toBe(200)
  })

  it('does not undo what a mutation has recorded', async () => {
    const query = `mutation ($inputs: [RecordConnectionLogInput!]!) { recordConnectionLogs(inputs: $inputs) { created results { log { error { message } } } } }`
    const input = {
      platform: 'REDDIT',
      eventType: 'CONNECT_FAILED',
      connectionMethod: 'OAUTH',
      error: LOG.error,
    }
    const before = await app.gql(key, '{ connectionLogs { pagination { total } } }')
    const response = await ask(query, 'application/json', {
      variables: { inputs: Array.from({ length: 13 }, () => input) },
    })
    expect(response.status).toBe(400)
    const after = await app.gql(key, '{ connectionLogs { pagination { total } } }')
    const totalOf = (answer: typeof after) => answer.data.connectionLogs.pagination.total as number
    expect(totalOf(after) - totalOf(before)).toBe(13)
  })

  it('is not limited without the setting: the same pages are answered whole', async () => {
    const larger = await startTestApp(provider)
    const service = await larger.key('u1')
    await larger.connectionLogs.recordEach(
      Array.from({ length: LOGS }, () => ({ value: { ...LOG, userId: 'u1' }, at: '' })),
    )
    for (const query of [ALIASED, WRITTEN(20)]) {
      const answer = await larger.gql(service, query)
      expect(answer.errors).toBe(undefined)
      expect(Buffer.byteLength(JSON.stringify(answer))).toBeGreaterThan(MAX_BYTES)
    }
  })
})
