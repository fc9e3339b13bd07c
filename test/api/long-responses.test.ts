import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PIECE_LENGTH } from '../../src/kernel/bounded-json.ts'
import { compressed } from '../../src/http/compression.ts'
import { sized, streamOfPieces } from '../../src/http/text-body.ts'
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

  it('come in pieces, which a client may stop reading', async () => {
    const { body } = await ask(PAGE)
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    const { value } = await reader.read()
    expect(value?.length).toBeLessThan(4 * PIECE_LENGTH)
    await reader.cancel()
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
    expect(bytes.length).toBeLessThan(100_000)
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
