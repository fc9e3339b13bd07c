import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { parseExposition } from '../support/exposition.ts'
import { request, sendRaw } from '../support/raw-http.ts'

const LOGS = '/api/v1/connections/logs'
const JSON_TYPE = 'Content-Type: application/json'

/** What each answer has. */
const USUAL = {
  'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'content-type': 'application/json; charset=utf-8',
}

async function start(env: Record<string, string> = {}) {
  const app = await startTestApp('sqlite', { env })
  const { turnAway, unreadable } = app
  const server = await listen(app.fetch, {
    port: 0,
    host: '127.0.0.1',
    clock: systemClock,
    turnAway,
    unreadable,
  })
  const key = `Authorization: Bearer ${await app.key('u1')}`
  /** Answers by route, method and status. */
  const counted = async () => {
    const text = await (await app.fetch(new Request('http://x/metrics'))).text()
    const samples = parseExposition(text).get('connlog_http_requests_total')?.samples ?? []
    return Object.fromEntries(
      samples.map(({ labels, value }) => [
        `${labels['method']} ${labels['route']} ${labels['status']}`,
        value,
      ]),
    )
  }
  return { app, server, key, counted }
}

describe('a method that a path does not have', () => {
  it('is answered with the same methods in the sentence and in Allow', async () => {
    const { server, key } = await start()
    for (const [path, allow, names] of [
      ['/health', 'GET, HEAD', 'GET or HEAD'],
      [LOGS, 'GET, HEAD, POST', 'GET, HEAD or POST'],
    ] as const) {
      const [answer] = await sendRaw(server.address, request(`PUT ${path} HTTP/1.1`, 'Host: x', key))
      expect(answer).toMatchObject({
        status: 405,
        headers: { ...USUAL, allow },
        body: `{"error":"Expected the method to be ${names}, got PUT."}`,
      })
    }
    const [answer] = await sendRaw(server.address, request('PUT /graphql HTTP/1.1', 'Host: x', key))
    expect(answer).toMatchObject({ status: 405, headers: { ...USUAL, allow: 'GET, POST' } })
    const head = await fetch(`${server.address}/graphql?query={viewer{name}}`, { method: 'HEAD' })
    expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET, POST'])
    await server.stop()
  })

  it('tells a valid key what is left of its rate limit, refuses another key, and needs none', async () => {
    const { server, key } = await start({ RATE_LIMIT_PER_MINUTE: '60', CORS_ORIGINS: 'https://app.example' })
    for (const path of [LOGS, '/graphql']) {
      const ask = async (...headers: string[]) =>
        (await sendRaw(server.address, request(`DELETE ${path} HTTP/1.1`, 'Host: x', ...headers)))[0]
      expect(await ask(key, 'Origin: https://app.example')).toMatchObject({
        status: 405,
        headers: {
          ...USUAL,
          'x-ratelimit-limit': '60',
          'x-ratelimit-remaining': expect.stringMatching(/^\d+$/),
          'x-ratelimit-reset': expect.stringMatching(/^\d+$/),
          'access-control-allow-origin': 'https://app.example',
        },
      })
      expect((await ask('Authorization: Bearer none'))?.status).toBe(401)
      expect((await ask())?.status).toBe(405)
    }
    await server.stop()
  })
})

it('bytes that make no request are answered in words, counted and logged as requests are', async () => {
  const { server, counted } = await start()
  const long = 'x'.repeat(20_000)
  for (const bytes of [
    request(`GET /graphql?query=${long} HTTP/1.1`, 'Host: x'),
    request('GET / HTTP/1.1', `X: ${long}`),
  ])
    expect(await sendRaw(server.address, bytes)).toMatchObject([
      {
        status: 431,
        headers: { ...USUAL, connection: 'close' },
        body: '{"error":"Expected at most 16384 bytes of request line and headers, got more. Send a long GraphQL document by POST."}',
      },
    ])
  expect(await sendRaw(server.address, 'no request\r\n\r\n')).toMatchObject([
    {
      status: 400,
      headers: { ...USUAL, connection: 'close' },
      body: '{"error":"Expected a valid HTTP/1.1 request for a path, got something else."}',
    },
  ])
  expect(await counted()).toMatchObject({ '(other) (other) 431': 2, '(other) (other) 400': 1 })
  await server.stop()
})

describe('a body that is not read', () => {
  const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
  const large = chunk.repeat(70)

  it('closes the connection if it is large, and the client gets the answer all the same', async () => {
    const { server, key } = await start()
    const cases: [status: number, bytes: string][] = [
      [
        413,
        request('POST /graphql HTTP/1.1', 'Host: x', key, JSON_TYPE, 'Transfer-Encoding: chunked') + large,
      ],
      [413, request('POST /graphql HTTP/1.1', 'Host: x', key, JSON_TYPE, 'Content-Length: 50000000') + large],
      [401, request('POST /graphql HTTP/1.1', 'Host: x', JSON_TYPE, 'Transfer-Encoding: chunked') + large],
      [404, request('POST /nowhere HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked') + large],
      [405, request(`PUT ${LOGS} HTTP/1.1`, 'Host: x', 'Content-Length: 50000000') + large],
      [415, request(`POST ${LOGS} HTTP/1.1`, 'Host: x', key, 'Transfer-Encoding: chunked') + large],
    ]
    for (const [status, bytes] of cases)
      expect(await sendRaw(server.address, bytes)).toMatchObject([
        { status, headers: { connection: 'close' } },
      ])
    await server.stop()
  })

  it('leaves the connection open if it is small, and the next request is answered', async () => {
    const { server, key } = await start()
    const next = request('GET /health HTTP/1.1', 'Host: x')
    for (const [status, head] of [
      [401, request('POST /graphql HTTP/1.1', 'Host: x', JSON_TYPE, 'Content-Length: 5')],
      [415, request('POST /graphql HTTP/1.1', 'Host: x', key, 'Content-Length: 5')],
      [400, request('POST /graphql HTTP/1.1', 'Host: x', key, JSON_TYPE, 'Content-Length: 5')],
    ] as const)
      expect(await sendRaw(server.address, `${head}12345${next}`, 2)).toMatchObject([
        { status, headers: { connection: 'keep-alive' } },
        { status: 200, body: '{"status":"ok"}' },
      ])
    await server.stop()
  })

  it('is not asked for by 100 Continue before the request is refused', async () => {
    const { server, key } = await start()
    const expects = 'Expect: 100-continue'
    const ask = (...headers: string[]) =>
      sendRaw(server.address, request('POST /graphql HTTP/1.1', 'Host: x', expects, ...headers))
    for (const [status, ...headers] of [
      [401, JSON_TYPE, 'Content-Length: 5'],
      [413, key, JSON_TYPE, 'Content-Length: 50000000'],
      [415, key, 'Content-Length: 5'],
    ] as const)
      expect(await ask(...headers)).toMatchObject([{ status, headers: { connection: 'close' } }])
    const body = '{"query":"{viewer{name}}"}'
    const asked = request(
      'POST /graphql HTTP/1.1',
      'Host: x',
      expects,
      key,
      JSON_TYPE,
      `Content-Length: ${body.length}`,
    )
    expect(await sendRaw(server.address, asked)).toMatchObject([{ status: 100 }])
    expect(await sendRaw(server.address, asked + body, 2)).toMatchObject([
      { status: 100 },
      { status: 200, body: '{"data":{"viewer":{"name":null}}}' },
    ])
    await server.stop()
  })
})

it('a compressed body is refused with the accepted encodings, and identity may be in capitals', async () => {
  const { server, key } = await start()
  const body = '{"query":"{viewer{name}}"}'
  const ask = (encoding: string) =>
    sendRaw(
      server.address,
      request(
        'POST /graphql HTTP/1.1',
        'Host: x',
        key,
        JSON_TYPE,
        `Content-Encoding: ${encoding}`,
        `Content-Length: ${body.length}`,
      ) + body,
    )
  expect(await ask('gzip')).toMatchObject([{ status: 415, headers: { 'accept-encoding': 'identity' } }])
  for (const encoding of ['IDENTITY', 'Identity', ''])
    expect(await ask(encoding)).toMatchObject([{ status: 200 }])
  await server.stop()
})

it('an upload that breaks off is counted as 499 and is no fault of the service', async () => {
  const { app, server, key, counted } = await start()
  const { hostname, port } = new URL(server.address)
  for (const [path, type] of [
    ['/graphql', 'application/json'],
    [LOGS, 'application/json'],
    [LOGS, 'application/x-ndjson'],
  ] as const) {
    const socket = connect(Number(port), hostname)
    const head = request(
      `POST ${path} HTTP/1.1`,
      'Host: x',
      key,
      `Content-Type: ${type}`,
      'Content-Length: 500',
      'Expect: 100-continue',
    )
    // The service reads the body from here on.
    socket.once('data', () => socket.write('{', () => socket.destroy()))
    socket.write(head)
    await new Promise((resolve) => socket.once('close', resolve))
  }
  await expect
    .poll(counted, { timeout: 30_000 })
    .toMatchObject({ 'POST /graphql 499': 1, [`POST ${LOGS} 499`]: 2 })
  expect(Object.keys(await counted()).filter((each) => each.endsWith(' 500'))).toEqual([])
  expect(app.logged.filter(({ level }) => level === 'error')).toEqual([])
  await server.stop()
})

it('a Request whose body fails is a fault of the one who made it', async () => {
  const app = await startTestApp('sqlite')
  const key = await app.key('u1')
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) })
  const response = await app.send(key, LOGS, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    duplex: 'half',
  } as RequestInit)
  expect([response.status, await response.text()]).toEqual([
    400,
    '{"error":"Expected the whole body, got a part of it."}',
  ])
})

it('recording refuses parameters, as reading does', async () => {
  const app = await startTestApp('sqlite')
  const key = await app.key('u1')
  const body = '{"platform":"reddit","eventType":"disconnect","connectionMethod":"oauth"}'
  for (const type of ['application/json', 'application/x-ndjson']) {
    const init = { method: 'POST', headers: { 'content-type': type }, body }
    const response = await app.send(key, `${LOGS}?dryRun=true`, init)
    expect([response.status, await response.text()]).toEqual([
      400,
      '{"error":"Expected no parameters with POST, got the unknown parameter \\"dryRun\\"."}',
    ])
  }
  const { pagination } = (await (await app.send(key, LOGS)).json()) as { pagination: { total: number } }
  expect(pagination.total).toBe(0)
})

it('whole numbers in addresses have digits only, and no leading zero', async () => {
  const app = await startTestApp('sqlite')
  const key = await app.key('u1')
  for (const text of ['010', '+5', '-5', '1e1', '0x10', ' 5', '5 ', '', '5.0', '٥', '00', '1_0']) {
    const response = await app.send(key, `${LOGS}?limit=${encodeURIComponent(text)}`)
    expect([response.status, await response.text()]).toEqual([
      400,
      JSON.stringify({
        error: `Expected \`limit\` to be a whole number from 1 to 100, got ${JSON.stringify(text)}.`,
      }),
    ])
  }
  for (const query of ['limit=5', 'skip=0', 'days=7'])
    expect((await app.send(key, `${LOGS}?${query}`)).status).toBe(200)
})

it('a client that brings a key gets its answer and no page, whatever it accepts', async () => {
  const app = await startTestApp('sqlite', { env: { GRAPHIQL: 'true' } })
  const key = await app.key('u1')
  const accept = 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2'
  const path = '/graphql?query={viewer{name}}'
  const response = await app.send(key, path, { headers: { accept } })
  expect([response.status, await response.text()]).toEqual([200, '{"data":{"viewer":{"name":null}}}'])
  expect((await app.send('', path, { headers: { accept } })).headers.get('content-type')).toContain(
    'text/html',
  )
})
