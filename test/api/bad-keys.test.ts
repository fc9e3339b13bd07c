import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeApiKey } from '../../src/auth/api-key.ts'
import { authenticate } from '../../src/auth/authenticate.ts'
import { createBadKeyLimiter } from '../../src/auth/bad-keys.ts'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const PATH = '/api/v1/connections/logs'
const NOW = Date.parse('2026-11-23T12:00:00.000Z')
const GUESSER = '192.0.2.1'

const from = async (app: TestApp, address: string | undefined, key: string, headers = {}, path = PATH) => {
  const request = new Request(`http://connlog.test${path}`, {
    headers: { ...headers, ...(key === '' ? {} : { authorization: `Bearer ${key}` }) },
  })
  return app.fetch(request, { address })
}

const spend = async (app: TestApp, address: string) => {
  for (let guess = 0; guess < 3; guess += 1)
    expect((await from(app, address, makeApiKey().key)).status).toBe(401)
}

describe.each(PROVIDERS)('bad keys on %s', (provider) => {
  const clock = createTestClock(NOW)
  let app: TestApp
  beforeAll(async () => {
    app = keep(await startTestApp(provider, { clock, env: { BAD_KEYS_PER_MINUTE: '3' } }))
  })
  afterAll(() => app.stop())

  it('are refused with 429, whatever is wrong with them, once an address has brought too many', async () => {
    const revoked = await app.keys.create({ userId: 'user-1', scopes: ['logs:read'] })
    await app.keys.revoke(revoked.apiKey.id)
    await spend(app, GUESSER)
    for (const key of ['', 'clk_no', makeApiKey().key, revoked.key]) {
      const refused = await from(app, GUESSER, key)
      expect(refused.status).toBe(429)
      expect(await refused.json()).toEqual({
        error: 'Expected at most 3 bad keys a minute from this address. Try again in 20 seconds.',
      })
      expect(refused.headers.get('retry-after')).toBe('20')
      expect(refused.headers.get('x-ratelimit-limit')).toBeNull()
    }
    const graphql = await from(app, GUESSER, 'clk_no', {}, '/graphql?query={viewer{keyId}}')
    expect(graphql.status).toBe(429)
    expect(await graphql.json()).toEqual({
      errors: [
        {
          message: 'Expected at most 3 bad keys a minute from this address. Try again in 20 seconds.',
          extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 20 },
        },
      ],
    })
    expect((await from(app, '192.0.2.2', 'clk_no')).status).toBe(401)
    clock.advance(20_000)
    expect((await from(app, GUESSER, 'clk_no')).status).toBe(401)
    expect((await from(app, GUESSER, 'clk_no')).status).toBe(429)
  })

  it('do not shut out a good key from the same address, seen before or not', async () => {
    const office = '192.0.2.3'
    const [seen, unseen] = [await app.key('user-1'), await app.key('user-1')]
    for (let request = 0; request < 5; request += 1) expect((await from(app, office, seen)).status).toBe(200)
    await spend(app, office)
    expect((await from(app, office, 'clk_no')).status).toBe(429)
    expect((await from(app, office, seen)).status).toBe(200)
    expect((await from(app, office, unseen)).status).toBe(200)
    expect((await from(app, office, 'clk_no')).status).toBe(429)
  })

  it('are looked up a bounded number of times: then a key that was seen still passes', async () => {
    const limiter = createBadKeyLimiter({ perMinute: 3, clock, lookUpsPerMinute: 60 })
    const outcome = async (key: string) => {
      const request = new Request('http://connlog.test/', { headers: { authorization: `Bearer ${key}` } })
      return authenticate(request, app.keys, limiter, GUESSER).then(
        () => 'good',
        (error: unknown) => (error instanceof AppError ? error.code : error),
      )
    }
    const [seen, unseen] = [await app.key('user-1'), await app.key('user-1')]
    expect(await outcome(seen)).toBe('good')
    const guesses = []
    for (let guess = 0; guess < 63; guess += 1) guesses.push(await outcome(makeApiKey().key))
    expect(guesses.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(3)
    expect(await outcome(seen)).toBe('good')
    expect(await outcome(unseen)).toBe('RATE_LIMITED')
    clock.advance(1_000)
    expect(await outcome(unseen)).toBe('good')
  })

  it('that come all at once are looked up no more often than one by one', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => (await from(app, '192.0.2.4', makeApiKey().key)).status),
    )
    expect(answers.filter((status) => status === 401)).toHaveLength(3)
  })
})

describe('the address of bad keys', () => {
  const isSpent = async (app: TestApp, address: string | undefined, headers = {}) => {
    const statuses = []
    for (let guess = 0; guess < 4; guess += 1)
      statuses.push((await from(app, address, 'clk_no', headers)).status)
    return statuses.includes(429)
  }
  const header = (address: string) => ({ 'x-forwarded-for': address })
  const start = (env: Record<string, string> = {}) =>
    startTestApp('sqlite', { env: { BAD_KEYS_PER_MINUTE: '3', ...env } })

  it('is that of the connection, and the whole network of an IPv6 address', async () => {
    const app = await start()
    const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
    const ask = async () => {
      const response = await fetch(`${server.address}${PATH}`, { headers: header('203.0.113.1') })
      await response.text()
      return response.status
    }
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual([401, 401, 401, 429])
    await server.stop()
    expect((await from(app, '127.0.0.1', '', header('203.0.113.2'))).status).toBe(429)
    expect(await isSpent(app, '2001:db8::1')).toBe(true)
    expect((await from(app, '2001:db8::ffff', 'clk_no')).status).toBe(429)
    expect((await from(app, '2001:db8:0:1::1', 'clk_no')).status).toBe(401)
    expect(await isSpent(app, undefined)).toBe(false)
  })

  it('is what a trusted proxy says', async () => {
    const app = await start({ TRUSTED_PROXIES: '1' })
    expect(await isSpent(app, '10.0.0.1', header('198.51.100.7, 203.0.113.1'))).toBe(true)
    expect((await from(app, '10.0.0.1', 'clk_no', header('203.0.113.2'))).status).toBe(401)
    expect((await from(app, '10.0.0.1', 'clk_no', header('1.1.1.1, 203.0.113.1'))).status).toBe(429)
  })

  it('does not matter where the limit is off', async () => {
    expect(await isSpent(await start({ BAD_KEYS_PER_MINUTE: '0' }), GUESSER)).toBe(false)
  })

  it('is one of a bounded number that are remembered', () => {
    const limiter = createBadKeyLimiter({ perMinute: 3, clock: createTestClock(NOW) })
    for (let address = 0; address < 100_000; address += 1) limiter.begin(`10.${address}`)
    expect(limiter.size()).toBe(50_000)
  })
})
