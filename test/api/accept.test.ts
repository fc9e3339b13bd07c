import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { showHeader } from '../../src/kernel/errors.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { startWatchedApp } from '../support/watched-app.ts'

const JSON_TYPE = 'application/json; charset=utf-8'
const RESPONSE_TYPE = 'application/graphql-response+json; charset=utf-8'
const EVENTS = 'text/event-stream; charset=utf-8'
const MULTIPART = 'multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"'

const REJECTED = [
  'text/plain',
  'text/html',
  'application/xml',
  'image/*',
  'json',
  '*/json',
  'multipart/mixed',
  'multipart/mixed;deferSpec=20220824',
  'application/json;charset=ISO-8859-1',
  'application/json; charset="utf-16", application/graphql-response+json; charset=latin1',
  '*/*;charset=latin1',
  'application/json;q=0',
  'application/json; q=0.000, text/html',
  '*/*;q=0',
  'application/*;q=0, text/html',
  'text/*;q=0, multipart/*;q=0, application/*;q=0, */*',
  ',',
]

/** What is accepted, and in which form a query is answered. */
const ACCEPTED: readonly (readonly [accept: string, type: string])[] = [
  ['', JSON_TYPE],
  ['  ', JSON_TYPE],
  ['*/*', JSON_TYPE],
  ['application/*', JSON_TYPE],
  ['APPLICATION/JSON', JSON_TYPE],
  ['application/json;charset=UTF-8', JSON_TYPE],
  ['application/json; charset="utf-8"', JSON_TYPE],
  ['application/json; charset = "UTF-8" ; q=0.3', JSON_TYPE],
  ['application/json;charset=utf8', JSON_TYPE],
  ['application/json; odata=verbose; note="a,b;c"', JSON_TYPE],
  ['application/json;q=0, application/graphql-response+json', RESPONSE_TYPE],
  ['application/graphql-response+json;q=0, application/json', JSON_TYPE],
  ['application/json;q=0.1, application/graphql-response+json;q=0.2', RESPONSE_TYPE],
  ['application/json, application/graphql-response+json;q=0.9', JSON_TYPE],
  ['application/graphql-response+json, application/json', RESPONSE_TYPE],
  ['application/json, application/graphql-response+json', JSON_TYPE],
  ['application/graphql-response+json, application/json;q=0.9, */*;q=0.1', RESPONSE_TYPE],
  ['*/*;q=0.5, application/graphql-response+json', RESPONSE_TYPE],
  ['application/json;q=0, */*', RESPONSE_TYPE],
  ['application/*;q=0, application/json', JSON_TYPE],
  ['application/json;q=0, application/json;charset=utf-8', JSON_TYPE],
  ['text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', JSON_TYPE],
  ['text/plain;q=0, */*;q=0.001', JSON_TYPE],
  ['application/json;q=high', JSON_TYPE],
  ['application/json;q=7', JSON_TYPE],
  ['application/json;q=', JSON_TYPE],
  ['text/html, "application/json, application/json', JSON_TYPE],
  ['text/event-stream, application/json', JSON_TYPE],
  ['text/event-stream', EVENTS],
  ['text/*', EVENTS],
  ['text/event-stream, application/json;q=0', EVENTS],
  ['multipart/mixed;boundary="graphql";subscriptionSpec="1.0"', MULTIPART],
  ['multipart/mixed;subscriptionSpec=1.0,application/json', JSON_TYPE],
]

const ACCEPTED_BY_SUBSCRIPTIONS: readonly (readonly [accept: string, type: string])[] = [
  ['', EVENTS],
  ['*/*', EVENTS],
  ['text/*', EVENTS],
  ['text/event-stream', EVENTS],
  ['TEXT/EVENT-STREAM;charset=UTF-8', EVENTS],
  ['application/json, text/event-stream;q=0.1', EVENTS],
  ['multipart/mixed;subscriptionSpec=1.0', MULTIPART],
  ['multipart/mixed;boundary=graphql;subscriptionSpec="1.0",application/json', MULTIPART],
  ['multipart/mixed;subscriptionSpec="1.0";q=0, text/event-stream', EVENTS],
  ['multipart/mixed;subscriptionSpec="1.0";q=0.1, text/event-stream;q=0.2', EVENTS],
  ['multipart/mixed;subscriptionSpec="1.0";q=0.2, text/event-stream;q=0.1', MULTIPART],
]

const notAcceptable = (expected: string, accept: string) => ({
  errors: [
    {
      message: `Expected the header \`accept\` to take ${expected}, got ${showHeader(accept)}.`,
      extensions: { code: 'BAD_USER_INPUT' },
    },
  ],
})

describe.each(PROVIDERS)('the header Accept on %s', (provider) => {
  let app: TestApp
  let key: string
  beforeAll(async () => {
    app = keep(await startTestApp(provider))
    key = await app.key(null)
  })
  afterAll(() => app.stop())

  const post = (accept: string, query: string, over: TestApp = app, asking = key) =>
    over.send(asking, '/graphql', {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    })
  const countKeys = async () =>
    (await app.gql(key, '{ apiKeys { apiKeys { id } } }')).data.apiKeys.apiKeys.length as number
  const countLogs = async () =>
    (await app.gql(key, '{ connectionLogs { pagination { total } } }')).data.connectionLogs.pagination
      .total as number

  it.each(REJECTED)('`%s` is rejected with a sentence before a mutation runs', async (accept) => {
    const before = [await countKeys(), await countLogs()]
    for (const mutation of [
      'mutation { createApiKey(input: { service: true }) { key } }',
      'mutation { recordConnectionLog(input: { platform: TIKTOK, eventType: DISCONNECT, connectionMethod: OAUTH }) { created } }',
      '{ viewer { keyId } }',
      '{ connectionLogs { logs { id } } }',
    ]) {
      const response = await post(accept, mutation)
      expect([response.status, response.headers.get('content-type'), await response.json()]).toEqual([
        406,
        JSON_TYPE,
        notAcceptable('application/json or application/graphql-response+json', accept.trim()),
      ])
    }
    expect([await countKeys(), await countLogs()]).toEqual(before)
  })

  it.each(ACCEPTED)('`%s` is answered as %s, by whatever answers', async (accept, type) => {
    // Written by the database, executed, refused by validation.
    for (const query of ['{ connectionLogs { logs { id } } }', '{ viewer { userId } }', '{ nothing }'])
      expect((await post(accept, query)).headers.get('content-type')).toBe(type)
    const failure = type === EVENTS || type === MULTIPART ? JSON_TYPE : type
    expect(
      (await post(accept, '{ viewer { userId } }', app, 'clk_unknown')).headers.get('content-type'),
    ).toBe(failure)
  })

  it.each(['application/json', 'text/plain', 'application/json, text/event-stream;q=0', 'multipart/mixed'])(
    '`%s` is rejected by a subscription before it starts',
    async (accept) => {
      const response = await post(accept, 'subscription { connectionLogRecorded(after: "wrong") { cursor } }')
      expect([response.status, response.headers.get('content-type'), await response.json()]).toEqual([
        406,
        JSON_TYPE,
        notAcceptable('text/event-stream, as subscriptions are answered', accept),
      ])
    },
  )

  it.each(ACCEPTED_BY_SUBSCRIPTIONS)('`%s` is answered by a subscription as %s', async (accept, type) => {
    const response = await post(accept, 'subscription { connectionLogRecorded { cursor } }')
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
    await response.body?.cancel()
  })

  it('a subscription is refused in the form that is accepted', async () => {
    const refused = 'subscription { connectionLogRecorded(after: "wrong") { cursor } }'
    const [events, parts, both] = await Promise.all(
      ['text/event-stream', MULTIPART, `${MULTIPART}, application/json`].map(async (accept) => {
        const response = await post(accept, refused)
        return [response.status, response.headers.get('content-type'), await response.text()] as const
      }),
    )
    const errors = JSON.stringify((JSON.parse(both![2]) as { errors: unknown }).errors)
    expect(errors).toContain('"code":"BAD_USER_INPUT"')
    expect(both).toEqual([200, JSON_TYPE, `{"errors":${errors}}`])
    expect(events).toEqual([
      200,
      EVENTS,
      `:\n\nevent: next\ndata: {"errors":${errors}}\n\nevent: complete\ndata:\n\n`,
    ])
    expect(parts).toEqual([
      200,
      MULTIPART,
      `\r\n--graphql\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{"payload":{"errors":${errors}}}\r\n--graphql--\r\n`,
    ])
  })

  it('what Yoga keeps in `extensions.http` is never sent', async () => {
    for (const accept of [
      'text/event-stream',
      MULTIPART,
      'application/json',
      'application/graphql-response+json',
    ])
      for (const query of [
        '{ nothing }',
        '{',
        'subscription { nothing }',
        'query ($n: Int!) { connectionLogs(limit: $n) { logs { id } } }',
      ])
        expect(await (await post(accept, query)).text()).not.toContain('"http"')
  })

  it.each(['', 'application/json', 'text/event-stream', 'text/plain', MULTIPART])(
    'a mutation by GET is 405 with `%s`',
    async (accept) => {
      const query = 'mutation { createApiKey(input: { service: true }) { key } }'
      const before = await countKeys()
      const response = await app.send(key, `/graphql?${new URLSearchParams({ query })}`, {
        headers: { accept },
      })
      expect([response.status, response.headers.get('allow'), await response.json()]).toEqual([
        405,
        'POST',
        {
          errors: [
            {
              message: 'Expected the method to be POST for a mutation, got GET.',
              extensions: { code: 'BAD_USER_INPUT' },
            },
          ],
        },
      ])
      expect(await countKeys()).toBe(before)
    },
  )

  it('nothing is charged for an answer that is not accepted', async () => {
    const watched = await startWatchedApp(provider)
    const asking = await watched.app.key('u1')
    const statusOf = async (accept: string) =>
      (
        await watched.send(asking, '/graphql', {
          method: 'POST',
          headers: { accept, 'content-type': 'application/json' },
          body: JSON.stringify({ query: '{ viewer { userId } }' }),
        })
      ).status
    expect(await statusOf('text/plain')).toBe(406)
    expect([watched.reached, watched.charged]).toEqual([[], []])
    expect(await statusOf('application/json')).toBe(200)
    expect([watched.reached, watched.charged]).toEqual([['Query.viewer', 'Viewer.userId'], [2]])
    await watched.stop()
  })
})
