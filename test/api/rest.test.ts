import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import SEED_PAGE from '../support/late-page.json' with { type: 'json' }
import { HOUR_MS } from '../../src/kernel/clock.ts'
import { createTestClock } from '../support/clock.ts'

const PATH = '/api/v1/connections/logs'
const NOW = Date.UTC(2026, 10, 20, 12)

describe.each(PROVIDERS)('the REST twin on %s', (provider) => {
  it("gives the example of Late's page back field by field, and GraphQL gives the same values", async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock })
    const logs = SEED_PAGE.logs.map((log, index) => ({
      ...log,
      createdAt: `2026-11-20T${index === 0 ? '10' : '09'}:00:00Z`,
    }))
    const service = await app.key(null)
    const posted = await app.send(service, PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(logs),
    })
    expect(await posted.json()).toEqual({ accepted: 2, duplicates: 0, rejected: 0, logs })

    const key = await app.key('64e1f0a9e2b5af0012ab34de')
    const response = await app.send(key, PATH)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      logs,
      pagination: { ...SEED_PAGE.pagination, total: 2 },
    })

    const { data } = await app.gql(
      key,
      `{ connectionLogs { logs {
        id userId profileId accountId eventId platform eventType connectionMethod durationMs metadata createdAt
        success { displayName username profilePicture permissions tokenExpiresAt accountType }
        error { code message rawResponse }
        context { hasCustomRedirectUrl isHeadlessMode isReconnection isBYOK }
      } } }`,
    )
    const [connected, refused] = logs
    const context = { isHeadlessMode: null, isReconnection: null, isBYOK: null }
    expect(data.connectionLogs.logs).toEqual([
      {
        ...connected,
        id: connected?._id,
        _id: undefined,
        platform: 'INSTAGRAM',
        eventType: 'CONNECT_SUCCESS',
        connectionMethod: 'OAUTH',
        success: { ...connected?.success, tokenExpiresAt: '2024-12-01T10:00:00.000Z' },
        context: { ...context, hasCustomRedirectUrl: false },
        createdAt: '2026-11-20T10:00:00.000Z',
        eventId: null,
        error: null,
        durationMs: null,
        metadata: null,
      },
      {
        ...refused,
        id: refused?._id,
        _id: undefined,
        platform: 'TWITTER',
        eventType: 'CONNECT_FAILED',
        connectionMethod: 'OAUTH',
        error: { ...refused?.error, rawResponse: null },
        context: { ...context, hasCustomRedirectUrl: true },
        createdAt: '2026-11-20T09:00:00.000Z',
        accountId: null,
        eventId: null,
        success: null,
        durationMs: null,
        metadata: null,
      },
    ])
    const byId = await app.gql(key, `{ connectionLog(id: "${connected?._id}") { accountId } }`)
    expect(byId).toEqual({ data: { connectionLog: { accountId: connected?.accountId } } })
  })

  it('keeps the defaults, the order and the pagination of the page it comes from', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock })
    const key = await app.key('u1')
    const events = [
      'connect_success',
      'connect_failed',
      'disconnect',
      'reconnect_success',
      'reconnect_failed',
    ]
    const values = Array.from({ length: 60 }, (_, index) => ({
      platform: index % 2 === 0 ? 'tiktok' : 'linkedin',
      eventType: events[index % 5],
      connectionMethod: 'oauth',
      createdAt: new Date(NOW - Math.floor(index / 3) * HOUR_MS).toISOString(),
      eventId: `e${index}`,
    }))
    await app
      .connectionLogsOf({
        keyId: null,
        name: null,
        userId: 'u1',
        scopes: new Set(['logs:write']),
        expiresAt: null,
      })
      .record(values.map((value) => ({ value, at: '' })))

    const page = async (query: string) => {
      const response = await app.send(key, `${PATH}?${query}`)
      return (await response.json()) as {
        logs: { _id: string; createdAt: string; eventType: string; platform: string }[]
        pagination: object
      }
    }
    const all = await page('limit=100')
    expect(all.pagination).toEqual({ total: 60, limit: 100, skip: 0, pages: 1, hasMore: false })
    const sorted = [...all.logs].sort(
      (a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a._id < b._id ? 1 : -1),
    )
    expect(all.logs).toEqual(sorted)
    const first = await page('')
    expect(first).toEqual({
      logs: all.logs.slice(0, 50),
      pagination: { total: 60, limit: 50, skip: 0, pages: 2, hasMore: true },
    })
    const last = await page('skip=50')
    expect(last).toEqual({
      logs: all.logs.slice(50),
      pagination: { total: 60, limit: 50, skip: 50, pages: 2, hasMore: false },
    })
    expect((await page('skip=60')).logs).toEqual([])
    expect(await page('platform=all&eventType=all&status=all&days=7&limit=50&skip=0')).toEqual(first)
    expect(new Set((await page('status=success')).logs.map(({ eventType }) => eventType))).toEqual(
      new Set(['connect_success', 'reconnect_success']),
    )
    expect(
      new Set(
        (await page('status=failed&platform=tiktok')).logs.map((log) => `${log.platform} ${log.eventType}`),
      ),
    ).toEqual(new Set(['tiktok connect_failed', 'tiktok reconnect_failed']))
    expect((await page('eventType=disconnect')).pagination).toMatchObject({ total: 12 })
    expect((await page('eventType=disconnect&status=failed')).pagination).toMatchObject({
      total: 0,
      pages: 0,
    })
  })

  it('tells what is left of the rate limit on every answer, and refuses with 429 once it is spent', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock, env: { RATE_LIMIT_PER_MINUTE: '3' } })
    const key = await app.key('u1')
    const answers = []
    for (const query of ['', '?limit=0', '', '']) answers.push(await app.send(key, PATH + query))
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200, 429])
    expect(answers.map(({ headers }) => headers.get('x-ratelimit-limit'))).toEqual(['3', '3', '3', '3'])
    expect(answers.map(({ headers }) => headers.get('x-ratelimit-remaining'))).toEqual(['2', '1', '0', '0'])
    const [first, , , last] = answers
    expect(first?.headers.get('x-ratelimit-reset')).toBe(String(NOW / 1_000 + 20))
    expect(last?.headers.get('retry-after')).toBe('20')
    const other = await app.send(await app.key('u2'), PATH)
    expect(other.headers.get('x-ratelimit-remaining')).toBe('2')
  })

  it('answers a missing, malformed, unknown, revoked or expired key with the same bytes', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock })
    const revoked = await app.keys.create({ userId: 'u1', scopes: ['logs:read'] })
    const expired = await app.keys.create({ userId: 'u1', scopes: ['logs:read'], lifetimeMs: 1_000 })
    await app.keys.revoke(revoked.apiKey.id)
    expect((await app.send(expired.key, PATH)).status).toBe(200)
    clock.advance(1_000)
    const headers = [
      {},
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Basic dTpw' },
      { authorization: 'Bearer clk_nonsense' },
      { authorization: `Bearer ${revoked.key.slice(0, -1)}x` },
      { authorization: `Bearer ${revoked.key}` },
      { authorization: `Bearer ${expired.key}` },
      { authorization: expired.key },
    ]
    const answers = await Promise.all(
      headers.map(async (given) => {
        const response = await app.send('', PATH, { headers: given as Record<string, string> })
        const { 'x-request-id': _, ...rest } = Object.fromEntries(response.headers)
        return { status: response.status, rest, body: await response.text() }
      }),
    )
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]).toMatchObject({ status: 401, body: '{"error":"Unauthorized"}' })
  })
})
