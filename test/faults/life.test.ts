import { once } from 'node:events'
import { type ClientRequest, request } from 'node:http'
import { connect } from 'node:net'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { createRandom } from '../../src/demo/random.ts'
import { startTestApp } from '../support/app.ts'
import { startCommand } from '../support/command.ts'
import { type Provider, PROVIDERS, createTestDatabase } from '../support/databases.ts'
import { type Service, startService } from '../support/service.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { serviceWithKey } from '../support/service-with-key.ts'
import { FLAWLESS } from './history.ts'
import { createLoad } from './load.ts'

const PATH = '/api/v1/connections/logs'
const BREAKER = new URL('../support/break-on-signal.mjs', import.meta.url).href
const undo = undoneAfterEach()

const statusOf = async (service: Service, path: string) =>
  (await fetch(`http://127.0.0.1:${service.port}${path}`, { headers: { connection: 'close' } })).status

/** Load from the start to a while after the end has begun, as from behind a load balancer that asks `/ready`. */
async function loadAround(provider: Provider, end: (service: Service) => Promise<unknown>) {
  const { url, service, key } = await serviceWithKey(undo, provider, { SHUTDOWN_DELAY_SECONDS: '1' })
  const load = createLoad({ random: createRandom(7), port: () => service.port, key })
  undo(load.end)
  load.start()
  while (load.history.length < 100) await systemClock.sleep(20)
  const ended = end(service)
  while ((await statusOf(service, '/ready').catch(() => 503)) === 200) await systemClock.sleep(10)
  await load.stop()
  return { result: await ended, load, verdict: await load.verdict(url) }
}

describe.each(PROVIDERS)('a service on %s that is told to stop under load', (provider) => {
  it('is not ready, answers whatever it is asked meanwhile, and loses nothing', async () => {
    const { result, load, verdict } = await loadAround(provider, (service) => service.stop())
    expect(result).toMatchObject({ code: 0 })
    expect([load.words.get('cut'), [...load.failures]]).toEqual([undefined, []])
    expect(verdict).toMatchObject(FLAWLESS)
  })

  it('control: one that ends at once cuts its clients', async () => {
    const { load } = await loadAround(provider, (service) => service.kill())
    expect(load.words.get('cut')).toBeGreaterThan(0)
  })
})

it('a service that is stopped ends although clients never end and never read, and reports what it has recorded', async () => {
  await Promise.all(
    PROVIDERS.map(async (provider) => {
      const { service, key } = await serviceWithKey(undo, provider)
      const endless = openStream(service, key)
      endless.sent.write(
        `${JSON.stringify({ platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' })}\n`,
      )
      const silent = connect(service.port, '127.0.0.1')
      silent.on('error', () => undefined)
      const query = JSON.stringify({ query: 'subscription { connectionLogRecorded { cursor } }' })
      silent.write(
        `POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: ${query.length}\r\n\r\n${query}`,
      )
      await once(silent, 'readable')
      const half = connect(service.port, '127.0.0.1')
      half.on('error', () => undefined)
      half.write('GET /health HTTP/1.1\r\nHost')
      await systemClock.sleep(500)
      expect((await service.stop()).code).toBe(0)
      expect(await endless.answer).toEqual([
        503,
        '{"error":"The service is stopping. Of the lines before, 1 were stored, 0 were there already, 0 were rejected."}',
      ])
      for (const socket of [silent, half]) socket.destroy()
    }),
  )
})

/** A stream of lines whose end never comes. */
function openStream({ port }: Service, key: string) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' }
  const sent: ClientRequest = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: PATH,
    headers,
    agent: false,
  })
  const answer = new Promise<[number | undefined, string]>((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => void (text += chunk.toString()))
      response.on('end', () => {
        sent.destroy()
        resolve([response.statusCode, text])
      })
    })
  })
  return { sent, answer }
}

it.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('a second %s ends it at once', async (signal, code) => {
  const database = await createTestDatabase('sqlite')
  undo(database.drop)
  const env = { DATABASE_URL: database.url, PORT: '0', DEMO: 'false', SHUTDOWN_DELAY_SECONDS: '300' }
  const command = startCommand(['serve'], env)
  undo(() => command.kill('SIGKILL'))
  const [address = ''] = /http:\/\/\S+/.exec(await command.printed(/listens on \S+/)) ?? []
  command.kill(signal)
  const ready = async () => fetch(`${address}/ready`)
  while ((await ready()).status === 200) await systemClock.sleep(20)
  const health = await fetch(`${address}/health`)
  expect([health.status, health.headers.get('connection')]).toEqual([200, 'close'])
  command.kill(signal)
  expect((await command.finished).code).toBe(code)
})

describe('a service that is broken ends, so that it is started again', () => {
  it.each([
    [
      'its writing thread ends',
      'thread',
      'The thread that writes to SQLite has ended. Start the service again.\n',
    ],
    ['a promise is rejected that nobody holds', 'reject', 'a failure that nobody caught: the process ends'],
  ])('where %s', async (_, how, sentence) => {
    const { service, key } = await serviceWithKey(undo, 'sqlite', {
      NODE_OPTIONS: `--import ${BREAKER}`,
      BREAK: how,
    })
    const send = () =>
      fetch(`http://127.0.0.1:${service.port}${PATH}`, { headers: { authorization: `Bearer ${key}` } })
    expect((await send()).status).toBe(200)
    process.kill(service.pid ?? 0, 'SIGUSR2')
    const { code, stderr } = await service.finished
    expect(code).toBe(1)
    expect(stderr).toContain(sentence)
    expect(stderr).not.toContain('what a caller sent')
  })
})

describe('several services on one empty Postgres', () => {
  it('start at once: one migrates, one makes the demo, all answer', async () => {
    const database = await createTestDatabase('postgres', { migrated: false })
    undo(database.drop)
    const env = { DATABASE_URL: database.url, PORT: '0', LOG_LEVEL: 'error' }
    const commands = Array.from({ length: 4 }, () => startCommand(['serve'], env))
    undo(...commands.map((command) => () => command.kill('SIGKILL')))
    for (const command of commands) {
      const printed = await command.printed(/GraphiQL: http:\S+/)
      const [address = ''] = /http:\/\/127[\d.:]+/.exec(printed) ?? []
      expect((await fetch(`${address}/ready`)).status).toBe(200)
    }
    for (const command of commands) command.kill('SIGTERM')
    const all = await Promise.all(commands.map(({ finished }) => finished))
    expect(all.map(({ code, stderr }) => [code, stderr])).toEqual(all.map(() => [0, '']))
    expect(all.filter(({ stdout }) => stdout.includes('Demo: ')).length).toBe(1)
    const { rows } = await asked(database.url, 'SELECT count(*)::int AS keys FROM api_keys')
    expect(rows).toEqual([{ keys: 1 }])
  })

  it('goes on migrating where another died over it', async () => {
    const database = await createTestDatabase('postgres', { migrated: false })
    undo(database.drop)
    const dying = new pg.Client(database.url)
    dying.on('error', () => undefined)
    await dying.connect()
    await dying.query(
      'BEGIN; CREATE SCHEMA connlog; CREATE TABLE connlog.half_done (id int); SELECT pg_advisory_xact_lock(72707369)',
    )
    const waiting = [startService(database.url), startService(database.url)]
    const locked = `SELECT count(*)::int AS n FROM pg_locks JOIN pg_database d ON d.oid = database
      WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()`
    while ((await asked(database.url, locked)).rows[0]?.['n'] !== 2) await systemClock.sleep(50)
    await asked(
      database.url,
      `SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON d.oid = database
       WHERE locktype = 'advisory' AND granted AND datname = current_database()`,
    )
    for (const service of await Promise.all(waiting)) {
      expect(await statusOf(service, '/ready')).toBe(200)
      expect(await service.stop()).toMatchObject({ code: 0 })
    }
    const left = await asked(database.url, "SELECT to_regclass('connlog.half_done') AS half_done")
    expect(left.rows).toEqual([{ half_done: null }])
  })
})

it('a statement that outlives its time is given up by Postgres before its request is', async () => {
  const app = await startTestApp('postgres', { env: { REQUEST_TIMEOUT_SECONDS: '2' } })
  const key = await app.key('u1')
  const other = new pg.Client(app.url)
  await other.connect()
  undo(() => other.end())
  await other.query('BEGIN; LOCK TABLE connection_logs')
  const response = await app.send(key, PATH)
  expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([
    503,
    '2',
    { error: 'The database cannot be reached or cannot take this now. Try again soon.' },
  ])
  const { rows } = await other.query(
    `SELECT count(*)::int AS waiting FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%connection_logs%'`,
  )
  expect(rows).toEqual([{ waiting: 0 }])
  await other.query('ROLLBACK')
  expect((await app.send(key, PATH)).status).toBe(200)
})

async function asked(url: string, statement: string) {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return await client.query<Record<string, unknown>>(statement)
  } finally {
    await client.end()
  }
}
