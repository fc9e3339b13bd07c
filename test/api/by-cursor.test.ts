import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OPERATOR } from '../../src/auth/principal.ts'
import { DAY_MS, HOUR_MS } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { recordInputs } from '../support/random-logs.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }

const PAGE = `query ($filter: ConnectionLogFilter, $first: Int, $after: String, $last: Int, $before: String) {
  connectionLogsByCursor(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } }
    nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}`

interface Page {
  edges: { cursor: string; node: { id: string } }[]
  nodes: { id: string }[]
  pageInfo: {
    hasNextPage: boolean
    hasPreviousPage: boolean
    startCursor: string | null
    endCursor: string | null
  }
  totalCount: number
}

async function page(app: TestApp, key: string, variables: object): Promise<Page> {
  const { data, errors } = await app.gql(key, PAGE, variables)
  expect(errors).toBe(undefined)
  return data.connectionLogsByCursor as Page
}

const idsOf = ({ edges }: Page) => edges.map(({ node }) => node.id)

async function refusal(app: TestApp, key: string, variables: object): Promise<string> {
  const { data, errors } = await app.gql(key, PAGE, variables)
  expect(data ?? null).toBe(null)
  return `${errors?.[0]?.extensions.code}: ${errors?.[0]?.message}`
}

describe.each(PROVIDERS)('pages by cursor on %s', (provider) => {
  it('go through all logs forwards and backwards, in steps of any size, each once', async () => {
    const app = await startTestApp(provider, { clock: createTestClock(NOW) })
    const inputs = fc.sample(recordInputs(NOW), { seed: 11, numRuns: 90 })
    await app.connectionLogs.recordEach(inputs.map((value) => ({ value, at: '' })))
    const all = (await app.connectionLogs.page({}, { limit: 100 })).logs.map(({ id }) => id)
    expect(all.length).toBe(90)
    const key = await app.key(null)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (sizes, isForward) => {
          const seen: string[] = []
          let cursor: string | null = null
          for (let step = 0; ; step += 1) {
            const size = sizes[step % sizes.length]
            const got: Page = await page(
              app,
              key,
              isForward ? { first: size, after: cursor } : { last: size, before: cursor },
            )
            expect(got.nodes).toEqual(got.edges.map(({ node }) => node))
            expect([got.totalCount, got.pageInfo.startCursor, got.pageInfo.endCursor]).toEqual([
              90,
              got.edges[0]?.cursor,
              got.edges.at(-1)?.cursor,
            ])
            if (isForward) seen.push(...idsOf(got))
            else seen.unshift(...idsOf(got))
            const [more, back] = isForward
              ? [got.pageInfo.hasNextPage, got.pageInfo.hasPreviousPage]
              : [got.pageInfo.hasPreviousPage, got.pageInfo.hasNextPage]
            expect(back).toBe(step > 0)
            expect(more).toBe(seen.length < all.length)
            if (!more) break
            cursor = isForward ? got.pageInfo.endCursor : got.pageInfo.startCursor
          }
          expect(seen).toEqual(all)
        },
      ),
      { numRuns: 25, seed: 3 },
    )
  })

  it('neither repeat nor miss a log when others arrive, before or behind, and when logs expire', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock })
    const key = await app.key('u1')
    const logs = app.connectionLogsOf({ ...OPERATOR, userId: 'u1' })
    const at = (hoursAgo: number) => new Date(NOW - hoursAgo * HOUR_MS).toISOString()
    const record = (hoursAgo: number) =>
      logs.record([{ value: { ...EVENT, createdAt: at(hoursAgo) }, at: '' }])
    const old = await Promise.all(Array.from({ length: 40 }, (_, index) => record(index * 4)))
    const newestFirst = old.flat().map(({ log }) => log.id)

    const first = await page(app, key, { first: 10 })
    await record(-0.05)
    await record(2)
    clock.set(NOW + 20 * HOUR_MS)
    const second = await page(app, key, { first: 100, after: first.pageInfo.endCursor })
    const stillThere = newestFirst.filter((_, index) => index * 4 < 7 * 24 - 20)
    expect(idsOf(first).concat(idsOf(second))).toEqual(stillThere)
    expect(second.totalCount).toBe(stillThere.length + 2)
    const newer = await page(app, key, { last: 100, before: first.pageInfo.startCursor })
    expect(newer.edges.length).toBe(1)
    const between = await page(app, key, {
      first: 100,
      after: first.edges[2]?.cursor,
      before: first.edges[6]?.cursor,
    })
    expect([idsOf(between), between.pageInfo.hasNextPage]).toEqual([idsOf(first).slice(3, 6), false])
    const range = await page(app, key, { first: 2, after: first.edges[2]?.cursor, before: null })
    expect([idsOf(range), range.pageInfo]).toMatchObject([
      idsOf(first).slice(3, 5),
      { hasNextPage: true, hasPreviousPage: true },
    ])
  })

  it('hold a filter, end early between two cursors, and are empty where nothing matches', async () => {
    const app = await startTestApp(provider, { clock: createTestClock(NOW) })
    const key = await app.key(null)
    await app.connectionLogs.record(
      Array.from({ length: 20 }, (_, index) => ({
        value: { ...EVENT, accountId: index % 2 === 0 ? 'even' : 'odd' },
        at: '',
      })),
    )
    const even = await page(app, key, { filter: { accountId: 'even' }, first: 4 })
    expect([even.edges.length, even.totalCount, even.pageInfo.hasNextPage]).toEqual([4, 10, true])
    const whole = await page(app, key, {})
    const inside = await page(app, key, { after: whole.edges[3]?.cursor, before: whole.edges[0]?.cursor })
    expect(idsOf(inside)).toEqual([])
    const window = await page(app, key, {
      last: 2,
      after: whole.edges[9]?.cursor,
      before: whole.edges[12]?.cursor,
    })
    expect(idsOf(window)).toEqual(idsOf(whole).slice(10, 12))
    const real = await page(app, key, { after: whole.edges[9]?.cursor, first: 100 })
    expect(idsOf(real)).toEqual(idsOf(whole).slice(10))
    expect(await page(app, key, { filter: { accountId: 'nobody' } })).toEqual({
      edges: [],
      nodes: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
      totalCount: 0,
    })
  })

  it('refuse a cursor that is made up, of another tenant, or expired, and arguments out of range', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock })
    const [mine, other, service] = [await app.key('u1'), await app.key('u2'), await app.key(null)]
    for (const userId of ['u1', 'u2'])
      await app.connectionLogs.record([{ value: { ...EVENT, userId }, at: '' }])
    const cursor = (await page(app, mine, {})).pageInfo.endCursor ?? ''
    const foreign =
      /^BAD_USER_INPUT: Expected `after` to be a cursor that this API gave to a key of the same reach, got /
    expect(await refusal(app, other, { after: cursor })).toMatch(foreign)
    expect(await refusal(app, service, { after: cursor })).toMatch(foreign)
    /** The cursor with another letter at a place. */
    const changed = (at: number) =>
      cursor.slice(0, at) + (cursor[at] === 'A' ? 'B' : 'A') + cursor.slice(at + 1)
    for (const bad of [
      '',
      'x',
      '.',
      cursor.slice(0, -1),
      cursor.slice(0, 50),
      cursor.slice(1),
      changed(0),
      changed(20),
      changed(50),
      changed(cursor.length - 1),
      `${cursor}x`,
      `${cursor}=`,
      `${cursor}.x`,
      // As cursors were before they were encrypted.
      `${Buffer.from(`1:${NOW}:zzz`).toString('base64url')}.AAAAAAAAAAAAAAAA`,
      ` ${cursor}`,
      // Longer, and the gate refuses it for that.
      'x'.repeat(4_000),
    ]) {
      expect(await refusal(app, mine, { after: bad })).toMatch(foreign)
      expect(await refusal(app, mine, { last: 1, before: bad })).toMatch(/^BAD_USER_INPUT: Expected `before`/)
    }
    clock.set(NOW + 7 * DAY_MS - 1)
    expect((await page(app, mine, { after: cursor })).edges).toEqual([])
    clock.set(NOW + 7 * DAY_MS)
    expect(await refusal(app, mine, { after: cursor })).toBe(
      'CURSOR_EXPIRED: Expected `after` to be a cursor within the retention, got one whose place has expired. Begin anew without it.',
    )
    expect(await refusal(app, mine, { first: 0 })).toBe(
      'BAD_USER_INPUT: Expected `first` to be a whole number from 1 to 100, got 0.',
    )
    expect(await refusal(app, mine, { last: 101 })).toBe(
      'BAD_USER_INPUT: Expected `last` to be a whole number from 1 to 100, got 101.',
    )
    expect(await refusal(app, mine, { first: 1, last: 1 })).toBe(
      'BAD_USER_INPUT: Expected either `first` or `last`, got both.',
    )
    const writer = await app.key('u1', ['logs:write'])
    expect(await refusal(app, writer, {})).toMatch(/^FORBIDDEN/)
  })

  it('node fetches a log again by its id, and only for those who may see it', async () => {
    const app = await startTestApp(provider)
    const [recorded] = await app.connectionLogs.record([{ value: { ...EVENT, userId: 'u1' }, at: '' }])
    const ask = async (user: string) =>
      app.gql(
        await app.key(user),
        'query ($id: ID!) { node(id: $id) { __typename id ... on ConnectionLog { platform } } }',
        { id: recorded?.log.id },
      )
    expect(await ask('u1')).toEqual({
      data: { node: { __typename: 'ConnectionLog', id: recorded?.log.id, platform: 'REDDIT' } },
    })
    expect(await ask('u2')).toEqual({ data: { node: null } })
  })

  it('are understood by every process on the database', async () => {
    const app = await startTestApp(provider, { clock: createTestClock(NOW) })
    await app.connectionLogs.record([{ value: EVENT, at: '' }])
    const { createApp } = await import('../../src/app.ts')
    const { parseConfig } = await import('../../src/config/config.ts')
    const { silentLogger } = await import('../../src/kernel/logger.ts')
    const config = parseConfig({ DATABASE_URL: app.url })
    const second = await createApp({ config, logger: silentLogger, clock: createTestClock(NOW) })
    const [first, again] = await Promise.all([
      app.connectionLogs.byCursor({}, {}),
      second.connectionLogs.byCursor({}, {}),
    ])
    expect(first.edges[0]?.cursor()).toBe(again.edges[0]?.cursor())
    const after = await second.connectionLogs.byCursor({}, { after: first.edges[0]?.cursor() })
    expect([after.edges, after.hasPreviousPage]).toEqual([[], true])
    expect(
      await second.connectionLogs
        .byCursor({}, { after: 'x' })
        .catch((error: unknown) => error instanceof AppError),
    ).toBe(true)
    await second.stop()
  })
})
