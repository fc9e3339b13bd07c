import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sightOf } from '../../src/auth/sight.ts'
import { type App, createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config/config.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { sql } from '../../src/database/sql.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createQuery } from '../../src/logs/query.ts'
import { createRetention } from '../../src/logs/retention.ts'
import { createLogStore } from '../../src/logs/store.ts'
import { createSchema } from '../../src/schema.ts'
import { type GraphqlAnswer, startTestApp } from '../support/app.ts'
import { type TestClock, createTestClock } from '../support/clock.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'
import { replayed } from '../support/feed-replay.ts'

/** Every root field of the schema, and by which of the paths below it is checked; null where it shows no logs. */
const ROOT_FIELDS: Readonly<Record<string, readonly string[] | null>> = {
  connectionLog: ['connectionLog'],
  connectionLogs: ['page', 'text page', 'text page by platform', 'total', 'last by skip', 'behind the last'],
  connectionLogsByCursor: ['byCursor first', 'byCursor last', 'byCursor totalCount', 'byCursor after'],
  connectionLogFeedCursor: null,
  connectionLogRecorded: ['feed'],
  connectionStats: [
    'stats total',
    'stats series',
    'stats byPlatform',
    'stats errorCodes',
    'stats durationMs',
  ],
  node: ['node'],
  viewer: null,
  recordConnectionLog: ['eventId of the living', 'eventId of the expired'],
  recordConnectionLogs: null, // the same as recordConnectionLog
  cleanupExpiredConnectionLogs: ['dry run', 'stored'],
  apiKeys: null,
  auditLog: null,
  createApiKey: null,
  rotateApiKey: null,
  revokeApiKey: null,
  eraseConnectionLogs: null, // takes what is there, expired or not
}
/** What is read otherwise than by a root field. */
const OTHER_PATHS = ['REST list', 'REST total', 'export']

const SEED = 20_261_126
const EVENTS = 80
/** Instants at which each of two services is asked; before, at and after the last millisecond of some log. */
const ROUNDS = 30
const NOW = Date.UTC(2026, 10, 20, 12)
const RETENTION_MS = 7 * DAY_MS
const PLATFORMS = ['REDDIT', 'THREADS'] as const

interface Stored {
  readonly createdAt: number
  readonly eventId: string
}

/** What a path shows: ids of logs, or how many there are. */
type Shown = readonly string[] | number

const answerOf = async (
  app: App,
  key: string,
  query: string,
): Promise<NonNullable<GraphqlAnswer['data']>> => {
  const request = new Request('http://connlog.test/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query }),
  })
  const { data, errors } = (await (await app.fetch(request)).json()) as GraphqlAnswer
  expect(errors).toBeUndefined()
  return data
}

const idsOf = (logs: readonly { readonly id: string }[]): string[] => logs.map(({ id }) => id)

/** Asks a service by every path. `expected` are the ids that it has to show, newest first. */
async function ask(app: App, key: string, expected: readonly string[], near: readonly string[]) {
  const shown: Record<string, Shown> = {}
  const { logs } = await app.connectionLogs.page({}, { limit: 100 })
  shown['page'] = idsOf(logs)
  const { all, reddit, threads, cursors, stats } = await answerOf(
    app,
    key,
    `{ all: connectionLogs(limit: 100) { logs { id } pagination { total } }
       ${PLATFORMS.map((name) => `${name.toLowerCase()}: connectionLogs(limit: 100, filter: { platform: ${name} }) { logs { id } pagination { total } }`).join(' ')}
       cursors: connectionLogsByCursor(last: 100) { nodes { id } totalCount }
       stats: connectionStats { total series { total } byPlatform { total } errorCodes { total } durationMs { count } } }`,
  )
  const text = await answerOf(app, key, '{ connectionLogs(limit: 100) { logs { id } pagination { total } } }')
  shown['text page'] = idsOf(text.connectionLogs.logs)
  shown['total'] = all.pagination.total
  shown['text page by platform'] = [...idsOf(reddit.logs), ...idsOf(threads.logs)]
  shown['byCursor last'] = idsOf(cursors.nodes)
  shown['byCursor totalCount'] = cursors.totalCount
  const sum = (tallies: readonly { total: number }[]) => tallies.reduce((total, one) => total + one.total, 0)
  shown['stats total'] = stats.total
  shown['stats series'] = sum(stats.series)
  shown['stats byPlatform'] = sum(stats.byPlatform)
  shown['stats errorCodes'] = sum(stats.errorCodes)
  shown['stats durationMs'] = stats.durationMs.count
  const first = await app.connectionLogs.byCursor({}, { first: 3 })
  const after = first.edges.at(-1)?.cursor()
  const rest = await app.connectionLogs.byCursor({}, { first: 100, ...(after ? { after } : {}) })
  shown['byCursor first'] = [...first.edges, ...(after ? rest.edges : [])].map(({ node }) => node.id)
  shown['byCursor after'] = rest.hasNextPage ? -1 : first.edges.length + (after ? rest.edges.length : 0)
  const skip = Math.max(0, expected.length - 1)
  shown['last by skip'] = idsOf((await app.connectionLogs.page({}, { limit: 5, skip })).logs)
  shown['behind the last'] = idsOf((await app.connectionLogs.page({}, { skip: expected.length })).logs)
  for (const [name, field] of [
    ['connectionLog', 'connectionLog'],
    ['node', 'node'],
  ] as const) {
    const found: string[] = []
    for (const id of near) {
      const data = await answerOf(app, key, `{ ${field}(id: "${id}") { id } }`)
      if (data[field] !== null) found.push(id)
    }
    shown[name] = found
  }
  const response = await app.fetch(
    new Request('http://connlog.test/api/v1/connections/logs?limit=100', {
      headers: { authorization: `Bearer ${key}` },
    }),
  )
  const page = (await response.json()) as { logs: { _id: string }[]; pagination: { total: number } }
  shown['REST list'] = page.logs.map(({ _id }) => _id)
  shown['REST total'] = page.pagination.total
  const exported: string[] = []
  for await (const logs of app.connectionLogs.everything({})) exported.push(...logs.map(({ id }) => id))
  // Oldest first, as no other path has it.
  shown['export'] = exported.toReversed()
  shown['feed'] = await replayed(app, { nowMs: NOW, atLeast: expected.length })
  return shown
}

/** Logs and skews of a run; edges are hit by logs that share milliseconds and minutes. */
function draw() {
  const spread = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: RETENTION_MS - 1 }) },
    { weight: 1, arbitrary: fc.constantFrom(DAY_MS, DAY_MS + 1, HOUR_MS, MINUTE_MS, 2 * DAY_MS - 1) },
  )
  const skew = fc.oneof(fc.integer({ min: -DAY_MS, max: DAY_MS }), fc.constantFrom(-DAY_MS, DAY_MS, 0, -1, 1))
  const run = fc.record({
    ages: fc.array(spread, { minLength: EVENTS, maxLength: EVENTS }),
    rounds: fc.array(
      fc.record({
        event: fc.integer({ min: 0, max: EVENTS - 1 }),
        by: fc.constantFrom(-1, 0, 1),
        other: skew,
        cleaner: skew,
        database: skew,
      }),
      { minLength: ROUNDS, maxLength: ROUNDS },
    ),
  })
  const [one] = fc.sample(run, { seed: SEED, numRuns: 1 })
  if (!one) throw new TypeError('nothing was drawn')
  return one
}

async function start(provider: Provider) {
  const clock = createTestClock(NOW)
  const app = await startTestApp(provider, { clock })
  const otherClock = createTestClock(NOW)
  const other = await createApp({
    config: parseConfig({ DATABASE_URL: app.url, RATE_LIMIT_PER_MINUTE: '0' }),
    clock: otherClock,
    logger: silentLogger,
  })
  return { app, clock, other, otherClock }
}

/** A process that cleans up, by its own clock and by what the database takes for the time. */
const cleanerOf = ({ database }: App, clock: TestClock, databaseNow: () => number) =>
  createRetention(
    {
      ...database,
      dialect: {
        ...database.dialect,
        now: () => sql`SELECT CAST(${BigInt(databaseNow())} AS BIGINT) AS now_ms`,
      },
    },
    connectionLogKind,
    { clock, keptDays: async () => 7, logger: silentLogger },
  )

describe('the paths that are checked', () => {
  it('are those of every root field: whoever adds one says in ROOT_FIELDS how its logs expire', () => {
    const schema = createSchema()
    const fields = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap(
      (type) => Object.keys(type?.getFields() ?? {}),
    )
    expect(Object.keys(ROOT_FIELDS).sort()).toEqual(fields.sort())
  })
})

describe.each(PROVIDERS)('expiry on %s, by every path and clock', (provider) => {
  it('serves nothing late and deletes nothing early, whatever clocks are up to 24 hours off', async () => {
    const { app, clock, other, otherClock } = await start(provider)
    const keys = { user: await app.key('u1'), service: await app.key(null) }
    const { ages, rounds } = draw()
    const stored = new Map<string, Stored>()
    const sent = (eventId: string, n: number) => ({
      eventId,
      userId: 'u1',
      platform: PLATFORMS[n % 2]?.toLowerCase(),
      eventType: 'connect_failed',
      connectionMethod: 'oauth',
      error: { code: `code-${n % 3}`, message: 'denied' },
      durationMs: n,
    })
    const recorded = await app.connectionLogs.record(
      ages.map((age, n) => ({
        at: '',
        index: n,
        value: { ...sent(`e${n}`, n), createdAt: new Date(NOW - age).toISOString() },
      })),
    )
    const remember = (log: { id: string; createdAt: number }, eventId: string) =>
      stored.set(log.id, { createdAt: log.createdAt, eventId })
    for (const [n, { log }] of recorded.entries()) remember(log, `e${n}`)

    const cleanerClock = createTestClock(NOW)
    let databaseSkewMs = 0
    const cleaner = cleanerOf(app, cleanerClock, () => clock.now() + databaseSkewMs)

    const seenPaths = new Set<string>()
    let [triples, late, missing] = [0, 0, 0]
    const living = (atMs: number) =>
      [...stored]
        .filter(([, { createdAt }]) => createdAt > atMs - RETENTION_MS)
        .sort(([a, { createdAt: x }], [b, { createdAt: y }]) => y - x || (a < b ? 1 : -1))
        .map(([id]) => id)
    /** Holds what a path has shown against what it had to; every log that it might have shown is checked by it. */
    const check = (path: string, shown: Shown, must: readonly string[], among: number) => {
      seenPaths.add(path)
      triples += among
      if (typeof shown === 'number') {
        late += Math.max(0, shown - must.length)
        missing += Math.max(0, must.length - shown)
        return
      }
      const [has, wanted] = [new Set(shown), new Set(must)]
      late += shown.filter((id) => !wanted.has(id)).length + (shown.length - has.size)
      missing += must.filter((id) => !has.has(id)).length
    }

    const instants = rounds
      .map(({ event, by, ...skews }) => ({ atMs: NOW - (ages[event] ?? 0) + RETENTION_MS + by, ...skews }))
      .sort((a, b) => a.atMs - b.atMs)
    for (const [round, { atMs, ...skews }] of instants.entries()) {
      clock.set(Math.max(clock.now(), atMs))
      const trueMs = clock.now()
      const passedMs = trueMs - NOW

      // Somebody cleans up, whose clock and database are off: set wrong while it runs, and set right again.
      cleanerClock.set(NOW + passedMs)
      cleanerClock.jump(skews.cleaner)
      databaseSkewMs = skews.database
      const dry = await cleaner.cleanup({ dryRun: true })
      const done = await cleaner.cleanup()
      cleanerClock.jump(-skews.cleaner)
      const rows = await app.database.query<{ id: string }>(sql`SELECT id FROM connection_logs`)
      const left = new Set(idsOf(rows))
      check(
        'stored',
        [...left].filter((id) => living(trueMs).includes(id)),
        living(trueMs),
        stored.size,
      )
      expect([dry.deleted, done.deleted]).toEqual([stored.size - left.size, stored.size - left.size])
      check(
        'dry run',
        dry.deleted,
        [...stored.keys()].filter((id) => !left.has(id)),
        stored.size,
      )
      for (const id of stored.keys()) if (!left.has(id)) stored.delete(id)

      // Two services are asked, one of which has another time.
      otherClock.set(trueMs + skews.other)
      for (const [service, key] of [
        [app, keys.user],
        [other, keys.service],
      ] as const) {
        const nowMs = service === app ? trueMs : otherClock.now()
        const must = living(nowMs)
        const byAge = [...stored].sort(([, a], [, b]) => a.createdAt - b.createdAt).map(([id]) => id)
        const edge = byAge.length - must.length
        const near = byAge.slice(Math.max(0, edge - 3), edge + 3)
        const shown = await ask(service, key, must, near)
        for (const [path, logs] of Object.entries(shown)) {
          const own = path === 'last by skip' ? must.slice(-1) : path === 'behind the last' ? [] : must
          if (path === 'connectionLog' || path === 'node')
            check(
              path,
              logs,
              near.filter((id) => must.includes(id)),
              near.length,
            )
          else check(path, logs, own, path === 'behind the last' ? stored.size - must.length : stored.size)
        }
      }

      // An event that is sent again: the living is known, of the expired nothing is remembered.
      const own = new Set(living(trueMs))
      const sorted = [...stored].sort(([, a], [, b]) => a.createdAt - b.createdAt)
      const [youngestExpired] = sorted.filter(([id]) => !own.has(id)).slice(-1)
      const oldestLiving = sorted.find(([id]) => own.has(id))
      for (const [path, one] of [
        ['eventId of the living', oldestLiving],
        ['eventId of the expired', round % 3 === 0 ? youngestExpired : undefined],
      ] as const) {
        if (!one) continue
        const [id, { eventId }] = one
        const again = [...stored].some(([key, log]) => log.eventId === eventId && own.has(key))
        const [answer] = await app.connectionLogs.record([
          { at: '', value: sent(eventId, Number(eventId.slice(1))) },
        ])
        if (!answer) throw new TypeError('nothing was answered')
        check(path, answer.created ? 0 : 1, again ? [id] : [], 1)
        if (answer.created) remember(answer.log, eventId)
      }
    }

    expect({ late, missing }).toEqual({ late: 0, missing: 0 })
    expect(triples).toBeGreaterThanOrEqual(50_000)
    const paths = [...Object.values(ROOT_FIELDS).flatMap((names) => names ?? []), ...OTHER_PATHS]
    expect([...seenPaths].sort()).toEqual(paths.sort())
    await other.stop()
  })

  it('would be served late without the predicate, and deleted early by a clock alone: the controls', async () => {
    const { app, clock, other } = await start(provider)
    const { ages } = draw()
    await app.connectionLogs.record(
      ages.map((age, n) => ({
        at: '',
        index: n,
        value: {
          userId: 'u1',
          platform: 'reddit',
          eventType: 'disconnect',
          connectionMethod: 'oauth',
          createdAt: new Date(NOW - age).toISOString(),
          eventId: `e${n}`,
        },
      })),
    )
    clock.set(NOW + 3 * DAY_MS)
    const alive = ages.filter((age) => NOW - age > clock.now() - RETENTION_MS).length
    const store = createLogStore(app.database, connectionLogKind)
    const heedless = createQuery(
      sightOf({ userId: null }),
      {},
      { nowMs: clock.now(), retentionMs: 365 * DAY_MS },
    )
    expect((await store.page(heedless, { limit: 100, skip: 0 })).total).toBe(EVENTS)
    expect((await app.connectionLogs.page({}, {})).pagination.total).toBe(alive)

    // A process that has known no other time, on a database that has the same.
    const ahead = createTestClock(clock.now() + DAY_MS)
    const { deleted } = await cleanerOf(app, ahead, ahead.now).cleanup()
    expect(deleted).toBeGreaterThan(EVENTS - alive)
    await other.stop()
  })
})
