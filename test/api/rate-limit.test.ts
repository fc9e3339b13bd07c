import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COST_PER_TOKEN, createRateLimiter, tokensOf } from '../../src/auth/rate-limit.ts'
import { sql } from '../../src/database/sql.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type GraphqlAnswer, type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const PATH = '/api/v1/connections/logs'
const NOW = Date.parse('2026-11-23T12:00:00.000Z')
const LOG = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
const NDJSON = { 'content-type': 'application/x-ndjson' }

const left = ({ headers }: Response) =>
  ['limit', 'remaining', 'reset'].map((name) => Number(headers.get(`x-ratelimit-${name}`)))

describe.each(PROVIDERS)('the rate limit on %s', (provider) => {
  const clock = createTestClock(NOW)
  const start = async (perMinute: number) => {
    const app = await startTestApp(provider, { clock, env: { RATE_LIMIT_PER_MINUTE: `${perMinute}` } })
    // What processes share is counted by Postgres' own clock, which no test sets: without it, each is alone.
    if (app.database.allowances) await app.database.execute(sql`DROP TABLE rate_limits`)
    return app
  }
  let app: TestApp
  beforeAll(async () => {
    app = keep(await start(4))
  })
  afterAll(() => app.stop())

  it('lets a minute of requests come at once, refills evenly, and says when to come again', async () => {
    const [key, other] = [await app.key('user-1'), await app.key('user-2')]
    const seconds = clock.now() / 1_000
    expect(left(await app.send(key, PATH))).toEqual([4, 3, seconds + 15])
    expect(left(await app.send(key, `${PATH}?limit=0`))).toEqual([4, 2, seconds + 30])
    expect(left(await app.send(key, PATH, { method: 'HEAD' }))).toEqual([4, 1, seconds + 45])
    expect(left(await app.send(key, '/graphql'))).toEqual([4, 0, seconds + 60])
    const refused = await app.send(key, PATH)
    expect(refused.status).toBe(429)
    expect(await refused.json()).toEqual({
      error: 'Expected at most 4 requests a minute of this user. Try again in 15 seconds.',
    })
    expect(refused.headers.get('retry-after')).toBe('15')
    expect(left(refused)).toEqual([4, 0, seconds + 60])
    expect(left(await app.send(other, PATH))).toEqual([4, 3, seconds + 15])

    clock.advance(14_000)
    expect((await app.send(key, PATH)).headers.get('retry-after')).toBe('1')
    clock.advance(1_000)
    expect((await app.send(key, PATH)).status).toBe(200)
    expect((await app.send(key, PATH)).status).toBe(429)
    clock.advance(60_000)
    expect(left(await app.send(key, PATH))).toEqual([4, 3, seconds + 75 + 15])
  })

  it('takes more for a GraphQL operation that costs more, and refuses it whole where so much is not there', async () => {
    const heavy = Array.from(
      { length: 5 },
      (_, index) =>
        `p${index}: connectionLogs(limit: 100) { logs { id userId profileId accountId platform eventType status createdAt durationMs metadata error { code message } } }`,
    )
    const query = `{ ${heavy.join(' ')} viewer { rateLimit { remaining } } }`
    const ask = async (key: string) => {
      const response = await app.send(key, '/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, extensions: { cost: true } }),
      })
      return {
        response,
        body: (await response.json()) as GraphqlAnswer & { extensions?: { cost: { points: number } } },
      }
    }
    const key = await app.key('heavy-1')
    const { response, body } = await ask(key)
    const points = body.extensions?.cost.points ?? Number.NaN
    const tokens = Math.ceil(points / COST_PER_TOKEN)
    expect(tokens).toBeGreaterThanOrEqual(2)
    expect(left(response).slice(0, 2)).toEqual([4, 4 - tokens])
    expect(body.data.viewer.rateLimit).toEqual({ remaining: 4 - tokens })

    const other = await app.key('heavy-2')
    for (let spent = 0; spent < 5 - tokens; spent += 1) await app.send(other, PATH)
    const refused = await ask(other)
    expect([refused.response.status, refused.body.errors?.[0]?.extensions.code]).toEqual([
      429,
      'RATE_LIMITED',
    ])
    expect(refused.body.data ?? null).toBe(null)
    // The token that it came with stays spent, so that nothing is parsed and priced for free.
    expect(left(refused.response).slice(0, 2)).toEqual([4, tokens - 2])
    clock.advance(Number(refused.response.headers.get('retry-after')) * 1_000)
    expect((await ask(other)).response.status).toBe(200)
  })

  it('tells over GraphQL what it tells in headers', async () => {
    const seconds = clock.now() / 1_000
    const key = await app.key('user-3')
    const ask = () =>
      app.send(key, '/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"query":"{ viewer { rateLimit { limit remaining resetAt } } }"}',
      })
    await app.send(key, PATH)
    const answer = await ask()
    expect(await answer.json()).toEqual({
      data: {
        viewer: {
          rateLimit: { limit: 4, remaining: 2, resetAt: new Date((seconds + 30) * 1_000).toISOString() },
        },
      },
    })
    expect(left(answer)).toEqual([4, 2, seconds + 30])
    await ask()
    await ask()
    const refused = await ask()
    expect(refused.status).toBe(429)
    expect(await refused.json()).toEqual({
      errors: [
        {
          message: 'Expected at most 4 requests a minute of this user. Try again in 15 seconds.',
          extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 15 },
        },
      ],
    })
    expect(refused.headers.get('retry-after')).toBe('15')
  })

  it('is one for all keys of a user, and one for each service key', async () => {
    const [first, second] = [await app.key('user-5'), await app.key('user-5')]
    const services = [await app.key(null), await app.key(null)]
    const remaining = async (key: string) => left(await app.send(key, PATH))[1]
    expect([await remaining(first), await remaining(second), await remaining(first)]).toEqual([3, 2, 1])
    expect(await Promise.all(services.map(remaining))).toEqual([3, 3])
  })

  it('is not there with 0: no headers, and null', async () => {
    const unlimited = await start(0)
    const key = await unlimited.key('user-1')
    const response = await unlimited.send(key, PATH)
    expect([...response.headers.keys()].filter((name) => /ratelimit|retry/.test(name))).toEqual([])
    expect(await unlimited.gql(key, '{ viewer { rateLimit { limit } } }')).toEqual({
      data: { viewer: { rateLimit: null } },
    })
  })

  it('counts 250 logs that are recorded as one request, by whatever door', async () => {
    const large = await start(100)
    const key = await large.key('user-1')
    const json = { 'content-type': 'application/json' }
    const post = async (body: string, headers: Record<string, string> = json) => {
      const response = await large.send(key, PATH, { method: 'POST', headers, body })
      await response.text()
      return left(response)[1]
    }
    const list = (count: number) => JSON.stringify(Array.from({ length: count }, () => LOG))
    expect(await post(JSON.stringify(LOG))).toBe(99)
    expect(await post(list(250))).toBe(98)
    expect(await post(list(251))).toBe(96)
    expect(await post(`[${'0,'.repeat(999)}0]`)).toBe(92)
    // Of a stream, lines that cannot be stored count too.
    expect(await post('{}\n'.repeat(2_300), NDJSON)).toBe(82)
    // Lines that are answered one by one: the headers go out before they are counted.
    expect(await post('{}\n'.repeat(500), { ...NDJSON, accept: NDJSON['content-type'] })).toBe(81)
    expect(await post('{}')).toBe(79)
    const query =
      'mutation ($inputs: [RecordConnectionLogInput!]!) { recordConnectionLogs(inputs: $inputs) { created } }'
    const input = { platform: 'REDDIT', eventType: 'DISCONNECT', connectionMethod: 'OAUTH' }
    const variables = { inputs: Array.from({ length: 251 }, () => input) }
    const answer = await large.send(key, '/graphql', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ query, variables }),
    })
    expect(await answer.json()).toEqual({ data: { recordConnectionLogs: { created: 251 } } })
    expect(left(answer)[1]).toBe(77)
  })

  it('stores a stream to its end whatever is left, and lets the key wait for it afterwards, a minute at most', async () => {
    const key = await app.key('user-4')
    const body = `${JSON.stringify(LOG)}\n`.repeat(1_900)
    const stream = await app.send(key, PATH, { method: 'POST', headers: NDJSON, body })
    expect(await stream.json()).toMatchObject({ accepted: 1_900 })
    const refused = await app.send(key, PATH)
    expect(refused.headers.get('retry-after')).toBe('75')
    clock.advance(75_000)
    expect((await app.send(key, PATH)).status).toBe(200)
  })
})

describe('heavy requests', () => {
  const start = (perMinute: number) => {
    const clock = createTestClock(NOW)
    return {
      clock,
      limiter: createRateLimiter({ perMinute, clock, allowances: undefined, logger: silentLogger }),
    }
  }

  it('are counted by what they cost', () => {
    expect([0, 1, COST_PER_TOKEN, COST_PER_TOKEN + 1, 3 * COST_PER_TOKEN].map(tokensOf)).toEqual([
      1, 1, 1, 2, 3,
    ])
  })

  it('take all they need or only the first token, and pass after the time that they are told', async () => {
    const { limiter, clock } = start(6)
    const ask = async (tokens: number) => {
      const taken = await limiter.take('k')
      return taken?.retryAfterMs === 0 ? limiter.takeMore('k', tokens - 1) : taken
    }
    expect(await ask(5)).toMatchObject({ remaining: 1, retryAfterMs: 0 })
    expect(await ask(3)).toMatchObject({ remaining: 0, retryAfterMs: 30_000 })
    clock.advance(30_000)
    expect(await ask(3)).toMatchObject({ remaining: 0, retryAfterMs: 0 })
    clock.advance(29_999)
    expect(await ask(3)).toMatchObject({ remaining: 1, retryAfterMs: 10_001 })
  })

  it('spend the allowance when they are repeated without waiting', async () => {
    const { limiter } = start(6)
    await limiter.take('k')
    await limiter.take('k')
    for (const remaining of [3, 2, 1, 0]) {
      await limiter.take('k')
      expect(limiter.takeMore('k', 4)).toMatchObject({ remaining })
    }
    expect(await limiter.take('k')).toMatchObject({ retryAfterMs: 10_000 })
  })

  it('pass with a full bucket, however much they cost', async () => {
    const { limiter } = start(6)
    await limiter.take('k')
    expect(limiter.takeMore('k', 1_000)).toMatchObject({ remaining: 0, retryAfterMs: 0 })
    expect(limiter.takeMore('k', 0)).toMatchObject({ remaining: 0, retryAfterMs: 0 })
  })
})
