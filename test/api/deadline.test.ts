import { request } from 'node:http'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createDeadlines } from '../../src/http/deadline.ts'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { AppError } from '../../src/kernel/errors.ts'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { startWatchedApp } from '../support/watched-app.ts'

const LOGS = '/api/v1/connections/logs'
const NEVER = new Promise<never>(() => undefined)
const TOO_LATE =
  'Expected to answer within a second, and could not. Try again later, or ask for less. What was sent to be stored may have been: send it again with the same `eventId`.'

const anyRequest = () => new Request('http://connlog.test/')

describe('the time of a request', () => {
  it('ends in order, with one timer for all, and not for what was answered', async () => {
    const clock = createTestClock(0)
    let sleeps = 0
    const waking: (() => void)[] = []
    const deadlines = createDeadlines(1_000, {
      ...clock,
      sleep: (_, signal) => {
        sleeps += 1
        return new Promise((resolve) => {
          waking.push(resolve)
          signal?.addEventListener('abort', () => resolve())
        })
      },
    })
    const ended: string[] = []
    const signals: (() => AbortSignal)[] = []
    const begin = (name: string) =>
      deadlines
        .within(anyRequest(), (signal) => {
          signals.push(signal)
          return NEVER
        })
        .catch((error: AppError) => void ended.push(`${name}: ${error.code}`))
    const first = begin('first')
    clock.advance(400)
    const second = begin('second')
    expect(await deadlines.within(anyRequest(), async () => 'answered')).toBe('answered')
    const early = signals[0]?.()
    clock.advance(600)
    waking.shift()?.()
    await first
    expect(ended).toEqual(['first: SERVICE_UNAVAILABLE'])
    expect([early?.aborted, signals[0]?.().aborted, signals[1]?.().aborted]).toEqual([true, true, false])
    clock.advance(400)
    await Promise.resolve()
    waking.shift()?.()
    await second
    expect(ended).toEqual(['first: SERVICE_UNAVAILABLE', 'second: SERVICE_UNAVAILABLE'])
    expect(sleeps).toBe(2)
    await deadlines.stop()
  })

  it('watches on after it had nothing to watch, and stops when told to', async () => {
    const deadlines = createDeadlines(20, systemClock)
    for (let round = 0; round < 2; round += 1) {
      await expect(deadlines.within(anyRequest(), () => NEVER)).rejects.toMatchObject({ status: 503 })
      await systemClock.sleep(30)
    }
    void deadlines.within(anyRequest(), () => NEVER).catch(() => undefined)
    await deadlines.stop()
  })
})

describe.each(PROVIDERS)('a request that takes too long on %s', (provider) => {
  it('is answered with SERVICE_UNAVAILABLE, and its mutations go no further', async () => {
    const begun: string[] = []
    const watched = await startWatchedApp(provider, {
      requestTimeoutMs: 1_000,
      before: (field) => {
        if (field !== 'Mutation.cleanupExpiredConnectionLogs') return undefined
        begun.push(field)
        return systemClock.sleep(1_500)
      },
    })
    const key = await watched.app.key(null)
    const field = 'cleanupExpiredConnectionLogs(dryRun: true) { cutoff }'
    const response = await watched.send(key, '/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `mutation { a: ${field} b: ${field} }` }),
    })
    expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([
      503,
      '5',
      {
        errors: [{ message: TOO_LATE, extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 5 } }],
      },
    ])
    await systemClock.sleep(1_000)
    expect(begun).toHaveLength(1)
    expect(watched.app.logged.map(({ level, message }) => [level, message])).toEqual([['warn', TOO_LATE]])
    await watched.stop()
  })

  it('over REST too, but for a stream, which goes on as long as lines come', async () => {
    const app = await startTestApp(provider, { env: { REQUEST_TIMEOUT_SECONDS: '1' } })
    const key = await app.key('u1')
    const slowly = (type: string, parts: readonly string[]) =>
      app.send(key, LOGS, {
        method: 'POST',
        headers: { 'content-type': type },
        body: new ReadableStream({
          pull: async (controller) => {
            await systemClock.sleep(400)
            const next = parts[sent]
            sent += 1
            if (next === undefined) controller.close()
            else controller.enqueue(Buffer.from(next))
          },
        }),
        duplex: 'half',
      } as RequestInit)
    let sent = 0
    const log = JSON.stringify({ platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' })
    const lines = await slowly(
      'application/x-ndjson',
      Array.from({ length: 4 }, () => `${log}\n`),
    )
    expect(await lines.json()).toMatchObject({ accepted: 4, rejected: 0 })
    sent = 0
    const json = await slowly('application/json', ['[', log, ',', log, ']'])
    expect([json.status, json.headers.get('connection'), await json.json()]).toEqual([
      408,
      'close',
      { error: 'Expected the whole body within a second, got a part of it.' },
    ])
  })
})

it('200 clients that go away amid their queries leave no connection busy', async () => {
  // How long answers take on a busy machine is not what is tested.
  const app = await startTestApp('postgres', { env: { SLOW_REQUEST_MS: '0' } })
  const key = await app.key('u1')
  const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
  const { port } = new URL(server.address)
  const body = JSON.stringify({
    query:
      '{ connectionStats(interval: HOUR) { total errorCodes { code } durationMs { p95 } series { total } } }',
  })
  const aborted = (afterMs: number) =>
    new Promise<void>((resolve) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const sent = request({ port, method: 'POST', path: '/graphql', headers, agent: false })
      sent.on('error', () => undefined)
      sent.on('close', resolve)
      sent.end(body)
      void systemClock.sleep(afterMs).then(() => sent.destroy())
    })
  await Promise.all(Array.from({ length: 200 }, (_, index) => aborted(index % 40)))
  const client = new pg.Client(app.url)
  await client.connect()
  const states = async () => {
    const { rows } = await client.query<{ state: string; n: number }>(
      `SELECT state, count(*)::int AS n FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' GROUP BY state`,
    )
    return rows
  }
  let now = await states()
  for (let tries = 0; now.some(({ state }) => state !== 'idle') && tries < 100; tries += 1) {
    await systemClock.sleep(100)
    now = await states()
  }
  expect(now.map(({ state }) => state)).toEqual(['idle'])
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => app.gql(key, '{ connectionLogs { logs { id } } }')),
  )
  expect(answers.every(({ errors }) => errors === undefined)).toBe(true)
  expect(app.logged.filter(({ level }) => level !== 'info')).toEqual([])
  await client.end()
  await server.stop()
})

it.each(PROVIDERS)('a query starts no more work once its client is gone (%s)', async (provider) => {
  const client = new AbortController()
  const watched = await startWatchedApp(provider, {
    before: (field) => (field === 'Query.connectionStats' ? client.abort() : undefined),
  })
  const key = await watched.app.key('u1')
  await watched.send(key, '/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: '{ connectionStats { total durationMs { p95 } errorCodes { code } } connectionLogFeedCursor }',
    }),
    signal: client.signal,
  })
  await watched.stop()
  // Not even the statement of the field that had begun: it would have come to `total`.
  expect(watched.reached).toEqual(['Query.connectionStats'])
  expect(watched.app.logged).toEqual([])
})
