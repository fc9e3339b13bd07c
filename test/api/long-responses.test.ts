import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PIECE_LENGTH } from '../../src/kernel/bounded-json.ts'
import { compressed } from '../../src/http/compression.ts'
import { sized, streamOfPieces, unsentOf } from '../../src/http/text-body.ts'
import { serverSentEvents } from '../../src/http/stream-format.ts'
import { listen } from '../../src/http/listen.ts'
import { streamResponse } from '../../src/http/stream.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { NEVER_YIELDS } from '../../src/kernel/yield-if-long.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const LOGS = 100
const REST = '/api/v1/connections/logs?limit=100'
const PAGE = '{ connectionLogs(limit: 100) { logs { id metadata } } }'
const ALIASED =
  '{ a: connectionLogs(limit: 100) { logs { id metadata } } b: connectionLogs(limit: 1) { logs { id } } }'
/** Two UTF-16 code units and four bytes each, so that a piece may end within one. */
const NOTE = '😀'.repeat(3_500)

describe.each(PROVIDERS)('responses of more than one piece on %s', (provider) => {
  let app: TestApp
  let key: string
  const ask = (query: string, headers: Record<string, string> = {}) =>
    app.send(key, '/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query }),
    })
  const read = (headers: Record<string, string> = {}, method = 'GET') =>
    app.send(key, REST, { method, headers })
  const notesIn = (logs: readonly { metadata: { note: string } }[]) =>
    logs.map(({ metadata }) => metadata.note)
  const all = Array.from({ length: LOGS }, () => NOTE)

  beforeAll(async () => {
    app = keep(await startTestApp(provider))
    key = await app.key('u1')
    await app.connectionLogs.recordEach(
      Array.from({ length: LOGS }, () => ({
        value: {
          platform: 'reddit',
          eventType: 'disconnect',
          connectionMethod: 'oauth',
          userId: 'u1',
          metadata: { note: NOTE },
        },
        at: '',
      })),
    )
  })
  afterAll(() => app.stop())

  it.each([
    ['a page that the database writes', PAGE, 'connectionLogs'],
    ['a page that is executed', ALIASED, 'a'],
  ])('are whole, and as long as they say: %s', async (_, query, field) => {
    const response = await ask(query)
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(bytes.length).toBeGreaterThan(4 * PIECE_LENGTH)
    expect(response.headers.get('content-length')).toBe(String(bytes.length))
    const { data } = JSON.parse(bytes.toString()) as { data: Record<string, { logs: [] }> }
    expect(notesIn(data[field]?.logs ?? [])).toEqual(all)
  })

  it('are whole, and as long as they say: a page over REST, whose length HEAD says too', async () => {
    const response = await read()
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(response.headers.get('content-length')).toBe(String(bytes.length))
    expect(notesIn((JSON.parse(bytes.toString()) as { logs: [] }).logs)).toEqual(all)
    const head = await read({}, 'HEAD')
    expect([head.headers.get('content-length'), await head.text()]).toEqual([String(bytes.length), ''])
  })

  it.each(['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0'])('come as %s', async (accept) => {
    const whole = await (await ask(ALIASED)).text()
    const text = await (await ask(ALIASED, { accept })).text()
    expect(text).toContain(whole)
    expect(text.length - whole.length).toBeLessThan(200)
  })

  it.each(['identity', 'br', 'gzip'])(
    'of one piece with many bytes, and of many pieces, are whole over a connection: %s',
    async (encoding) => {
      const server = await listen(app.fetch, {
        port: 0,
        host: '127.0.0.1',
        clock: systemClock,
        compression: true,
      })
      const headers = { authorization: `Bearer ${key}`, 'accept-encoding': encoding }
      for (const limit of [30, 100]) {
        const response = await fetch(`${server.address}/api/v1/connections/logs?limit=${limit}`, { headers })
        const { logs } = (await response.json()) as { logs: [] }
        expect(notesIn(logs)).toEqual(all.slice(0, limit))
      }
      await server.stop()
    },
  )

  it('come in pieces, which a client may stop reading', async () => {
    const { body } = await ask(PAGE)
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    const { value } = await reader.read()
    expect(value?.length).toBeLessThan(4 * PIECE_LENGTH)
    await reader.cancel()
  })

  it.each(['identity', 'br', 'gzip'])(
    'count as unread until the client has taken them: %s',
    async (encoding) => {
      const request = new Request('http://connlog.test', { headers: { 'accept-encoding': encoding } })
      const { body } = await compressed(request, await read())
      expect(unsentOf(body)).toBeGreaterThan(PIECE_LENGTH)
      const reader = (body as ReadableStream<Uint8Array>).getReader()
      while (!(await reader.read()).done);
      expect(unsentOf(body)).toBe(0)
    },
  )

  it('of a query that is answered as an event count as unread, too', async () => {
    const { body } = await ask(ALIASED, { accept: 'text/event-stream' })
    expect(unsentOf(body)).toBeGreaterThan(2 * PIECE_LENGTH)
    await body?.cancel()
    expect(unsentOf(body)).toBe(0)
  })

  it('may be given up while they are compressed', async () => {
    for (const encoding of ['br', 'gzip']) {
      const request = new Request('http://connlog.test', { headers: { 'accept-encoding': encoding } })
      const reader = (
        (await compressed(request, await read())).body as ReadableStream<Uint8Array>
      ).getReader()
      await reader.read()
      await reader.cancel()
    }
  })

  it.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ])('are compressed as %s while they are sent', async (encoding, decompress) => {
    const request = new Request('http://connlog.test', { headers: { 'accept-encoding': encoding } })
    const response = await compressed(request, await read())
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-encoding': encoding,
      vary: 'Accept-Encoding',
    })
    expect(response.headers.has('content-length')).toBe(false)
    const bytes = Buffer.from(await response.arrayBuffer())
    // The size and not a time: ten times smaller than the text.
    expect(10 * bytes.length).toBeLessThan(LOGS * Buffer.byteLength(NOTE))
    expect(notesIn((JSON.parse(decompress(bytes).toString()) as { logs: [] }).logs)).toEqual(all)
  })
})

it.each([
  ['', true],
  ['x', false],
])('no piece ends within a character, after "%s"', async (before, isWellFormed) => {
  const text = before + '😀'.repeat(PIECE_LENGTH)
  const { pieces, bytes } = sized(text)
  expect(pieces.length).toBe(2)
  // Control: cut after the same number of code units, it may.
  expect(isEncodable(text.slice(0, PIECE_LENGTH))).toBe(isWellFormed)
  expect(pieces.map(isEncodable)).toEqual([true, true])
  const sent = await new Response(streamOfPieces(pieces, NEVER_YIELDS)).text()
  expect([sent === text, bytes]).toEqual([true, Buffer.byteLength(text)])
})

const isEncodable = (text: string) => Buffer.from(text).toString() === text

it('no heartbeat comes between two pieces of an event, and its rest counts as unread', async () => {
  const piece = 'x'.repeat(PIECE_LENGTH)
  const results = [
    { result: {}, text: { pieces: [piece, piece, piece], bytes: 3 * PIECE_LENGTH } },
    { result: {}, text: { pieces: ['last'], bytes: 4 } },
  ].values()
  const beats: (() => void)[] = []
  const { body } = streamResponse(
    {
      next: async () => {
        const { value, done } = results.next()
        return done === true ? { done, value: undefined } : { done: false, value }
      },
    },
    {
      format: serverSentEvents,
      progress: undefined,
      heartbeatMs: 1,
      // A heartbeat is due whenever something else has its turn.
      yieldIfLong: async () => {
        for (const beat of beats.splice(0)) beat()
        await systemClock.sleep(0)
      },
      clock: { ...systemClock, sleep: () => new Promise((resolve) => beats.push(resolve)) },
      signal: new AbortController().signal,
    },
  )
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  let mostUnsent = 0
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    text += Buffer.from(next.value).toString()
    mostUnsent = Math.max(mostUnsent, unsentOf(body))
  }
  expect(mostUnsent).toBeGreaterThan(PIECE_LENGTH)
  expect(text).toContain(`data: ${piece.repeat(3)}\n\n`)
  expect(text).toContain('data: last\n\n')
})
