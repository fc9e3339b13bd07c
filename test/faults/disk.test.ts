import { chownSync, statSync } from 'node:fs'
import { describe, expect, inject, it } from 'vitest'
import { raw, sql } from '../../src/database/sql.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { DAY_MS, dayOf, systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { mountTmpfs, whyNoTmpfs } from '../support/tmpfs.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { type Attempt, FLAWLESS, type Verdict, check, figures } from './history.ts'
import { type SentEvent, bodyOf, sentEvent } from './producer.ts'
import { report } from './seed.ts'
import { findDamage, readStored, rowsOf } from './stored.ts'

const PATH = '/api/v1/connections/logs'
const MB = 1_048_576
const UNAVAILABLE = 'The database cannot be reached or cannot take this now. Try again soon.'
const undo = undoneAfterEach()

/** Writes to a service and remembers what it was told. */
function createWriter(app: TestApp, key: string) {
  const history: Attempt[] = []
  let made = 0
  const newEvents = (count: number) =>
    Array.from({ length: count }, () => sentEvent('u1', `e${(made += 1)}`, 50_000 + made))
  const post = async (events: readonly SentEvent[], type = 'application/json'): Promise<Response> => {
    const logs = events.map((one) => bodyOf(one))
    const isLines = type !== 'application/json'
    const response = await app.send(key, PATH, {
      method: 'POST',
      headers: { 'content-type': type },
      body: isLines ? logs.map((log) => JSON.stringify(log)).join('\n') : JSON.stringify(logs),
    })
    const outcome = response.status === 200 ? 'ok' : response.status === 503 ? 'unknown' : 'failed'
    if (isLines) history.push(...events.map((one) => ({ events: [one], outcome }) as const))
    else history.push({ events, outcome })
    return response
  }
  return {
    history,
    post,
    newEvents,
    /** Writes lists until one is refused. @returns how many were taken, and the answer to the last */
    fill: async (size = 100, most = 5_000) => {
      for (let taken = 0; taken < most; taken += 1) {
        const refused = newEvents(size)
        const response = await post(refused)
        if (response.status !== 200) return { taken, refused, response }
      }
      throw new Error('The disk did not fill.')
    },
    verdict: async (): Promise<Verdict> => check(history, await readStored(app.url)),
  }
}

type Writer = ReturnType<typeof createWriter>

async function expectUnavailable(response: Response): Promise<void> {
  expect({
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    body: await response.json(),
  }).toEqual({ status: 503, retryAfter: '2', body: { error: UNAVAILABLE } })
}

/** Whatever is sent is refused in the same words and leaves nothing behind; what was stored can be read. */
async function expectReadOnly(app: TestApp, key: string, writer: Writer): Promise<void> {
  const stored = (await readStored(app.url)).length
  await expectUnavailable(await writer.post(writer.newEvents(300)))
  await expectUnavailable(await writer.post(writer.newEvents(1_200), 'application/x-ndjson'))
  const inputs = writer.newEvents(300).map((one) => ({
    eventId: one.eventId,
    platform: 'REDDIT',
    eventType: 'DISCONNECT',
    connectionMethod: 'OAUTH',
    metadata: { filling: 'x'.repeat(1_000) },
  }))
  const { data, errors } = await app.gql(
    key,
    `mutation ($inputs: [RecordConnectionLogInput!]!) { recordConnectionLogs(inputs: $inputs) { created } }`,
    { inputs },
  )
  expect([data, errors?.map(({ message, extensions }) => ({ message, ...extensions }))]).toEqual([
    null,
    [{ message: UNAVAILABLE, code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 2 }],
  ])
  const page = (await (await app.send(key, `${PATH}?limit=1`)).json()) as { pagination: { total: number } }
  expect(page.pagination.total).toBe(stored)
  expect((await readStored(app.url)).length).toBe(stored)
  expect((await app.send('', '/health')).status).toBe(200)
  // It can read, so it is ready to serve readers.
  expect((await app.send('', '/ready')).status).toBe(200)
}

/** All that was refused is taken once it is sent again, and all is well. */
async function expectRecovered(app: TestApp, name: string, writer: Writer): Promise<void> {
  const again = writer.history.filter(({ outcome }) => outcome === 'unknown').flatMap(({ events }) => events)
  for (let at = 0; at < again.length; at += 500) {
    expect((await writer.post(again.slice(at, at + 500) as SentEvent[])).status).toBe(200)
  }
  const verdict = await writer.verdict()
  report(`disk, ${name}: ${figures(verdict)}`)
  expect(verdict).toMatchObject({ ...FLAWLESS, unknown: 0 })
  expect(await findDamage(app.url)).toEqual([])
  const unknown = app.logged.filter(({ level }) => level === 'error')
  expect(unknown).toEqual([])
}

describe('a database that takes no more', () => {
  it('SQLite at its last page: refuses writes whole, reads on, and goes on when it may grow', async () => {
    const app = await startTestApp('sqlite')
    const key = await app.key('u1')
    const writer = createWriter(app, key)
    await writer.fill(100, 1).catch(() => undefined)
    const [pages] = await app.database.query<{ page_count: number | bigint }>(sql`PRAGMA page_count`)
    await app.database.execute(sql`PRAGMA max_page_count = ${raw(String(Number(pages?.page_count) + 50))}`)
    const { taken, response } = await writer.fill()
    expect(taken).toBeGreaterThan(0)
    await expectUnavailable(response)
    await expectReadOnly(app, key, writer)
    expect(await writer.verdict()).toMatchObject(FLAWLESS)
    await app.database.execute(sql`PRAGMA max_page_count = 1000000`)
    await expectRecovered(app, 'max_page_count', writer)
  })

  it('SQLite that may only be read: the same', async () => {
    const app = await startTestApp('sqlite')
    const key = await app.key('u1')
    const writer = createWriter(app, key)
    expect((await writer.post(writer.newEvents(10))).status).toBe(200)
    await app.database.execute(sql`PRAGMA query_only = ON`)
    await expectReadOnly(app, key, writer)
    await app.database.execute(sql`PRAGMA query_only = OFF`)
    await expectRecovered(app, 'query_only', writer)
  })

  it('Postgres that has become read-only, as a standby is: the same', async () => {
    const app = await startTestApp('postgres')
    const key = await app.key('u1')
    const writer = createWriter(app, key)
    expect((await writer.post(writer.newEvents(10))).status).toBe(200)
    const setReadOnly = async (value: 'on' | 'off') => {
      const database = new URL(app.url).pathname.slice(1)
      await onServer(`ALTER DATABASE ${database} SET default_transaction_read_only = ${value}`)
      // Open connections keep what they began with.
      await onServer(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND pid <> pg_backend_pid()`,
      )
      // Who is given one that has ended, and does not know so yet, is told to come again.
      await expect.poll(async () => (await app.send(key, PATH)).status).toBe(200)
    }
    await setReadOnly('on')
    await expectReadOnly(app, key, writer)
    await setReadOnly('off')
    await expectRecovered(app, 'default_transaction_read_only', writer)
  })
})

const codeOf = (error: unknown) => (error instanceof AppError ? error.code : error)

const whyNot = whyNoTmpfs()
describe.skipIf(whyNot !== undefined)(`a disk that is full${whyNot ? ` (${whyNot})` : ''}`, () => {
  it('SQLite: refuses writes whole, reads on, keeps what cannot be checkpointed, and goes on when there is space', async () => {
    const disk = mountTmpfs(8 * MB)
    undo(disk.unmount)
    const clock = createTestClock(systemClock.now() - 8 * DAY_MS)
    const env = { DATABASE_URL: `file:${disk.path}/connlog.db` }
    const app = await startTestApp('sqlite', { clock, env })
    undo(app.stop)
    const key = await app.key('u1')
    const writer = createWriter(app, key)
    const { taken, response } = await writer.fill()
    expect(taken).toBeGreaterThan(5)
    await expectUnavailable(response)
    await expectReadOnly(app, key, writer)
    // The log cannot move into a file that cannot grow. What is in it stays.
    expect(await app.database.query(sql`PRAGMA wal_checkpoint(TRUNCATE)`).catch(codeOf)).toBe(
      'SERVICE_UNAVAILABLE',
    )
    expect(await writer.verdict()).toMatchObject(FLAWLESS)
    // To delete is to write.
    clock.advance(8 * DAY_MS)
    expect(await app.connectionLogs.cleanup(false).catch(codeOf)).toBe('SERVICE_UNAVAILABLE')
    clock.advance(-8 * DAY_MS)
    disk.resize(32 * MB)
    await expectRecovered(app, 'SQLite, tmpfs', writer)
    clock.advance(8 * DAY_MS)
    const { stored } = await writer.verdict()
    expect((await app.connectionLogs.cleanup(false)).deleted).toBe(stored)
    expect(await findDamage(app.url)).toEqual([])
  })

  it('Postgres: the same', async () => {
    const { app, disk, writer, key } = await startOnDisk(systemClock.now())
    disk.resize(disk.used() + MB)
    const { taken, response } = await writer.fill()
    expect(taken).toBeGreaterThan(2)
    await expectUnavailable(response)
    await expectReadOnly(app, key, writer)
    expect(await writer.verdict()).toMatchObject(FLAWLESS)
    disk.resize(64 * MB)
    await expectRecovered(app, 'Postgres, tmpfs', writer)
  })

  it('Postgres: drops days that have expired all the same, and takes writes again in their space', async () => {
    const { app, disk, writer, clock } = await startOnDisk(systemClock.now() - 9 * DAY_MS)
    disk.resize(disk.used() + MB)
    await expectUnavailable((await writer.fill()).response)
    const { stored } = await writer.verdict()
    clock.advance(9 * DAY_MS)
    expect((await app.connectionLogs.cleanup(false)).deleted).toBe(stored)
    expect((await writer.post(writer.newEvents(100))).status).toBe(200)
    expect((await readStored(app.url)).length).toBe(100)
    expect(await findDamage(app.url)).toEqual([])
  })

  /** A service whose database, but not its write-ahead log, lies on a small disk of a server that nobody else uses. */
  async function startOnDisk(nowMs: number) {
    const disk = mountTmpfs(64 * MB)
    undo(disk.unmount)
    const server = await startPostgres(['-c', 'fsync=off'])
    undo(server.stop)
    const [found] = await onServer<{ data_directory: string }>('SHOW data_directory', server.url)
    const { uid, gid } = statSync(found?.data_directory ?? '')
    chownSync(disk.path, uid, gid)
    await onServer(`CREATE TABLESPACE small LOCATION '${disk.path}'`, server.url)
    await onServer('CREATE DATABASE small TABLESPACE small', server.url)
    const clock = createTestClock(nowMs)
    const env = { DATABASE_URL: server.url.replace(/postgres$/, 'small') }
    const app = await startTestApp('postgres', { clock, env })
    undo(app.stop)
    const key = await app.key('u1')
    const writer = createWriter(app, key)
    expect((await writer.post(writer.newEvents(10))).status).toBe(200)
    // As a service does that runs from one day to the next.
    const today = dayOf(systemClock.now())
    await app.database.storage.prepare(connectionLogKind.table, [today, today + 1])
    return { app, disk, clock, key, writer }
  }
})

const onServer = <Row>(statement: string, url = inject('postgresUrl')) => rowsOf<Row>(url, statement)
