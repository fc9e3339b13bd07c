import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../src/kernel/clock.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const NOW = Date.UTC(2026, 10, 20, 12, 30)
const MANY = 21_000

const STATS = `query Stats($filter: ConnectionLogFilter, $days: Int, $interval: StatsInterval, $timeZone: String, $first: Int) {
  connectionStats(filter: $filter, days: $days, interval: $interval, timeZone: $timeZone) {
    total succeeded failed successRate from to
    byPlatform { platform total succeeded failed successRate }
    byEventType { eventType total }
    byStatus { status total }
    byConnectionMethod { connectionMethod total }
    errorCodes(first: $first) { code total }
    durationMs { count median p95 sampled }
    series { start end total succeeded failed successRate }
  }
}`

describe.each(PROVIDERS)('connectionStats on %s', (provider) => {
  let app: TestApp
  let key: string

  beforeAll(async () => {
    app = keep(await startTestApp(provider, { clock: createTestClock(NOW), env: { RETENTION_DAYS: '60' } }))
    key = await app.key('u1')
    const event = (age: number, more: object) => ({
      value: {
        userId: 'u1',
        platform: 'tiktok',
        eventType: 'connect_success',
        connectionMethod: 'oauth',
        createdAt: new Date(NOW - age).toISOString(),
        ...more,
      },
      at: '',
    })
    await app.connectionLogs.record([
      event(0, { durationMs: 100 }),
      event(HOUR_MS, { durationMs: 200, platform: 'reddit' }),
      event(HOUR_MS, { eventType: 'connect_failed', durationMs: 400, error: { code: 'oauth_denied' } }),
      event(2 * DAY_MS, { eventType: 'reconnect_failed', error: { code: 'token_expired' } }),
      event(2 * DAY_MS, { eventType: 'disconnect', connectionMethod: 'invitation' }),
      event(0, { userId: 'u2', eventType: 'connect_failed', error: { code: 'secret_of_u2' } }),
    ])
  })
  afterAll(() => app.stop())

  const ask = async (variables: object) => {
    const { data, errors } = await app.gql(key, STATS, variables)
    return { stats: data?.connectionStats, error: errors?.[0] }
  }

  it('tell what happened, with empty days filled and nothing of another user', async () => {
    const { stats } = await ask({ days: 3 })
    expect(stats).toEqual({
      total: 5,
      succeeded: 2,
      failed: 2,
      successRate: 0.5,
      from: '2026-11-17T12:30:00.001Z',
      to: '2026-11-20T12:30:00.000Z',
      byPlatform: [
        { platform: 'TIKTOK', total: 4, succeeded: 1, failed: 2, successRate: 1 / 3 },
        { platform: 'REDDIT', total: 1, succeeded: 1, failed: 0, successRate: 1 },
      ],
      byEventType: [
        { eventType: 'CONNECT_SUCCESS', total: 2 },
        { eventType: 'CONNECT_FAILED', total: 1 },
        { eventType: 'DISCONNECT', total: 1 },
        { eventType: 'RECONNECT_SUCCESS', total: 0 },
        { eventType: 'RECONNECT_FAILED', total: 1 },
      ],
      byStatus: [
        { status: 'SUCCESS', total: 2 },
        { status: 'FAILED', total: 2 },
      ],
      byConnectionMethod: [
        { connectionMethod: 'OAUTH', total: 4 },
        { connectionMethod: 'CREDENTIALS', total: 0 },
        { connectionMethod: 'INVITATION', total: 1 },
      ],
      errorCodes: [
        { code: 'oauth_denied', total: 1 },
        { code: 'token_expired', total: 1 },
      ],
      durationMs: { count: 3, median: 200, p95: 380, sampled: false },
      series: [17, 18, 19, 20].map((day, index) => ({
        start: `2026-11-${day}T00:00:00.000Z`,
        end: `2026-11-${day + 1}T00:00:00.000Z`,
        total: [0, 2, 0, 3][index],
        succeeded: [0, 0, 0, 2][index],
        failed: [0, 1, 0, 1][index],
        successRate: [null, 0, null, 2 / 3][index],
      })),
    })
  })

  it('take filters, hours and time zones', async () => {
    const { stats } = await ask({
      filter: { status: 'FAILED' },
      days: 1,
      interval: 'HOUR',
      timeZone: 'Asia/Kolkata',
    })
    expect(stats).toMatchObject({ total: 1, succeeded: 0, failed: 1, successRate: 0 })
    expect(stats.series).toHaveLength(25)
    expect(stats.series[23]).toMatchObject({ start: '2026-11-20T11:30:00.000Z', total: 1 })
    expect(stats.series[24]).toMatchObject({ start: '2026-11-20T12:30:00.000Z', total: 0 })
  })

  it('are all nothing where nothing matches', async () => {
    const { stats } = await ask({ filter: { platform: [] } })
    expect(stats).toMatchObject({ total: 0, successRate: null, byPlatform: [], errorCodes: [] })
    expect(stats.durationMs).toEqual({ count: 0, median: null, p95: null, sampled: false })
    expect(stats.series).toHaveLength(8)
  })

  it.each([
    [
      { timeZone: 'Mars/Phobos' },
      'Expected `timeZone` to be a name of the IANA time zone database, such as Europe/Berlin, got "Mars/Phobos".',
    ],
    [
      { timeZone: '+01:00' },
      'Expected `timeZone` to be a name of the IANA time zone database, such as Europe/Berlin, got "+01:00".',
    ],
    [{ interval: 'HOUR', days: 32 }, 'Expected `days` to be at most 31 with the interval HOUR, got 32.'],
    [{ days: 61 }, 'Expected `days` to be a whole number from 1 to 60, got 61.'],
    [{ first: 0 }, 'Expected `first` to be a whole number from 1 to 100, got 0.'],
    [{ first: 101 }, 'Expected `first` to be a whole number from 1 to 100, got 101.'],
  ])('refuse %j in a sentence', async (variables, message) => {
    const { error } = await ask(variables)
    expect(error).toMatchObject({ message, extensions: { code: 'BAD_USER_INPUT' } })
  })

  it('need the scope logs:read, and a service key for userId', async () => {
    const writer = await app.key('u1', ['logs:write'])
    const refused = await app.gql(writer, '{ connectionStats { total } }')
    expect(refused.errors?.[0]?.extensions.code).toBe('FORBIDDEN')
    const { error } = await ask({ filter: { userId: ['u2'] } })
    expect(error?.extensions.code).toBe('FORBIDDEN')
    const service = await app.gql(
      await app.key(null),
      '{ connectionStats(filter: { userId: "u2" }) { total errorCodes { code } } }',
    )
    expect(service.data.connectionStats).toEqual({ total: 1, errorCodes: [{ code: 'secret_of_u2' }] })
  })

  it('measure durations on a part of very many logs, which comes close to all of them', async () => {
    for (let start = 0; start < MANY; start += 1_000) {
      await app.connectionLogs.record(
        Array.from({ length: 1_000 }, (_, index) => ({
          value: {
            userId: 'many',
            platform: 'tiktok',
            eventType: 'connect_success',
            connectionMethod: 'oauth',
            durationMs: ((start + index) * 7_919) % 10_000,
            createdAt: new Date(NOW - ((start + index) * DAY_MS) / MANY).toISOString(),
          },
          at: '',
        })),
      )
    }
    const { data } = await app.gql(
      await app.key('many'),
      '{ connectionStats { total durationMs { count median p95 sampled } } }',
    )
    const { total, durationMs } = data.connectionStats
    expect(total).toBe(MANY)
    expect(durationMs).toMatchObject({ count: 5_000, sampled: true })
    // The values go evenly from 0 to 10,000.
    expect(Math.abs(durationMs.median - 5_000)).toBeLessThan(200)
    expect(Math.abs(durationMs.p95 - 9_500)).toBeLessThan(100)
  })
})
