import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  type DocumentNode,
  Kind,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  isIntrospectionType,
  isLeafType,
  isListType,
  isObjectType,
  parse,
} from 'graphql'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { STARTING_QUERY } from '../../src/connections/starting-query.ts'
import { createGate } from '../../src/graphql/gate.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createSchema } from '../../src/schema.ts'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { LIMITS, quietGate } from '../support/gate.ts'
import { nastyLogs } from '../support/nasty-logs.ts'
import { randomRequests } from '../support/random-documents.ts'
import { startWatchedApp } from '../support/watched-app.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const NOW = Date.UTC(2026, 10, 20, 0, 0, 30)

/** Every document that the docs show, that the examples send, and that GraphiQL does. */
function documents(): [string, string][] {
  const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)]
  const shown = pages
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) =>
      [...readFileSync(join(ROOT, path), 'utf8').matchAll(/^```graphql\n([\s\S]*?)^```$/gm)].map(
        ([, source = ''], index): [string, string] => [`${path}, ${index + 1}`, source],
      ),
    )
    .filter(([, source]) => parse(source).definitions.some(({ kind }) => kind === Kind.OPERATION_DEFINITION))
  const sources = ['examples/codegen/src', 'examples/relay/src'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => `${folder}/${name}`),
  )
  const sent = sources.flatMap((path) =>
    [...readFileSync(join(ROOT, path), 'utf8').matchAll(/\bgraphql(?:\(.*?)?`([^`]*)`/g)].map(
      ([, source = '']): [string, string] => [path, source],
    ),
  )
  const introspection = getIntrospectionQuery({
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  })
  return [...shown, ...sent, ['GraphiQL', introspection], ['GraphiQL opened', STARTING_QUERY]]
}

const gate = createGate(createSchema(), { ...LIMITS, operations: 1 }, systemClock)
const firstName = (document: DocumentNode) =>
  document.definitions.flatMap((one) => (one.kind === Kind.OPERATION_DEFINITION ? [one.name?.value] : []))[0]

describe('what people ask for', () => {
  it('is shown in the docs, sent by the examples and by GraphiQL', () => {
    const places = documents().map(([place]) => place.split(',')[0])
    expect(new Set(places)).toContain('docs/graphql.md')
    expect(new Set(places)).toContain('examples/codegen/src/failures.ts')
    expect(new Set(places)).toContain('examples/relay/src/Failures.ts')
  })

  it.each(documents())('passes the gate: %s', (_, source) => {
    // Relay's own compiler puts operations together from fragments.
    const missing = new Set([...source.matchAll(/\.\.\.(\w+)/g)].map(([, name]) => name))
    for (const [, name] of source.matchAll(/\bfragment (\w+)/g)) missing.delete(name)
    const others = [...missing].map((name) => ` fragment ${name} on Query { __typename }`).join('')
    const admitted = gate.admit(source + others, firstName(parse(source)))
    if (!source.trimStart().startsWith('fragment')) expect(admitted?.costOf({})).toBeGreaterThan(0)
  })
})

const EVERY_FIELD =
  'id userId profileId accountId eventId platform eventType status connectionMethod success { displayName username profilePicture permissions tokenExpiresAt accountType } error { code message rawResponse } context { hasCustomRedirectUrl isHeadlessMode isReconnection isBYOK } durationMs metadata createdAt'
const PAGE = `logs { ${EVERY_FIELD} } pagination { total limit skip pages hasMore }`

describe('the cost of an operation', () => {
  const costOf = (query: string, variables: object = {}) => gate.admit(query)?.costOf(variables)

  it.each([
    ['{ viewer { keyId name } }', {}, 3],
    ['{ __typename }', {}, 1],
    ['{ connectionLogs { logs { id } } }', {}, 100 + 1 + 50],
    ['{ connectionLogs(limit: 100) { logs { id status } pagination { total } } }', {}, 100 + 1 + 200 + 2],
    ['{ connectionLogs(limit: null) { logs { id } } }', {}, 100 + 1 + 50],
    ['query ($n: Int) { connectionLogs(limit: $n) { logs { id } } }', { n: 7 }, 100 + 1 + 7],
    ['query ($n: Int) { connectionLogs(limit: $n) { logs { id } } }', {}, 100 + 1 + 50],
    ['query ($n: Int) { connectionLogs(limit: $n) { logs { id } } }', { n: null }, 100 + 1 + 50],
    ['query ($n: Int = 9) { connectionLogs(limit: $n) { logs { id } } }', {}, 100 + 1 + 9],
    [
      'query ($n: Int) { connectionLogs(limit: $n) { ...P } } fragment P on ConnectionLogPage { logs { id } }',
      { n: 3 },
      104,
    ],
    ['{ connectionLogs { logs { id @skip(if: true) } } }', {}, 100 + 1 + 50],
    ['{ connectionLogs(filter: { search: "x" }) { pagination { total } } }', {}, 6_100 + 2],
    ['{ connectionLogs(filter: { search: null, accountId: null }) { pagination { total } } }', {}, 100 + 2],
    [
      '{ connectionLogs(filter: { platform: REDDIT, status: FAILED }) { pagination { total } } }',
      {},
      100 + 2,
    ],
    [
      'query ($f: ConnectionLogFilter) { connectionLogs(filter: $f) { pagination { total } } }',
      { f: { accountId: 'a' } },
      100 + 1_000 + 700 + 2,
    ],
    [
      'query ($f: ConnectionLogFilter) { connectionLogs(filter: $f) { pagination { total } } }',
      { f: { accountId: ['a', 'b'], profileId: ['c', 'd', 'e'], errorCode: [] } },
      100 + 1_000 + 3 * 700 + 2,
    ],
    [
      'query ($ids: [ID!]) { connectionLogs(filter: { accountId: $ids }) { pagination { total } } }',
      { ids: Array.from({ length: 100 }, (_, n) => `a${n}`) },
      100 + 14_000 + 2,
    ],
    [
      'query ($a: ID!) { connectionLogs(filter: { accountId: [$a] }) { pagination { total } } }',
      { a: 'a' },
      100 + 1_000 + 700 + 2,
    ],
    ['{ connectionLogsByCursor(last: 10) { edges { node { id } } totalCount } }', {}, 100 + 1 + 10 * 2 + 300],
    [
      '{ connectionLogsByCursor(filter: { connectionMethod: INVITATION }) { pageInfo { hasNextPage } } }',
      {},
      400 + 2,
    ],
    [
      '{ connectionLogsByCursor(filter: { createdAfter: "2026-11-01T00:00:00Z" }) { pageInfo { hasNextPage } } }',
      {},
      100 + 2,
    ],
    ['{ connectionLogsByCursor(filter: { errorCode: "a" }) { totalCount } }', {}, 100 + 2_200 + 300 + 2_200],
    [
      '{ connectionStats(filter: { errorCode: ["a", "b"] }) { total errorCodes { code } durationMs { p95 } } }',
      {},
      300 + 3_400 + 1 + (500 + 3_400 + 10) + (1_000 + 3_400 + 1),
    ],
    ['{ connectionStats(days: 2, interval: HOUR) { series { total } } }', {}, 600 + 1 + 50],
    [
      'query ($i: StatsInterval) { connectionStats(interval: $i) { series { total } } }',
      { i: 'HOUR' },
      600 + 1 + 170,
    ],
    ['{ connectionStats { errorCodes(first: 20) { code } durationMs { p95 } } }', {}, 300 + 500 + 20 + 3_001],
    [
      'mutation ($i: [RecordConnectionLogInput!]!) { recordConnectionLogs(inputs: $i) { results { created } } }',
      { i: [{}, {}, {}] },
      130 + 1 + 3,
    ],
  ] as const)('%s with %j', (query, variables, points) => {
    expect(costOf(query, variables)).toBe(points)
  })

  it.each([0, -1, 101, 2 ** 31, 1e300, '100', {}, [], true])(
    'a page of %j is none, and never cheaper than the smallest',
    (n) => {
      const cost = costOf('query ($n: Int) { connectionLogs(limit: $n) { logs { id } } }', { n })
      expect(cost).toBeGreaterThan(101)
      expect(cost).toBeLessThanOrEqual(201)
    },
  )

  it('leaves room for a page of 100 logs with all fields, and statistics', () => {
    const week = `connectionStats(interval: HOUR) { total series { start end total succeeded failed successRate } byPlatform { platform total successRate } errorCodes { code total } durationMs { median p95 } }`
    expect(costOf(`{ connectionLogs(limit: 100) { ${PAGE} } ${week} }`)).toBe(8_097)
  })

  it('docs/limits.md has the cost of introspection about right', () => {
    const [, introspection = ''] = documents().find(([place]) => place === 'GraphiQL') ?? []
    const page = readFileSync(join(ROOT, 'docs/limits.md'), 'utf8')
    const [, told = ''] = /GraphiQL's introspection to about ([\d,]+)\./.exec(page) ?? []
    const cost = costOf(introspection) ?? 0
    const off = Math.abs(Number(told.replaceAll(',', '')) / cost - 1)
    expect(off, `write the cost of introspection into docs/limits.md: it is ${cost}`).toBeLessThan(0.1)
  })

  it('every list of objects says how long it may be', () => {
    const unsaid = Object.values(createSchema().getTypeMap())
      .filter((type) => isObjectType(type) && !isIntrospectionType(type))
      .flatMap((type) => Object.values((type as { getFields(): object }).getFields()) as never[])
      .filter((field: { type: never; extensions: { cost?: { size?: unknown } } }) => {
        const isList = isListType(getNullableType(field.type)) && !isLeafType(getNamedType(field.type))
        return isList && field.extensions.cost?.size === undefined
      })
      .map(({ name }: { name: string }) => name)
    expect(unsaid, 'give these fields `extensions: costs({ size: … })`').toEqual([])
  })
})

describe.each(PROVIDERS)('operations on %s', (provider) => {
  it('cost no less than the rows that they return, over 120 random documents', async () => {
    const app = await startTestApp(provider, { clock: createTestClock(NOW) })
    const key = await app.key('u1')
    const logs = fc.sample(nastyLogs(NOW), { seed: 1, numRuns: 120 })
    await app.connectionLogs.recordEach(logs.map((value) => ({ value: { ...value, userId: 'u1' }, at: '' })))
    const open = quietGate(createSchema())
    let compared = 0
    await fc.assert(
      fc.asyncProperty(randomRequests(createSchema(), NOW), async (asked) => {
        const admitted = open.admit(asked.query, asked.operationName)
        if (!admitted) return
        const response = await app.send(key, '/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(asked),
        })
        const { data } = (await response.json()) as { data?: unknown }
        const rows = elementsIn(data)
        expect(admitted.costOf(asked.variables ?? {})).toBeGreaterThanOrEqual(rows)
        if (rows > 0) compared += 1
      }),
      { numRuns: 120, seed: 20_261_126 },
    )
    expect(compared).toBeGreaterThan(20)
    for (const query of [
      `{ connectionStats(interval: HOUR, timeZone: "Australia/Lord_Howe") { series { start } byPlatform { total } byEventType { total } byStatus { total } byConnectionMethod { total } errorCodes(first: 100) { code } } }`,
      `{ connectionLogsByCursor(first: 100) { edges { cursor } nodes { id } } }`,
      '{ connectionStats(days: 7, timeZone: "Asia/Kolkata") { series { start } } }',
    ]) {
      const { data } = await app.gql(key, query)
      expect(gate.admit(query)?.costOf({})).toBeGreaterThanOrEqual(elementsIn(data))
    }
  })

  it('are told their cost where `extensions.cost` asks for it, whoever answers, and charged once', async () => {
    const watched = await startWatchedApp(provider)
    const key = await watched.app.key('u1')
    const ask = async (query: string, accept = 'application/json') => {
      const response = await watched.send(key, '/graphql', {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json' },
        body: JSON.stringify({ query, extensions: { cost: true } }),
      })
      return response.text()
    }
    const told = '"extensions":{"cost":{"points":151,"limit":20000}}'
    const page = '{ connectionLogs { logs { id } } }'
    expect(await ask(page)).toBe(`{"data":{"connectionLogs":{"logs":[]}},${told}}`)
    expect(await ask(page, 'application/json; charset=utf-8')).toBe(
      `{"data":{"connectionLogs":{"logs":[]}},${told}}`,
    )
    expect(await ask('{ viewer { userId } }')).toBe(
      '{"data":{"viewer":{"userId":"u1"}},"extensions":{"cost":{"points":2,"limit":20000}}}',
    )
    expect(
      await ask('{ connectionLog(id: "nope") { id } connectionLogs(limit: 0) { logs { id } } }'),
    ).toMatch(/"extensions":\{"cost":\{"points":203,"limit":20000\}\}\}$/)
    expect(watched.charged).toEqual([151, 151, 2, 203])
    await watched.stop()
  })
})

describe('in production', () => {
  const production = { NODE_ENV: 'production' }

  it('a document has one operation', async () => {
    const app = await startTestApp('sqlite', { env: production })
    const key = await app.key('u1')
    const { errors } = await app.gql(key, 'query A { viewer { userId } } query B { viewer { keyId } }')
    expect(errors).toEqual([
      {
        message: 'Expected `query` to have at most 1 operation, got 2.',
        extensions: { code: 'TOO_COMPLEX' },
      },
    ])
  })

  it('nothing tells of the schema: no introspection, no suggestions, no page', async () => {
    const app = await startTestApp('sqlite', { env: production })
    const key = await app.key('u1')
    const wrong: [string, object?][] = [
      ['{ __schema { types { name } } }'],
      ['{ __type(name: "Viewer") { name } }'],
      ['{ viewer { ...__schema } } fragment __schema on Viewer { keyIds }'],
      ['{ viewers { keyId } }'],
      ['{ viewer { userID } }'],
      ['{ connectionLogs(limits: 1) { logs { id } } }'],
      ['{ connectionLogs(filter: { platfrom: REDDIT }) { logs { id } } }'],
      ['{ connectionLogs(filter: { platform: REDIT }) { logs { id } } }'],
      ['{ viewer { ... on Viewr { keyId } } }'],
      ['query ($p: [Platfrm!]) { connectionLogs(filter: { platform: $p }) { logs { id } } }'],
      [
        'query ($p: [Platform!]) { connectionLogs(filter: { platform: $p }) { logs { id } } }',
        { p: 'REDIT' },
      ],
      [
        'query ($f: ConnectionLogFilter) { connectionLogs(filter: $f) { logs { id } } }',
        { f: { searh: 'x' } },
      ],
      ['{ viewer @skp(if: true) { keyId } }'],
    ]
    for (const [query, variables] of wrong) {
      const answer = await app.gql(key, query, variables)
      expect([answer.data, answer.errors?.[0]?.extensions.code]).toEqual([undefined, 'BAD_USER_INPUT'])
      expect(JSON.stringify(answer)).not.toMatch(/did you mean/i)
    }
    const open = await startTestApp('sqlite')
    const suggested = await open.gql(await open.key('u1'), '{ viewers { keyId } }')
    expect(suggested.errors?.[0]?.message).toContain('Did you mean "viewer"?')
    const page = await app.send('', '/graphql', { headers: { accept: 'text/html' } })
    expect([page.status, page.headers.get('content-type')]).toEqual([401, 'application/json; charset=utf-8'])
    for (const path of ['/', '/graphiql', '/graphiql/boot.js', '/playground', '/voyager'])
      expect((await app.send('', path)).status).toBe(404)
  })
})

/** How many elements all lists of an answer have together, lists of plain values aside. */
function elementsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inside = Object.entries(value)
    .filter(([name]) => name !== 'metadata')
    .reduce((total, [, inner]) => total + elementsIn(inner), 0)
  const isRows = Array.isArray(value) && typeof value[0] === 'object'
  return inside + (isRows ? (value as unknown[]).length : 0)
}
