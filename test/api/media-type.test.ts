import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const JSON_TYPE = 'application/json; charset=utf-8'
const RESPONSE_TYPE = 'application/graphql-response+json; charset=utf-8'

/** As Apollo Client asks. */
const PREFERRED = 'application/graphql-response+json,application/json;q=0.9'

describe.each(PROVIDERS)('the media type of what is refused on %s', (provider) => {
  let app: TestApp
  let users = 0
  /** A key of a new user, since all keys of a user share one rate limit. */
  const newKey = () => app.key(`u${(users += 1)}`)
  beforeAll(async () => {
    app = keep(await startTestApp(provider, { env: { RATE_LIMIT_PER_MINUTE: '3' } }))
  })
  afterAll(() => app.stop())

  it.each([
    [PREFERRED, RESPONSE_TYPE],
    ['application/json', JSON_TYPE],
    ['application/json, application/graphql-response+json', JSON_TYPE],
    ['text/event-stream', JSON_TYPE],
    ['text/html', JSON_TYPE],
    ['', JSON_TYPE],
  ])('with `accept: %s` is %s, whatever refuses it', async (accept, type) => {
    const key = await newKey()
    const post = async (asking: string, body: string, contentType = 'application/json') => {
      const headers = { accept, 'content-type': contentType }
      const response = await app.send(asking, '/graphql', { method: 'POST', headers, body })
      const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] }
      return [response.status, errors[0]?.extensions.code, response.headers.get('content-type')]
    }
    const viewer = JSON.stringify({ query: '{ viewer { keyId } }' })
    const answers = [
      await post('clk_unknown', viewer),
      await post(key, '{'),
      await post(key, viewer, 'text/plain'),
      await post(key, JSON.stringify({ documentId: 'unknown' })),
      await post(key, viewer),
    ]
    expect(answers).toEqual([
      [401, 'UNAUTHENTICATED', type],
      [400, 'BAD_USER_INPUT', type],
      [415, 'BAD_USER_INPUT', type],
      [404, 'NOT_FOUND', type],
      [429, 'RATE_LIMITED', type],
    ])
    const rest = await app.send('clk_unknown', '/api/v1/connections/logs', { headers: { accept } })
    expect([rest.status, rest.headers.get('content-type'), await rest.text()]).toEqual([
      401,
      JSON_TYPE,
      '{"error":"Unauthorized"}',
    ])
  })

  it('of a subscription is the one that was asked for', async () => {
    const query = 'subscription { connectionLogRecorded(after: "made up") { cursor } }'
    const path = `/graphql?${new URLSearchParams({ query })}`
    const headers = { accept: `text/event-stream, ${PREFERRED}` }
    const response = await app.send(await newKey(), path, { headers })
    expect([response.status, response.headers.get('content-type')]).toEqual([400, RESPONSE_TYPE])
  })
})
