import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { createRateLimiter } from '../../src/auth/rate-limit.ts'
import { LONGEST_WAIT_MS } from '../../src/auth/shared-spending.ts'
import { parseConfig } from '../../src/config/config.ts'
import type { SharedAllowances } from '../../src/database/port.ts'
import { sql } from '../../src/database/sql.ts'
import { type Clock, MINUTE_MS, systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS, breakDatabase } from '../support/databases.ts'

const LIMIT = 200
/** What N processes may let through beyond the limit: a tenth each. */
const slack = (processes: number, limit = LIMIT) => (processes * limit) / 10

/** What flows back while Postgres counts, by a clock that begins before it and ends after it. */
const refilled = (sinceMs: number, perMinute = LIMIT) =>
  Math.ceil(((systemClock.steadyMs() - sinceMs) * perMinute) / MINUTE_MS)

/** Stands still, and no wait for the database is ever over before it has answered. */
const stillClock = () => ({
  ...createTestClock(systemClock.now()),
  sleep: (ms: number, signal?: AbortSignal) =>
    ms === LONGEST_WAIT_MS && signal
      ? new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      : systemClock.sleep(ms, signal),
})

/** Another process on the same database, here in this one. */
async function beside(app: TestApp, clock: Clock, limit = LIMIT): Promise<App> {
  const config = parseConfig({ DATABASE_URL: app.url, RATE_LIMIT_PER_MINUTE: `${limit}` })
  return createApp({ config, clock, logger: silentLogger })
}

async function isAdmitted(app: App, key: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${key}` }
  const response = await app.fetch(
    new Request('http://connlog.test/graphql?query={viewer{keyId}}', { headers }),
  )
  await response.text()
  return response.status === 200
}

/** How many of `rounds` × apps requests are let through, some of each app at once. */
async function admitted(apps: readonly App[], key: string, rounds: number, atOnce = 5): Promise<number> {
  let count = 0
  for (let round = 0; round < rounds; round += atOnce) {
    const answers = apps.flatMap((app) => Array.from({ length: atOnce }, () => isAdmitted(app, key)))
    count += (await Promise.all(answers)).filter(Boolean).length
  }
  return count
}

const limiterOn = (
  allowances: SharedAllowances | undefined,
  perMinute = LIMIT,
  clock: Clock = stillClock(),
) => createRateLimiter({ perMinute, clock, allowances, logger: silentLogger })

/** How many of so many requests at once pass. */
async function flood(limiters: readonly ReturnType<typeof limiterOn>[], each: number): Promise<number> {
  const all = limiters.flatMap((limiter) => Array.from({ length: each }, () => limiter.take('key')))
  return (await Promise.all(all)).filter((taken) => taken?.retryAfterMs === 0).length
}

describe('services on one Postgres', () => {
  const clock = stillClock()
  let app: TestApp
  let allowances: SharedAllowances
  beforeAll(async () => {
    app = keep(await startTestApp('postgres', { clock, env: { RATE_LIMIT_PER_MINUTE: `${LIMIT}` } }))
    if (!app.database.allowances) throw new TypeError('Postgres keeps no allowances')
    allowances = app.database.allowances
  })
  afterAll(() => app.stop())

  it('let through one limit together, and a tenth of it for each at most', async () => {
    const other = await beside(app, clock)
    const key = await app.key('user-1')
    const since = systemClock.steadyMs()
    const count = await admitted([app, other], key, LIMIT)
    expect(count).toBeGreaterThanOrEqual(LIMIT)
    expect(count).toBeLessThanOrEqual(LIMIT + slack(2) + refilled(since))
    await other.stop()
  })

  it('and services that count for themselves let through twice as much', async () => {
    const alone = await startTestApp('sqlite', { clock, env: { RATE_LIMIT_PER_MINUTE: `${LIMIT}` } })
    const other = await beside(alone, clock)
    const key = await alone.key('user-1')
    expect(await admitted([alone, other], key, LIMIT)).toBe(2 * LIMIT)
    await other.stop()
  })

  it('keep to it when thousands come to four of them at once', async () => {
    const since = systemClock.steadyMs()
    const limiters = Array.from({ length: 4 }, () => limiterOn(allowances))
    const count = await flood(limiters, 500)
    expect(count).toBeGreaterThanOrEqual(LIMIT)
    expect(count).toBeLessThanOrEqual(LIMIT + slack(4) + refilled(since))
    const alone = Array.from({ length: 4 }, () => limiterOn(undefined))
    expect(await flood(alone, 500)).toBe(4 * LIMIT)
  })

  it('ask the database once for each twentieth of the limit, and for a few requests not at all', async () => {
    const asked: number[] = []
    const limiter = limiterOn({
      ...allowances,
      spend: async (spent) => {
        asked.push(spent.owed / MINUTE_MS)
        return allowances.spend(spent)
      },
    })
    const take = async (count: number) => {
      for (let request = 0; request < count; request += 1) await limiter.take('asked-for')
    }
    await take(9)
    expect(asked).toEqual([])
    await take(1)
    expect(asked).toEqual([10])
    await take(LIMIT - 10)
    expect(asked.length).toBeLessThanOrEqual(20)
    expect(asked.reduce((sum, tokens) => sum + tokens)).toBeGreaterThan(LIMIT - 20)
  })

  it('forgive one in which a key spends less than a twentieth of its limit in a minute', async () => {
    const passing = stillClock()
    const asked: number[] = []
    const counted = {
      ...allowances,
      spend: async ({ owed }: { owed: number }) => asked.push(owed / MINUTE_MS),
    }
    const limiter = limiterOn(counted, LIMIT, passing)
    for (let minute = 0; minute < 5; minute += 1) {
      for (let request = 0; request < 8; request += 1) await limiter.take('seldom')
      passing.advance(MINUTE_MS)
    }
    expect(asked).toEqual([])
    for (let request = 0; request < 10; request += 1) await limiter.take('seldom')
    expect(asked).toEqual([10])
  })

  describe('what is kept of a key', () => {
    const pass = (keyId: string, ms: number) =>
      app.database.execute(sql`UPDATE rate_limits SET at_ms = at_ms - ${ms} WHERE key_id = ${keyId}`)
    const spend = (keyId: string, tokens: number) =>
      allowances.spend({ keyId, owed: tokens * MINUTE_MS, perMinute: 1 })

    it('adds up, flows back by its own clock, and is bounded', async () => {
      const since = systemClock.steadyMs()
      const expectOwed = (owed: number, most: number) => {
        expect(owed).toBeLessThanOrEqual(most)
        expect(owed).toBeGreaterThanOrEqual(most - Math.ceil(systemClock.steadyMs() - since) - 1)
      }
      expect(await spend('sum', 0.5)).toBe(30_000)
      expectOwed(await spend('sum', 0.5), 60_000)
      await pass('sum', 45_000)
      expectOwed(await spend('sum', 0), 15_000)
      await pass('sum', 45_000)
      expect(await spend('sum', 0.25)).toBe(15_000)
      expect(await spend('sum', 7)).toBe(180_000)
      expect(await spend('sum of another', 7)).toBe(180_000)
    })

    it('is not held back by a clock that is set back', async () => {
      await spend('set back', 1)
      await pass('set back', -3_600_000)
      await spend('set back', 0)
      await pass('set back', 60_000)
      expect(await spend('set back', 0)).toBe(0)
    })

    it('is forgotten once nobody has used it for minutes', async () => {
      await spend('old', 1)
      await pass('old', 301_000)
      await spend('new', 1)
      await allowances.forget()
      expect(
        await app.database.query(sql`SELECT key_id FROM rate_limits WHERE key_id IN ('old', 'new')`),
      ).toEqual([{ key_id: 'new' }])
    })
  })
})

describe.each(PROVIDERS)('a service whose %s goes away', (provider) => {
  it('goes by its own bucket, and lets nobody wait', async () => {
    const app = await startTestApp(provider)
    const limiter = limiterOn(app.database.allowances)
    const mend = await breakDatabase(app.url)
    expect(await flood([limiter], 500)).toBe(LIMIT)
    mend()
  })
})

it('does not wait for a database that never answers', async () => {
  const slept: number[] = []
  const clock: Clock = { ...stillClock(), sleep: async (ms) => void slept.push(ms) }
  const silent: SharedAllowances = {
    forget: async () => undefined,
    spend: () => new Promise(() => undefined),
  }
  const limiter = limiterOn(silent, LIMIT, clock)
  let passed = 0
  for (let request = 0; request < 500; request += 1) {
    if ((await limiter.take('key'))?.retryAfterMs === 0) passed += 1
  }
  expect(passed).toBe(LIMIT)
  expect(slept).toEqual([LONGEST_WAIT_MS])
})
