import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../../src/database/sql.ts'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS, breakDatabase } from '../support/databases.ts'

const PATH = '/api/v1/connections/logs'
const NDJSON = 'application/x-ndjson'
const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
const lineOf = (value: object) => `${JSON.stringify({ ...EVENT, ...value })}\n`

/** Lines that are handed out as they are asked for, and how many have been. */
function createSource(lines: number, makeLine: (index: number) => string) {
  const encoder = new TextEncoder()
  const source = { taken: 0, body: new ReadableStream<Uint8Array>() }
  source.body = new ReadableStream({
    pull: (controller) => {
      if (source.taken === lines) controller.close()
      else controller.enqueue(encoder.encode(makeLine(source.taken++)))
    },
  })
  return source
}

async function* linesOf(response: Response): AsyncGenerator<Record<string, unknown>> {
  let rest = ''
  const decoder = new TextDecoder()
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    const lines = (rest + decoder.decode(value, { stream: !done })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line) as Record<string, unknown>
    if (done) return
  }
}

async function all(response: Response): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = []
  for await (const line of linesOf(response)) lines.push(line)
  return lines
}

describe.each(PROVIDERS)('lines into %s', (provider) => {
  let app: TestApp
  let key: string
  const send = (body: BodyInit, accept = NDJSON) =>
    app.send(key, PATH, {
      method: 'POST',
      body,
      headers: { 'content-type': NDJSON, accept },
      duplex: 'half',
    } as RequestInit)

  beforeAll(async () => {
    app = keep(await startTestApp(provider))
    key = await app.key(null)
  })
  afterAll(() => app.stop())

  it('are answered one by one where that is asked for', async () => {
    const response = await send(
      [
        lineOf({ eventId: 'one' }),
        lineOf({ eventId: 'one' }),
        '\n',
        lineOf({ eventId: 'one', durationMs: 5 }),
        lineOf({ platform: 'myspace' }),
        '{\n',
        lineOf({ eventId: 'two' }),
      ].join(''),
    )
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
    const [first, second, conflict, platform, json, last, summary, ...more] = await all(response)
    expect(first).toEqual({ line: 1, result: 'accepted', _id: expect.stringMatching(/^[\da-f-]{36}$/) })
    expect(second).toEqual({ line: 2, result: 'duplicate', _id: first?.['_id'] })
    expect(conflict).toEqual({
      line: 4,
      result: 'rejected',
      error:
        'Expected `eventId` to be new or to repeat the log that it was first sent with, got "one" with other content.',
    })
    expect(platform).toMatchObject({ line: 5, result: 'rejected', error: /^Expected `platform`/ })
    expect(json).toEqual({
      line: 6,
      result: 'rejected',
      error: 'Expected the line to be JSON, got only its beginning.',
    })
    expect(last).toMatchObject({ line: 7, result: 'accepted' })
    expect(summary).toEqual({ accepted: 2, duplicates: 1, rejected: 3 })
    expect(more).toEqual([])
  })

  it('are refused with a status while the answer has not begun', async () => {
    const reader = await app.key('u1', ['logs:read'])
    const response = await app.send(reader, PATH, {
      method: 'POST',
      body: lineOf({}),
      headers: { 'content-type': NDJSON, accept: NDJSON },
    })
    expect([response.status, await response.json()]).toEqual([
      403,
      { error: 'Expected a key with the scope `logs:write`, got one with logs:read.' },
    ])
  })

  it('are answered while the stream goes on, wherever it pauses', async () => {
    const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
    try {
      const encoder = new TextEncoder()
      let sender: ReadableStreamDefaultController<Uint8Array> | undefined
      const body = new ReadableStream<Uint8Array>({ start: (controller) => void (sender = controller) })
      sender?.enqueue(encoder.encode(lineOf({ eventId: 'talk-0' })))
      const response = await fetch(`${server.address}${PATH}`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${key}`, 'content-type': NDJSON, accept: NDJSON },
        duplex: 'half',
      } as RequestInit)
      const answers = linesOf(response)
      for (let index = 0; index < 5; index += 1) {
        // Only what has been answered before is followed by more.
        expect((await answers.next()).value).toMatchObject({ line: index + 1, result: 'accepted' })
        if (index < 4) sender?.enqueue(encoder.encode(lineOf({ eventId: `talk-${index + 1}` })))
      }
      sender?.close()
      expect((await answers.next()).value).toEqual({ accepted: 5, duplicates: 0, rejected: 0 })
    } finally {
      await server.stop()
    }
  })

  it('are read no faster than their answers are: memory does not grow with the stream', async () => {
    const LINES = 40_000
    const source = createSource(LINES, (index) => lineOf({ eventId: `flood-${index}` }))
    const response = await send(source.body)
    const answers = linesOf(response)
    await answers.next()
    // Time enough to read on, were it not for whoever does not read the answer.
    for (let idle = 0; idle < 20; idle += 1) await systemClock.sleep(25)
    const ahead = source.taken
    expect(ahead).toBeLessThan(20_000)
    let answered = 1
    for await (const _ of answers) answered += 1
    expect(answered).toBe(LINES + 1)

    // The control: what reads a body as a whole is ahead of everything.
    const naive = createSource(LINES, (index) => lineOf({ eventId: `flood-${index}` }))
    await new Response(naive.body).text()
    expect(naive.taken).toBe(LINES)
  })

  it('that were stored before the database failed are told of', async () => {
    const failing = await startTestApp(provider)
    const writer = await failing.key(null)
    let mend = () => {}
    async function* broken() {
      for (let index = 0; index < 4_000; index += 1) {
        if (index === 2_500) {
          // Where a stream pauses, all that has come is stored.
          while ((await failing.connectionLogs.page({}, { limit: 1 })).pagination.total < index)
            await systemClock.sleep(20)
          mend = await breakDatabase(failing.url)
        }
        yield Buffer.from(lineOf({ eventId: `e${index}` }))
      }
    }
    const response = await failing.send(writer, PATH, {
      method: 'POST',
      body: broken() as unknown as BodyInit,
      headers: { 'content-type': NDJSON },
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await response.json()).toEqual({
      error: expect.stringMatching(
        /^The database cannot be reached or cannot take this now\. Try again soon\. Of the lines before, 2500 were stored, 0 were there already, 0 were rejected\.$/,
      ),
    })
    mend()
  })
})

describe('single writes to postgres', () => {
  it('that come together are committed together', async () => {
    const app = await startTestApp('postgres')
    const key = await app.key('u1')
    const mutation = `mutation ($input: RecordConnectionLogInput!) { recordConnectionLog(input: $input) { created } }`
    const record = (eventId: string) =>
      app.gql(key, mutation, {
        input: { eventId, platform: 'REDDIT', eventType: 'DISCONNECT', connectionMethod: 'OAUTH' },
      })
    const commits = async (like: string) => {
      // The position of a log is the transaction that stored it.
      const [row] = await app.database.query<{ logs: bigint; transactions: bigint }>(
        sql`SELECT count(*) AS logs, count(DISTINCT position) AS transactions FROM connection_logs WHERE event_id LIKE ${like}`,
      )
      return { logs: Number(row?.logs), transactions: Number(row?.transactions) }
    }
    await Promise.all(Array.from({ length: 60 }, (_, index) => record(`together-${index}`)))
    const together = await commits('together-%')
    expect(together.logs).toBe(60)
    expect(together.transactions).toBeLessThan(30)

    // The control: one after the other, each has a transaction of its own.
    for (let index = 0; index < 5; index += 1) await record(`alone-${index}`)
    expect(await commits('alone-%')).toEqual({ logs: 5, transactions: 5 })
  })

  it('go on when another process has dropped the day that they write to', async () => {
    const app = await startTestApp('postgres')
    const record = (eventId: string) =>
      app.connectionLogs.record([{ value: { ...EVENT, eventId }, at: '' }]).then(([one]) => one?.created)
    expect(await record('before')).toBe(true)
    const today = new Date(systemClock.now()).toISOString().slice(0, 10).replaceAll('-', '')
    for (const table of ['connection_logs', 'connection_log_event_ids', 'connection_log_counts'])
      await app.database.execute(sql([`DROP TABLE ${table}_p${today}`]))
    expect(await record('after')).toBe(true)
    expect(await record('after')).toBe(false)
  })
})
