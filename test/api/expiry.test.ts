import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/kernel/clock.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const CREATED = Date.UTC(2026, 10, 13, 23, 59, 59, 999)
const EXPIRES = CREATED + 7 * DAY_MS

/** Every way to read, as the number of logs it shows. */
const READ_PATHS: Record<
  string,
  (app: TestApp, keys: { user: string; service: string }, id: string) => Promise<number>
> = {
  'connectionLogs.logs': async (app, { user }) => {
    const { data } = await app.gql(user, '{ connectionLogs { logs { id } } }')
    return data.connectionLogs.logs.length
  },
  'connectionLogs.pagination.total': async (app, { user }) => {
    const { data } = await app.gql(user, '{ connectionLogs { pagination { total } } }')
    return data.connectionLogs.pagination.total
  },
  'connectionLogs by a service key': async (app, { service }) => {
    const { data } = await app.gql(service, '{ connectionLogs { pagination { total } } }')
    return data.connectionLogs.pagination.total
  },
  ...Object.fromEntries(
    [
      'platform: [REDDIT]',
      'eventType: [CONNECT_FAILED]',
      'status: FAILED',
      'connectionMethod: [OAUTH]',
      'profileId: ["p1"]',
      'accountId: ["a1", "a2"]',
      'errorCode: ["oauth_denied"]',
      'search: "denied"',
      'createdAfter: "2026-11-01T00:00:00Z"',
      'createdBefore: "2027-11-01T00:00:00Z"',
    ].map((filter) => [
      `connectionLogs(filter: { ${filter} })`,
      async (app: TestApp, { user }: { user: string }) => {
        const { data } = await app.gql(
          user,
          `{ connectionLogs(filter: { ${filter} }) { pagination { total } } }`,
        )
        return Number(data.connectionLogs.pagination.total)
      },
    ]),
  ),
  'connectionLogsByCursor.edges': async (app, { user }) => {
    const { data } = await app.gql(user, '{ connectionLogsByCursor(last: 5) { edges { cursor } } }')
    return data.connectionLogsByCursor.edges.length
  },
  'connectionLogsByCursor.totalCount': async (app, { service }) => {
    const { data } = await app.gql(service, '{ connectionLogsByCursor { totalCount } }')
    return data.connectionLogsByCursor.totalCount
  },
  node: async (app, { user }, id) => {
    const { data } = await app.gql(user, 'query ($id: ID!) { node(id: $id) { id } }', { id })
    return data.node === null ? 0 : 1
  },
  connectionLog: async (app, { user }, id) => {
    const { data } = await app.gql(user, 'query ($id: ID!) { connectionLog(id: $id) { id } }', { id })
    return data.connectionLog === null ? 0 : 1
  },
  'GET /api/v1/connections/logs, logs': async (app, { user }) => {
    const page = (await (await app.send(user, '/api/v1/connections/logs')).json()) as { logs: unknown[] }
    return page.logs.length
  },
  'GET /api/v1/connections/logs, total': async (app, { service }) => {
    const page = (await (await app.send(service, '/api/v1/connections/logs?platform=reddit')).json()) as {
      pagination: { total: number }
    }
    return page.pagination.total
  },
}

const RECORD = `mutation ($createdAt: DateTime) {
  recordConnectionLog(input: {
    platform: REDDIT, eventType: CONNECT_FAILED, connectionMethod: OAUTH, profileId: "p1", accountId: "a1",
    eventId: "e1", error: { code: "oauth_denied", message: "denied" }, createdAt: $createdAt
  }) { created log { id } }
}`

describe.each(PROVIDERS)('expiry on %s', (provider) => {
  it('shows a log up to its last millisecond and never after, on every read path, without any cleanup', async () => {
    const clock = createTestClock(CREATED)
    const app = await startTestApp(provider, { clock })
    const keys = { user: await app.key('u1'), service: await app.key(null) }
    const { data } = await app.gql(keys.user, RECORD)
    const { id } = data.recordConnectionLog.log
    for (const [name, read] of Object.entries(READ_PATHS)) {
      const seen: number[] = []
      for (const at of [EXPIRES - 1, EXPIRES, EXPIRES + 1]) {
        clock.set(at)
        seen.push(await read(app, keys, id))
      }
      expect({ [name]: seen }).toEqual({ [name]: [1, 0, 0] })
    }
  })

  it('counts `days` as days of 24 hours, to the millisecond', async () => {
    const clock = createTestClock(CREATED)
    const app = await startTestApp(provider, { clock })
    const key = await app.key('u1')
    await app.gql(key, RECORD)
    const total = async (days: number) =>
      (await app.gql(key, `{ connectionLogs(days: ${days}) { pagination { total } } }`)).data.connectionLogs
        .pagination.total
    clock.set(CREATED + 3 * DAY_MS - 1)
    expect([await total(2), await total(3)]).toEqual([0, 1])
    clock.set(CREATED + 3 * DAY_MS)
    expect([await total(3), await total(4)]).toEqual([0, 1])
  })

  it('stores an event anew once the log of its first sending has expired, cleaned up or not', async () => {
    const clock = createTestClock(CREATED)
    const app = await startTestApp(provider, { clock })
    const key = await app.key('u1')
    // Received when the event is nearly expired: the new sending falls on the same day of receipt.
    clock.set(EXPIRES - MINUTE_MS * 30)
    const first = await app.gql(key, RECORD, { createdAt: new Date(CREATED).toISOString() })
    const again = await app.gql(key, RECORD)
    clock.set(EXPIRES)
    const anew = await app.gql(key, RECORD)
    const outcome = ({ data }: typeof first) => data.recordConnectionLog
    expect([outcome(first).created, outcome(again).created, outcome(anew).created]).toEqual([
      true,
      false,
      true,
    ])
    expect(outcome(again).log.id).toBe(outcome(first).log.id)
    expect(outcome(anew).log.id).not.toBe(outcome(first).log.id)
  })
})

describe.each(PROVIDERS)('cleanup on %s', (provider) => {
  const CLEANUP =
    'mutation ($dryRun: Boolean) { cleanupExpiredConnectionLogs(dryRun: $dryRun) { deleted dryRun cutoff } }'

  /** A service that recorded one log an hour over ten days which end now, by the database's clock as well. */
  async function withTenDays() {
    const now = Date.now()
    const clock = createTestClock(now)
    const app = await startTestApp(provider, { clock })
    const key = await app.key(null)
    for (let hours = 10 * 24; hours >= 0; hours -= 1) {
      clock.set(now - hours * HOUR_MS)
      await app.connectionLogs.record([
        {
          at: '',
          value: {
            platform: 'reddit',
            eventType: 'disconnect',
            connectionMethod: 'oauth',
            eventId: `e${hours}`,
            error: { message: 'gone' },
          },
        },
      ])
    }
    return { app, key, clock, now }
  }

  it('deletes what has expired and nothing else, and says beforehand how much that is', async () => {
    const { app, key, now } = await withTenDays()
    const dry = await app.gql(key, CLEANUP, { dryRun: true })
    const cutoff = dry.data.cleanupExpiredConnectionLogs.cutoff
    expect(dry.data.cleanupExpiredConnectionLogs).toEqual({
      deleted: 10 * 24 - 7 * 24 + 1,
      dryRun: true,
      cutoff,
    })
    expect(Date.parse(cutoff)).toBe(now - 7 * DAY_MS)
    const [done, beside] = await Promise.all([app.gql(key, CLEANUP), app.gql(key, CLEANUP)])
    expect(
      done.data.cleanupExpiredConnectionLogs.deleted + beside.data.cleanupExpiredConnectionLogs.deleted,
    ).toBe(73)
    const left = await app.gql(key, CLEANUP)
    expect(left.data.cleanupExpiredConnectionLogs.deleted).toBe(0)
    const { data } = await app.gql(key, '{ connectionLogs { pagination { total } } }')
    expect(data.connectionLogs.pagination.total).toBe(7 * 24)
  })

  it('deletes nothing inside the window, however far ahead the clock of this process is', async () => {
    const { app, key, clock, now } = await withTenDays()
    clock.set(now + 30 * DAY_MS)
    await app.gql(key, CLEANUP)
    clock.set(now)
    const { data } = await app.gql(key, '{ connectionLogs { pagination { total } } }')
    expect(data.connectionLogs.pagination.total).toBe(7 * 24)
  })
})
