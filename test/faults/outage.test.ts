import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config/config.ts'
import { openDatabase } from '../../src/database/open.ts'
import { sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { postgresBehindProxy } from '../support/behind-proxy.ts'
import type { Direction, TcpProxy } from '../support/tcp-proxy.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { type Attempt, FLAWLESS, check, figures } from './history.ts'
import { type SentEvent, bodyOf, sentEvent } from './producer.ts'
import { report } from './seed.ts'
import { findDamage, readStored } from './stored.ts'

const PATH = '/api/v1/connections/logs'
const UNAVAILABLE = 'The database cannot be reached or cannot take this now. Try again soon.'
const undo = undoneAfterEach()

/** A service whose way to Postgres goes through a proxy. */
async function startBehindProxy(env: Record<string, string> = {}) {
  const { database, proxy, url } = await postgresBehindProxy(undo)
  const config = parseConfig({ DATABASE_URL: url, RATE_LIMIT_PER_MINUTE: '0', ...env })
  const app = await createApp({ config, logger: silentLogger })
  undo(async () => {
    await proxy.setMode('pass')
    proxy.setCutter(undefined)
    await app.stop()
  })
  const { key } = await app.keys.create({ userId: null, scopes: ['logs:read', 'logs:write'] })
  const send = (path: string, body?: unknown): Promise<Response> =>
    app.fetch(
      new Request(`http://connlog.test${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
  return { app, proxy, send, url: database.url }
}

const answerOf = async (response: Response) => ({
  status: response.status,
  retryAfter: response.headers.get('retry-after'),
  body: (await response.json()) as { error?: string },
})
const unavailable = { status: 503, retryAfter: '2', body: { error: UNAVAILABLE } }
const event = (id: string): SentEvent => sentEvent('u1', id, 1)

describe('a service whose Postgres goes away', () => {
  it.each(['refuse', 'reset'] as const)(
    '%s: answers 503, stays alive, and goes on once it is back',
    async (mode) => {
      const { proxy, send, url } = await startBehindProxy()
      expect((await send(PATH, bodyOf(event('before')))).status).toBe(200)
      await proxy.setMode(mode)
      const writes = Array.from({ length: 40 }, (_, index) => send(PATH, bodyOf(event(`during-${index}`))))
      for (const response of await Promise.all(writes)) expect(await answerOf(response)).toEqual(unavailable)
      expect(await answerOf(await send(PATH))).toEqual(unavailable)
      expect((await send('/ready')).status).toBe(503)
      expect((await send('/health')).status).toBe(200)
      await proxy.setMode('pass')
      expect((await send(PATH, bodyOf(event('after')))).status).toBe(200)
      expect((await send('/ready')).status).toBe(200)
      expect((await readStored(url)).map(({ key }) => key).toSorted()).toEqual(['u1/after', 'u1/before'])
    },
  )

  it('blackhole: gives up what is not answered, and goes on once it is back', async () => {
    const { proxy, url } = await postgresBehindProxy(undo)
    // Ten seconds in a service.
    const options = { poolSize: 2, clock: systemClock, logger: silentLogger, requestMs: 450 }
    const opened = await openDatabase(url, options)
    undo(opened.close)
    const code = (work: Promise<unknown>) =>
      work.then(
        () => 'answered',
        (error: unknown) => (error instanceof AppError ? error.code : error),
      )
    const select = () => code(opened.query(sql`SELECT 1`))
    const transaction = () => code(opened.transaction((tx) => tx.query(sql`SELECT 1`)))
    expect(await Promise.all([select(), transaction()])).toEqual(['answered', 'answered'])
    await proxy.setMode('blackhole')
    // Two of them wait for an answer, the others for a connection.
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 ? select() : transaction())),
    )
    expect(answers).toEqual(answers.map(() => 'SERVICE_UNAVAILABLE'))
    expect(await select()).toBe('SERVICE_UNAVAILABLE')
    await proxy.setMode('pass')
    expect(await Promise.all([select(), transaction(), select()])).toEqual([
      'answered',
      'answered',
      'answered',
    ])
  })

  it('is slow: everything is answered all the same', async () => {
    const { proxy, send } = await startBehindProxy()
    proxy.setDelay(20)
    const writes = Array.from({ length: 40 }, (_, index) => send(PATH, bodyOf(event(`e${index}`))))
    expect((await Promise.all(writes)).map(({ status }) => status)).toEqual(writes.map(() => 200))
    proxy.setDelay(0)
    const page = (await (await send(PATH)).json()) as { pagination: { total: number } }
    expect(page.pagination.total).toBe(40)
  })
})

/**
 * Cuts the one connection to Postgres at the n-th piece of data that goes through since `from` was called, before or
 * after that is forwarded.
 */
function cutAt(
  proxy: TcpProxy,
  n: number,
  when: 'before' | 'after',
  way: Direction,
): { wasCut: () => boolean } {
  let left = n
  let wasCut = false
  proxy.setCutter((direction, bytes) => {
    if (direction !== way || wasCut || (left -= 1) > 0) return undefined
    wasCut = true
    return when === 'before' ? 0 : bytes
  })
  return { wasCut: () => wasCut }
}

const MOST_ROUNDS = 5

/** Stores list after list, the n-th with a cut at its n-th step, and sends each that was not acknowledged once more. */
async function cutEachStep(way: Direction, when: 'before' | 'after', withEventIds = true) {
  const { proxy, send, url } = await startBehindProxy({ POOL_SIZE: '1' })
  const history: Attempt[] = []
  const post = async (events: readonly SentEvent[]) => {
    const response = await send(
      PATH,
      events.map((one) => bodyOf(one, withEventIds)),
    )
    history.push({ events, outcome: response.status === 200 ? 'ok' : 'unknown' })
    return response
  }
  // What is made once, such as partitions, is no part of it.
  expect((await post([event('first')])).status).toBe(200)
  let cuts = 0
  let refused = 0
  let keptWithoutAnswer = 0
  /** What goes on beside it may take a cut away from COMMIT: then all is gone through once more. */
  const hasMetCommit = async () =>
    withEventIds ? keptWithoutAnswer > 0 : check(history, await readStored(url)).duplicated.length > 0
  for (let [n, round] = [1, 1]; ; n += 1) {
    const events = ['a', 'b', 'c'].map((name) => event(`${name}${round}.${n}`))
    const { wasCut } = cutAt(proxy, n, when, way)
    const response = await post(events)
    proxy.setCutter(undefined)
    if (!wasCut()) {
      expect(response.status).toBe(200)
      if (round === MOST_ROUNDS || (await hasMetCommit())) break
      round += 1
      n = 0
      continue
    }
    cuts += 1
    // What is cut may also be something that goes on beside it, of which the sender notices nothing.
    if (response.status !== 200) {
      refused += 1
      expect(await answerOf(response)).toEqual(unavailable)
    }
    expect(check(history, await readStored(url))).toMatchObject({ lost: [], torn: [] })
    const { accepted, duplicates } = (await (await post(events)).json()) as Record<string, number>
    if (duplicates === 3) keptWithoutAnswer += Number(response.status !== 200)
    else expect([accepted, duplicates]).toEqual([3, 0])
  }
  const verdict = check(history, await readStored(url))
  const ids = withEventIds ? '' : ' without event ids'
  report(
    `cut ${way}, ${when}${ids}: ${cuts} cuts, ${keptWithoutAnswer} stored without an answer, ${figures(verdict)}`,
  )
  // What is known, claims, logs, COMMIT, less what was cut beside them. Without event ids there is one statement.
  expect(refused).toBeGreaterThanOrEqual(withEventIds ? 3 : 0)
  expect(await findDamage(url)).toEqual([])
  return { verdict, keptWithoutAnswer }
}

describe('the connection to Postgres is cut at every step of storing a list', () => {
  it.each([
    ['after a statement has arrived', 'up', 'after'],
    ['before an answer arrives', 'down', 'before'],
  ] as const)(
    '%s, COMMIT too: all or nothing is stored, and sent again it is there once',
    async (_, way, when) => {
      const { verdict, keptWithoutAnswer } = await cutEachStep(way, when)
      expect(verdict).toMatchObject(FLAWLESS)
      expect(keptWithoutAnswer).toBeGreaterThan(0)
    },
  )

  it('control: without event ids, what was committed unanswered is stored twice', async () => {
    const { verdict } = await cutEachStep('down', 'before', false)
    expect(verdict.duplicated.length).toBeGreaterThan(0)
    expect({ ...verdict, duplicated: [] }).toMatchObject(FLAWLESS)
  })
})

describe('a pool that is used up', () => {
  it('turns requests away with SERVICE_UNAVAILABLE, and goes on when it is free', async () => {
    const app: TestApp = await startTestApp('postgres', {
      env: { POOL_SIZE: '2', MAX_CONCURRENT_REQUESTS: '1000' },
    })
    const key = await app.key('u1')
    const post = (id: string) =>
      app.send(key, PATH, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(bodyOf(event(id))),
      })
    expect((await post('before')).status).toBe(200)
    const blocker = new pg.Client(app.url)
    await blocker.connect()
    await blocker.query('BEGIN; LOCK TABLE connection_logs IN ACCESS EXCLUSIVE MODE')
    // One of them gets to Postgres, and waits there until the lock is gone. The other connection is kept for writes.
    const answers = Array.from({ length: 200 }, () => app.send(key, PATH))
    const refused = await waitFor(answers, 199)
    for (const response of refused) expect(await answerOf(response)).toEqual(unavailable)
    await blocker.query('COMMIT')
    await blocker.end()
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200).length).toBe(1)
    expect((await post('after')).status).toBe(200)
    expect((await app.connectionLogs.page({}, {})).pagination.total).toBe(2)
  })
})

/** The first `count` answers that come. */
async function waitFor<T>(promises: readonly Promise<T>[], count: number): Promise<T[]> {
  const done: T[] = []
  await new Promise<void>((resolve, reject) => {
    for (const promise of promises)
      promise.then((value) => {
        if (done.length < count && done.push(value) === count) resolve()
      }, reject)
  })
  return done
}
