import { describe, expect, it } from 'vitest'
import { SECOND_MS, systemClock } from '../../src/kernel/clock.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { type TestClock, createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { type Family, parseExposition, valuesOf } from '../support/exposition.ts'
import { sentOf } from '../support/sent.ts'

const TOKEN = 'a-token-of-the-operator'
const CANARY_KEY = `clk_${'c'.repeat(10)}_${'A'.repeat(38)}`

/** What clients get is up to a second old: lets that pass. */
async function scrape(app: TestApp, clock?: TestClock): Promise<Map<string, Family>> {
  if (clock) clock.advance(SECOND_MS)
  else await systemClock.sleep(SECOND_MS + 1)
  const response = await app.send('', '/metrics')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parseExposition(await response.text())
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemClock.sleep(5)
}

const log = (accountId: string, more: object = {}) => ({ ...(sentOf(accountId).value as object), ...more })
const LOGS_PATH = '/api/v1/connections/logs'

describe.each(PROVIDERS)('/metrics on %s', (provider) => {
  it('counts requests by route, method and status, and operations by name and outcome', async () => {
    const app = await startTestApp(provider)
    const key = await app.key('u1', ['logs:read'])
    await app.gql(key, 'query Recent { connectionLogs { pagination { total } } }')
    await app.gql(key, 'query Recent { connectionLogs { pagination { total } } }')
    await app.gql(key, '{ viewer { userId } }')
    await app.gql(key, 'query Bad { connectionLogs(limit: 1000) { logs { id } } }')
    await app.gql(key, 'query Never { nothing }')
    await app.gql('', 'query Recent { viewer { userId } }')
    await app.gql(key, 'mutation Clean { cleanupExpiredConnectionLogs { deleted } }')
    await app.send(key, `${LOGS_PATH}?limit=0`)
    await app.send('', '/a/path/that/anybody/may/make/up')
    await app.send('', '/health', { method: 'BREW' })
    const families = await scrape(app)
    expect(valuesOf(families, 'connlog_graphql_operations_total')).toEqual({
      'Recent ok': 2,
      '(none) ok': 1,
      '(other) bad_user_input': 2,
      '(other) forbidden': 1,
    })
    expect(valuesOf(families, 'connlog_graphql_operation_duration_seconds')).toEqual({
      Recent: 2,
      '(none)': 1,
      '(other)': 3,
    })
    expect(valuesOf(families, 'connlog_http_requests_total')).toEqual({
      '/graphql POST 200': 6,
      '/graphql POST 401': 1,
      '/api/v1/connections/logs GET 400': 1,
      '(other) GET 404': 1,
      '/health (other) 405': 1,
    })
  })

  it('counts what becomes of logs, whichever way they come', async () => {
    const app = await startTestApp(provider)
    const key = await app.key(null)
    const post = (type: string, body: string) =>
      app.send(key, LOGS_PATH, { method: 'POST', headers: { 'content-type': type }, body })
    const first = JSON.stringify(log('a', { eventId: 'e1' }))
    await post('application/json', first)
    await post('application/json', first)
    await post('application/json', `[${first},{}]`)
    await post(
      'application/x-ndjson',
      [first, JSON.stringify(log('b')), '{}', JSON.stringify(log('c'))].join('\n'),
    )
    const families = await scrape(app)
    expect(valuesOf(families, 'connlog_logs_recorded_total')).toEqual({
      created: 3,
      duplicate: 2,
      rejected: 3,
      failed: 0,
    })
    expect(valuesOf(families, 'connlog_commit_duration_seconds')).toEqual({ '': 3 })
    expect(valuesOf(families, 'connlog_commit_queue_logs')).toEqual({ '': 0 })
  })

  it('tells of cleanup, counts, days and connections once the service has started', async () => {
    const startMs = systemClock.now()
    const clock = createTestClock(startMs)
    const app = await startTestApp(provider, { clock })
    await app.start()
    const isDone = (families: Map<string, Family>) =>
      valuesOf(families, 'connlog_cleanups_total')['ok'] === 1 &&
      '' in valuesOf(families, 'connlog_counts_last_merge_timestamp_seconds')
    await until(async () => isDone(await scrape(app, clock)))
    // Read behind the back of the scrape before.
    clock.advance(5_000)
    await scrape(app, clock)
    await until(async () => '' in valuesOf(await scrape(app, clock), 'connlog_database_up'))
    clock.advance(5_000)
    await scrape(app, clock)
    await until(
      async () => provider === 'sqlite' || valuesOf(await scrape(app, clock), 'connlog_days_ahead')[''] === 2,
    )
    const families = await scrape(app, clock)
    const of = (name: string) => valuesOf(families, name)
    expect(of('connlog_cleanups_total')).toEqual({ ok: 1, failed: 0 })
    expect(of('connlog_database_up')).toEqual({ '': 1 })
    const cleanedUpMs = Number(of('connlog_cleanup_last_success_timestamp_seconds')['']) * 1_000
    expect(Math.round(cleanedUpMs)).toBeGreaterThanOrEqual(startMs)
    expect(Math.round(cleanedUpMs)).toBeLessThanOrEqual(clock.now() - 10_000)
    expect(of('connlog_days_ahead')).toEqual(provider === 'sqlite' ? {} : { '': 2 })
    expect(of('connlog_counts_notes_waiting')).toEqual(provider === 'sqlite' ? {} : { '': 0 })
    expect(of('connlog_database_pool_size')).toEqual(provider === 'sqlite' ? {} : { '': 10 })
    expect(Object.keys(of('connlog_database_pool_connections'))).toEqual(
      provider === 'sqlite' ? [] : ['busy', 'idle'],
    )
    expect(of('connlog_feed_listening')).toEqual({})
  })

  it('tells of streams and of the feed while somebody follows', async () => {
    const app = await startTestApp(provider)
    const stream = await app.connectionLogs.follow({})
    await until(
      async () => provider === 'sqlite' || valuesOf(await scrape(app), 'connlog_feed_listening')[''] === 1,
    )
    const families = await scrape(app)
    expect(valuesOf(families, 'connlog_streams_open')).toEqual({ '': 1 })
    expect(valuesOf(families, 'connlog_feed_readers')).toEqual({ '': 1 })
    expect(valuesOf(families, 'connlog_feed_lag_seconds')).toEqual({ '': 0 })
    expect(valuesOf(families, 'connlog_feed_listening')).toEqual(provider === 'sqlite' ? {} : { '': 1 })
    await stream.return()
    expect(valuesOf(await scrape(app), 'connlog_streams_open')).toEqual({ '': 0 })
  })

  it('answers while the database is away, and says that it is', async () => {
    const clock = createTestClock(systemClock.now())
    const app = await startTestApp(provider, { clock })
    const isUp = async () => valuesOf(await scrape(app, clock), 'connlog_database_up')['']
    expect(await isUp()).toBe(undefined)
    await until(async () => (await isUp()) === 1)
    const key = await app.key(null)
    const page = 'query Page { connectionLogs { logs { id } } }'
    await app.gql(key, page)
    await app.database.close()
    await app.gql(key, page)
    // What was read is good for five seconds.
    expect(await isUp()).toBe(1)
    clock.advance(5_000)
    await until(async () => (await isUp()) === 0)
    const families = await scrape(app, clock)
    expect(families.get('connlog_counts_notes_waiting')?.samples).toEqual([])
    expect(valuesOf(families, 'connlog_streams_open')).toEqual({ '': 0 })
    expect(valuesOf(families, 'connlog_graphql_operations_total')).toEqual({
      'Page ok': 1,
      'Page service_unavailable': 1,
    })
  })

  it('asks for its token where it has one, and opens to no key', async () => {
    const app = await startTestApp(provider, { env: { METRICS_TOKEN: TOKEN } })
    const status = async (bearer: string) => (await app.send(bearer, '/metrics')).status
    expect(await Promise.all(['', `${TOKEN}x`, await app.key(null), TOKEN].map(status))).toEqual([
      401, 401, 401, 200,
    ])
  })

  it('is not there where it is turned off', async () => {
    const app = await startTestApp(provider, { env: { METRICS: 'false' } })
    expect((await app.send('', '/metrics')).status).toBe(404)
    expect((await app.gql(await app.key('u1'), '{ viewer { userId } }')).data.viewer.userId).toBe('u1')
  })

  it('has a bounded number of series whatever names operations have, and shows no key that is one', async () => {
    const app = await startTestApp(provider)
    const key = await app.key(null)
    const user = await app.key('canary-user')
    await app.gql(user, `query ${CANARY_KEY} { viewer { userId } }`)
    for (let index = 0; index < 130; index += 1)
      await app.gql(key, `query Name${index} { viewer { userId } }`)
    const response = await app.send('', '/metrics')
    const text = await response.text()
    const operations = valuesOf(parseExposition(text), 'connlog_graphql_operations_total')
    expect(Object.keys(operations).length).toBe(101)
    expect(operations['Name99 ok']).toBe(1)
    expect(operations['(other) ok']).toBe(31)
    expect(text).not.toMatch(/clk_|canary/)
  })
})
