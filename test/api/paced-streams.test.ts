import { describe, expect, it } from 'vitest'
import { type Spending, createRateLimiter } from '../../src/auth/rate-limit.ts'
import { metered } from '../../src/connections/metered.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { sentOf } from '../support/sent.ts'
import { createSleepingClock } from '../support/sleeping-clock.ts'

const MINUTE_MS = 60_000
/** Less the points of the subscription itself, each event takes a token. */
const POINTS = 5_100

/** What a key of one request a minute spends. */
function setUp({ connectionLogs }: TestApp) {
  const clock = createSleepingClock(createTestClock(0))
  const limiter = createRateLimiter({ perMinute: 1, clock, allowances: undefined, logger: silentLogger })
  const spending: Spending = {
    charge: (tokens) => void limiter.charge('key', tokens),
    pauseMs: () => limiter.pauseMs('key'),
    points: () => POINTS,
  }
  const stopping = new AbortController()
  return { clock, stopping, logs: metered(connectionLogs, spending, { clock, stopping: stopping.signal }) }
}

/** How many of some promises have resolved, after all that could happen without time passing. */
async function settledOf(promises: readonly Promise<unknown>[]): Promise<number> {
  let settled = 0
  for (const promise of promises) void promise.then(() => (settled += 1))
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1))
  return settled
}

const batch = (name: string) => Array.from({ length: 250 }, (_, index) => sentOf(`${name}${index}`))

describe.each(PROVIDERS)('streams of a key that owes more than a minute, on %s', (provider) => {
  it('give the next event once it owes less, and have not passed it until then', async () => {
    const app = await startTestApp(provider)
    const { clock, logs } = setUp(app)
    const stream = await logs.follow({})
    const unpaced = await app.connectionLogs.follow({})
    for (const account of ['a', 'b', 'c', 'd']) await app.connectionLogs.record([sentOf(account)])
    const given = []
    for (let count = 0; count < 3; count += 1) given.push((await stream.next()).value?.log.accountId)
    expect(given).toEqual(['a', 'b', 'c'])
    // The control: without a limit, the fourth is there.
    for (let count = 0; count < 4; count += 1) given.push((await unpaced.next()).value?.log.accountId)
    expect(given.at(-1)).toBe('d')
    const fourth = stream.next()
    expect([stream.isAtHand(), await settledOf([fourth])]).toEqual([false, 0])
    const again = await app.connectionLogs.follow({}, { cursor: stream.cursor(), field: 'after' })
    expect((await again.next()).value?.log.accountId).toBe('d')
    clock.advance(MINUTE_MS)
    expect((await fourth).value?.log.accountId).toBe('d')
    for (const one of [stream, unpaced, again]) await one.return()
  })

  it('end at once while they pause', async () => {
    const app = await startTestApp(provider)
    const { logs } = setUp(app)
    const stream = await logs.follow({})
    for (const account of ['a', 'b', 'c', 'd']) await app.connectionLogs.record([sentOf(account)])
    for (let count = 0; count < 3; count += 1) await stream.next()
    const fourth = stream.next()
    expect(await settledOf([fourth])).toBe(0)
    await stream.return()
    expect(await fourth).toEqual({ done: true, value: undefined })
  })

  it('store no more lines until it owes less, or the service stops', async () => {
    const app = await startTestApp(provider)
    const { clock, logs, stopping } = setUp(app)
    const record = (name: string) => logs.recordEach(batch(name))
    // The request has paid for the first batch.
    for (const name of ['a', 'b', 'c', 'd']) expect(await record(name)).toHaveLength(250)
    const fifth = record('e')
    expect(await settledOf([fifth])).toBe(0)
    clock.advance(MINUTE_MS)
    expect(await fifth).toHaveLength(250)
    const sixth = record('f')
    expect(await settledOf([sixth])).toBe(0)
    stopping.abort()
    expect(await sixth).toHaveLength(250)
  })
})
