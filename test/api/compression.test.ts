import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { request as nodeRequest, type IncomingHttpHeaders } from 'node:http'
import { expect, it } from 'vitest'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { sentOf } from '../support/sent.ts'

const LOGS = '/api/v1/connections/logs'
const QUERY = '{ connectionLogs { logs { id accountId createdAt } } }'
/** A page of more than a kilobyte that is executed, and not written by the database. */
const EXECUTED = '{ viewer { name } connectionLogs { logs { id accountId createdAt } } }'
const path = (query: string) => `/graphql?${new URLSearchParams({ query })}`

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

async function start({ compression = true } = {}) {
  const app = await startTestApp('sqlite')
  await app.connectionLogs.record(Array.from({ length: 30 }, (_, index) => sentOf(`account-${index}`)))
  const key = await app.key(null)
  const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock, compression })
  /** Without what `fetch` does by itself: it asks for encodings, and undoes them. */
  const ask = (target: string, headers: Record<string, string> = {}, method = 'GET', sent = '') =>
    new Promise<Answer>((resolve, reject) => {
      const asked = nodeRequest(
        `${server.address}${target}`,
        { method, headers: { authorization: `Bearer ${key}`, ...headers } },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => void chunks.push(chunk))
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks),
            }),
          )
        },
      )
      asked.once('error', reject)
      asked.end(sent)
    })
  return { app, server, key, ask }
}

const DECODERS = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  identity: (body: Buffer) => body,
}

it.each([
  ['br', 'br'],
  ['gzip', 'gzip'],
  ['gzip, deflate, br', 'br'],
  ['GZIP', 'gzip'],
  ['br;q=0.2, gzip;q=0.8', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['*', 'br'],
  ['*, br;q=0', 'gzip'],
  ['br;q=0, gzip;q=0', 'identity'],
  ['deflate, zstd', 'identity'],
  ['gzip;q=0.5, identity', 'identity'],
  ['gzip;q=x', 'identity'],
  ['*;q=0', 'identity'],
  ['', 'identity'],
] as const)(
  'an answer to Accept-Encoding: %s is sent as %s, and says what it depends on',
  async (accept, encoding) => {
    const { server, ask } = await start()
    for (const target of [LOGS, path(QUERY), path(EXECUTED), '/metrics']) {
      const plain = await ask(target)
      const answer = await ask(target, { 'accept-encoding': accept })
      expect([answer.status, answer.headers['content-encoding'] ?? 'identity', answer.headers.vary]).toEqual([
        200,
        encoding,
        'Accept-Encoding',
      ])
      expect(answer.headers['content-length']).toBe(String(answer.body.length))
      expect(answer.headers['content-type']).toBe(plain.headers['content-type'])
      const decoded = DECODERS[encoding](answer.body)
      if (target !== '/metrics') expect(decoded.equals(plain.body)).toBe(true)
      expect(decoded.length).toBeGreaterThan(1024)
      if (encoding !== 'identity') expect(answer.body.length).toBeLessThan(decoded.length / 2)
    }
    await server.stop()
  },
)

it('HEAD tells of the encoding that GET would have', async () => {
  const { server, ask } = await start()
  const { status, headers, body } = await ask(LOGS, { 'accept-encoding': 'gzip' }, 'HEAD')
  expect([status, headers['content-encoding'], headers.vary, headers['content-length'], body.length]).toEqual(
    [200, 'gzip', 'Accept-Encoding', undefined, 0],
  )
  await server.stop()
})

it('nothing is compressed that is small, that nobody asked for, or where the setting is off', async () => {
  const on = await start()
  for (const answer of [
    await on.ask(LOGS),
    await on.ask('/health', { 'accept-encoding': 'br' }),
    await on.ask(`${LOGS}?limit=1`, { 'accept-encoding': 'br' }),
    await on.ask(`${LOGS}?limit=0`, { 'accept-encoding': 'br' }),
  ])
    expect([answer.headers['content-encoding'], answer.headers.vary]).toEqual([undefined, undefined])
  await on.server.stop()
  const off = await start({ compression: false })
  const answer = await off.ask(LOGS, { 'accept-encoding': 'br' })
  expect([answer.headers['content-encoding'], answer.body.length > 1024]).toEqual([undefined, true])
  await off.server.stop()
})

it('an answer with a new key is compressed by nobody on its way', async () => {
  const { server, ask } = await start()
  const aliases = Array.from(
    { length: 8 },
    (_, at) => `a${at}: createApiKey(input: {service: true}) { key apiKey { id createdAt } }`,
  )
  const { status, headers, body } = await ask(
    '/graphql',
    { 'accept-encoding': 'br, gzip', 'content-type': 'application/json' },
    'POST',
    JSON.stringify({ query: `mutation { ${aliases.join(' ')} }` }),
  )
  expect([status, headers['content-encoding'], headers['cache-control']]).toEqual([
    200,
    undefined,
    'no-store, no-transform',
  ])
  expect(body.toString().match(/"key":"clk_/g)).toHaveLength(8)
  expect(body.length).toBeGreaterThan(1024)
  await server.stop()
})

it('events and answers to lines are sent as they happen, whatever encoding is asked for', async () => {
  const { app, server, key } = await start()
  const query = 'subscription { connectionLogRecorded { log { accountId } } }'
  for (const accept of ['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0']) {
    const leaving = new AbortController()
    const response = await fetch(`${server.address}${path(query)}`, {
      headers: { authorization: `Bearer ${key}`, accept, 'accept-encoding': 'gzip, br' },
      signal: leaving.signal,
    })
    expect(response.headers.get('content-encoding')).toBe(null)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = (await reader.read()).value ?? ''
    await app.connectionLogs.record([sentOf('live')])
    // The stream goes on, so this ends only if the event is not held back.
    while (!text.includes('"accountId":"live"')) text += (await reader.read()).value
    leaving.abort()
  }
  await server.stop()
})
