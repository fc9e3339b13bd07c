import { describe, expect, it } from 'vitest'
import { logsAddress } from '../../src/late/address.ts'
import { type Wait, createLateClient } from '../../src/late/client.ts'
import { NamelessLog } from '../../src/late/page.ts'
import { type HastyClock, createHastyClock } from '../support/hasty-clock.ts'
import {
  type Behaviour,
  type LateServer,
  type ServedLog,
  cutAmidBody,
  cutAmidChunks,
  cutAmidHeaders,
  cutBeforeHeaders,
  fallsSilent,
  neverAnswers,
  pageOf,
  startLateServer,
  status,
} from '../support/late-server.ts'

const KEY = 'k3y-that-nobody-may-see'
const LOGS: ServedLog[] = [{ _id: 'b' }, { _id: 'a' }]

interface Reading {
  readonly clock: HastyClock
  readonly waits: Wait[]
  readonly stop: AbortController
  readonly pageAt: ReturnType<typeof createLateClient>
}

function reading(server: LateServer, base = server.origin): Reading {
  const clock = createHastyClock()
  const waits: Wait[] = []
  const stop = new AbortController()
  const pageAt = createLateClient({
    address: logsAddress(base),
    key: KEY,
    days: 7,
    userAgent: 'connlog/test',
    fetch,
    clock,
    stop: stop.signal,
    random: () => 1,
    onWait: (wait) => void waits.push(wait),
  })
  return { clock, waits, stop, pageAt }
}

const ids = ({ logs }: { logs: readonly { _id: string }[] }) => logs.map(({ _id }) => _id)

/** The sentence of the failure; none of them may hold the key or what the server said. */
async function failure(page: Promise<unknown>): Promise<string> {
  const message = await page.then(
    () => 'no failure',
    (error: Error) => `${error.name}: ${error.message}`,
  )
  expect(message).not.toContain(KEY)
  expect(message).not.toContain('s3cret')
  return message
}

const times = (count: number, behaviour: Behaviour) => Array.from({ length: count }, () => behaviour)

describe('a page of a Late-compatible API', () => {
  it('is asked for with the key, days, limit and skip, over connections that are kept', async () => {
    const server = await startLateServer(Array.from({ length: 101 }, (_, index) => ({ _id: `${index}` })))
    const { pageAt, clock } = reading(server)
    expect(await pageAt(0)).toMatchObject({ total: 101, isLast: false })
    expect(await pageAt(90)).toEqual({ logs: server.logs.slice(90), total: 101, isLast: true })
    for (let index = 0; index < 20; index += 1) await pageAt(0)
    expect(server.asked.slice(0, 2)).toEqual([
      { path: '/api/v1/connections/logs?days=7&limit=100&skip=0', key: KEY },
      { path: '/api/v1/connections/logs?days=7&limit=100&skip=90', key: KEY },
    ])
    // Not one for each of the 22: what ends a request lets its connection live.
    expect(server.connections()).toBeLessThan(5)
    expect(clock.slept).toEqual([])
  })

  it('is asked for below a path that the API is mounted on', async () => {
    const server = await startLateServer(LOGS, '/social')
    expect(ids(await reading(server, `${server.origin}/social/`).pageAt(0))).toEqual(['b', 'a'])
  })

  it.each<[string, Behaviour]>([
    ['HTTP 408', status(408, 's3cret')],
    ['HTTP 429 without a word of when', status(429, 's3cret')],
    ['HTTP 500', status(500, '<html>s3cret</html>')],
    ['HTTP 502', status(502, 's3cret')],
    ['HTTP 503', status(503, 's3cret')],
    ['a connection that is cut', cutBeforeHeaders],
    ['a connection that is cut amid headers', cutAmidHeaders],
    ['an answer that is cut', cutAmidBody],
    ['an answer without a length that is cut', cutAmidChunks],
  ])('is asked for again after %s, and given up after 8 tries', async (_, behaviour) => {
    const server = await startLateServer(LOGS)
    const { pageAt, clock } = reading(server)
    server.misbehave(...times(7, behaviour))
    expect(ids(await pageAt(0))).toEqual(['b', 'a'])
    expect(clock.slept).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000])
    server.misbehave(...times(8, behaviour))
    expect(await failure(pageAt(0))).toMatch(
      /^LateError: Gave up after 8 tries: the server (answered with HTTP \d+|could not be reached, or broke off: \w+)\.$/,
    )
    expect(server.asked).toHaveLength(16)
  })

  it.each([
    ['never answers', neverAnswers],
    ['falls silent amid its answer', fallsSilent],
  ])('is asked for again where the server %s for 90 seconds', async (_, behaviour) => {
    const server = await startLateServer(LOGS)
    const { pageAt, clock, waits } = reading(server)
    server.misbehave((response, request) => {
      behaviour(response, request)
      // By now the request is under way, so this is its time limit.
      setTimeout(clock.expire, 50)
    })
    expect(ids(await pageAt(0))).toEqual(['b', 'a'])
    expect(waits.map(({ why }) => why)).toEqual(['gave no whole answer within 90 seconds'])
  })

  it('takes an id in whatever form it is written, and passes over logs that have none', async () => {
    const logs = [
      '{"_id":12}',
      '{"_id":17841405793187218345}',
      '{"_id":{"$oid":"a1"}}',
      '{"id":"b"}',
      '{"key":1}',
      'null',
    ]
    const server = await startLateServer()
    server.misbehave(status(200, `{"logs":[${logs.join(',')}],"pagination":{"total":6}}`))
    const { logs: read, isLast } = await reading(server).pageAt(0)
    expect(ids({ logs: read }).slice(0, 4)).toEqual(['12', '17841405793187218345', 'a1', 'b'])
    expect(read.map((log) => log instanceof NamelessLog)).toEqual([false, false, false, false, true, true])
    expect(isLast).toBe(true)
  })

  it.each<[string, Behaviour, string]>([
    ['a web page', status(200, '<!doctype html><title>s3cret</title>'), 'something that is not JSON'],
    ['nothing', status(200, ''), 'something that is not JSON'],
    ['a part of JSON', status(200, '{"logs":[],'), 'something that is not JSON'],
    ['null', status(200, 'null'), 'JSON that is no page of logs'],
    ['a list', status(200, [{ _id: 's3cret' }]), 'JSON that is no page of logs'],
    [
      'an error with status 200',
      status(200, { error: 's3cret' }),
      'JSON that is no page of logs: its `logs` is missing or wrong',
    ],
    [
      'logs alone',
      status(200, { logs: [] }),
      'JSON that is no page of logs: its `pagination` is missing or wrong',
    ],
    [
      'a total that is none',
      status(200, { logs: [], pagination: { total: 's3cret', hasMore: false } }),
      'JSON that is no page of logs: its `pagination.total` is missing or wrong',
    ],
    [
      'logs without an id',
      status(200, { ...pageOf(LOGS, new URLSearchParams()), logs: [{ key: 's3cret' }, null] }),
      'JSON that is no page of logs: none of its `logs` has an `_id`',
    ],
    [
      'another page',
      status(200, pageOf(LOGS, new URLSearchParams({ skip: '1' }))),
      'the page at `skip` 1 when asked for the one at 0',
    ],
    [
      'no logs of many',
      status(200, { logs: [], pagination: { total: 5, hasMore: true } }),
      'no logs at `skip` 0 of 5',
    ],
    ['no content', status(204, ''), 'HTTP 204'],
  ])('is given up after 3 tries where the server answers with %s', async (_, behaviour, what) => {
    const server = await startLateServer(LOGS)
    const { pageAt } = reading(server)
    server.misbehave(...times(2, behaviour))
    expect(ids(await pageAt(0))).toEqual(['b', 'a'])
    server.misbehave(...times(3, behaviour))
    expect(await failure(pageAt(0))).toBe(
      `LateError: Gave up after 3 tries: the server answered with ${what}.`,
    )
  })

  it('is not read where it has no end', async () => {
    const server = await startLateServer(LOGS)
    const chunk = 'x'.repeat(1_048_576)
    const endless: Behaviour = (response) => {
      const more = () => void response.write(chunk, (error) => (error ? undefined : more()))
      response.writeHead(200)
      more()
    }
    server.misbehave(...times(3, endless))
    expect(await failure(reading(server).pageAt(0))).toBe(
      'LateError: Gave up after 3 tries: the server answered with more than 64 MiB.',
    )
  })

  it.each([
    [400, 'The server did not take the request; perhaps it has fewer than 7 days: HTTP 400.'],
    [401, 'The server does not know the key, or the key is no longer valid: HTTP 401.'],
    [402, 'The server refused the request: HTTP 402.'],
    [403, 'The server does not let the key read connection logs: HTTP 403.'],
    [404, 'There are no connection logs at ORIGIN/api/v1/connections/logs: HTTP 404.'],
  ])('is given up at once after HTTP %i', async (code, sentence) => {
    const server = await startLateServer(LOGS)
    server.misbehave(status(code, { error: 's3cret' }))
    expect(await failure(reading(server).pageAt(0))).toBe(
      `LateError: ${sentence.replace('ORIGIN', server.origin)}`,
    )
    expect(server.asked).toHaveLength(1)
  })

  it('is not asked for where a redirect points to, so the key goes nowhere else', async () => {
    const server = await startLateServer(LOGS)
    const other = await startLateServer(LOGS)
    const redirect = (location: string) => status(307, '', { location })
    const tail = 'The key is not sent after it; give the address that the logs are at.'
    server.misbehave(redirect(`${other.origin}/api/v1/connections/logs?s3cret`))
    expect(await failure(reading(server).pageAt(0))).toBe(
      `LateError: The server redirects to ${other.origin}. ${tail}`,
    )
    server.misbehave(redirect('/s3cret'))
    expect(await failure(reading(server).pageAt(0))).toBe(
      `LateError: The server redirects to another path of ${server.origin}. ${tail}`,
    )
    server.misbehave(status(302, ''))
    expect(await failure(reading(server).pageAt(0))).toBe(
      'LateError: The server redirects, and does not say where to.',
    )
    expect(other.asked).toEqual([])
    // Followed by itself, fetch goes there, though it leaves the key behind.
    server.misbehave(redirect(`${other.origin}/api/v1/connections/logs`))
    await fetch(server.origin, { headers: { authorization: `Bearer ${KEY}` } })
    expect(other.asked).toEqual([{ path: '/api/v1/connections/logs', key: '' }])
  })

  it('is given up at once where the server does not speak TLS', async () => {
    const server = await startLateServer(LOGS)
    const { pageAt } = reading(server, server.origin.replace('http:', 'https:'))
    expect(await failure(pageAt(0))).toMatch(
      /^LateError: There is no safe connection to the server: \w+\. Is the address right\?$/,
    )
  })

  it('is given up where nobody listens', async () => {
    const server = await startLateServer(LOGS)
    await server.stop()
    expect(await failure(reading(server).pageAt(0))).toBe(
      'LateError: Gave up after 8 tries: the server could not be reached, or broke off: ECONNREFUSED.',
    )
  })
})

describe('the limit of requests', () => {
  it('is waited for as Retry-After says and up to a second longer, and never less than a try would wait', async () => {
    const server = await startLateServer(LOGS)
    const { pageAt, clock, waits } = reading(server)
    server.misbehave(
      status(429, '', { 'retry-after': '30' }),
      status(429, '', { 'retry-after': '0' }),
      status(503, '', { 'retry-after': '30' }),
    )
    expect(ids(await pageAt(0))).toEqual(['b', 'a'])
    expect(clock.slept).toEqual([31_000, 2_000, 31_000])
    expect(waits).toEqual([
      { ms: 31_000, askedMs: undefined, why: 'answered with HTTP 429' },
      { ms: 2_000, askedMs: undefined, why: 'answered with HTTP 429' },
      { ms: 31_000, askedMs: undefined, why: 'answered with HTTP 503' },
    ])
  })

  it('is waited for before the next request once none is left', async () => {
    const server = await startLateServer(LOGS)
    const { pageAt, clock, waits } = reading(server)
    const spent = (reset: number): Behaviour =>
      status(200, pageOf(LOGS, new URLSearchParams()), {
        date: new Date(1_800_000_000_000).toUTCString(),
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': `${reset}`,
      })
    server.misbehave(spent(1_800_000_040))
    await pageAt(0)
    expect(clock.slept).toEqual([])
    // Ten seconds are over by the time the logs are stored.
    await clock.sleep(10_000)
    await pageAt(0)
    await pageAt(0)
    expect(clock.slept).toEqual([10_000, 30_000])
    expect(waits).toEqual([{ ms: 30_000, askedMs: undefined, why: 'takes no more requests for now' }])
  })

  it('is not waited for longer than 15 minutes and a second at a time', async () => {
    const server = await startLateServer(LOGS)
    const { pageAt, waits } = reading(server)
    server.misbehave(status(429, '', { 'retry-after': '86400' }))
    await pageAt(0)
    expect(waits).toEqual([{ ms: 901_000, askedMs: 86_400_000, why: 'answered with HTTP 429' }])
  })
})

describe('a stop', () => {
  it.each(['while the server thinks', 'while waiting for the next try'])(
    'ends it at once, %s',
    async (when) => {
      const server = await startLateServer(LOGS)
      const { pageAt, stop, clock } = reading(server)
      const isThinking = when === 'while the server thinks'
      server.misbehave(isThinking ? neverAnswers : status(503, ''), neverAnswers)
      const sleep = clock.sleep
      clock.sleep = (ms, signal) => {
        if (!isThinking && ms === 1_000) stop.abort()
        return sleep(ms, signal)
      }
      if (isThinking) server.onRequest = () => stop.abort()
      const ended = await pageAt(0).catch((error: unknown) => error)
      expect(ended).toBe(stop.signal.reason)
      expect(server.asked).toHaveLength(1)
    },
  )
})
