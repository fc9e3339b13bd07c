import fc from 'fast-check'
import { type GraphQLSchema, isObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATOR } from '../../src/auth/principal.ts'
import { MAX_REMEMBERED_DOCUMENT } from '../../src/graphql/gate.ts'
import { type GraphqlContext, createExecution, createGraphql } from '../../src/http/graphql.ts'
import { acceptableFor } from '../../src/http/media-type.ts'
import { createDocumentFinder } from '../../src/http/persisted.ts'
import { createTextAnswers } from '../../src/http/text-answers.ts'
import { raw, sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { NEVER_YIELDS } from '../../src/kernel/yield-if-long.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createSchema } from '../../src/schema.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { quietGate } from '../support/gate.ts'
import { nastyLogs } from '../support/nasty-logs.ts'
import { type RandomRequest, randomRequests } from '../support/random-documents.ts'

const NOW = Date.UTC(2026, 10, 20, 0, 0, 30)
const LOGS = 150
const DOCUMENTS = 700
const SEED = 20_261_120

interface Answer {
  readonly status: number
  readonly headers: object
  readonly body: string
}

/** The two ways on one database. `asText` has the schema given, execution always its own. */
function waysOf(app: TestApp, schema = createSchema(), introspection = true) {
  const gate = quietGate(schema)
  const asText = createTextAnswers({
    schema,
    introspection,
    maxResponseBytes: 16_777_216,
    yieldIfLong: NEVER_YIELDS,
  })
  const execute = createExecution({
    schema: createSchema(),
    introspection,
    endpoint: '/graphql',
    heartbeatMs: 15_000,
    maxResponseBytes: 16_777_216,
    clock: systemClock,
    yieldIfLong: NEVER_YIELDS,
    logger: silentLogger,
  })
  const contextOf = (userId: string | null): GraphqlContext => {
    const principal = { ...OPERATOR, userId }
    return {
      requestId: 'r1',
      principal,
      rateLimit: () => null,
      pay: () => undefined,
      enter: () => undefined,
      readBody: async () => Buffer.from('{}'),
      connectionLogs: app.connectionLogsOf(principal),
      managedKeys: app.managedKeysOf(principal),
      lastEventId: null,
      subscription: {},
    }
  }
  return async (parameters: RandomRequest, { userId = null as string | null, accept = '' } = {}) => {
    const request = () =>
      new Request('http://connlog.test/graphql', { method: 'POST', body: '{}', headers: { accept } })
    const context = contextOf(userId)
    const params = parameters as Parameters<typeof execute>[1]
    const admitted = gate.admit(parameters.query, parameters.operationName)
    const text = admitted && (await asText(acceptableFor(accept), admitted, parameters, context))
    return {
      text: text && 'response' in text ? await read(text.response) : undefined,
      executed: async () => read(await execute(request(), params, context)),
    }
  }
}

async function read(response: Response): Promise<Answer> {
  const { status, headers } = response
  return {
    status,
    headers: Object.fromEntries([...headers].map(([name, value]) => [name.toLowerCase(), value])),
    body: await response.text(),
  }
}

const EVERY_FIELD =
  'id userId profileId accountId eventId platform eventType status connectionMethod success { displayName username profilePicture permissions tokenExpiresAt accountType } error { code message rawResponse } context { hasCustomRedirectUrl isHeadlessMode isReconnection isBYOK } durationMs metadata createdAt'
const PAGE = `connectionLogs { logs { ${EVERY_FIELD} } pagination { total limit skip pages hasMore } }`

/** Fields, if any, whose value only execution can tell: `Type.field`. */
const EXECUTED_FIELDS: readonly string[] = []

const AS_TEXT: Record<string, RandomRequest> = {
  'every field of a page': { query: `{ ${PAGE} }` },
  'no logs at all': { query: '{ connectionLogs { pagination { total } } }' },
  'a page that is empty': {
    query: `{ connectionLogs(skip: 100000) { logs { id } pagination { hasMore } } }`,
  },
  aliases: { query: '{ p: connectionLogs { l: logs { a: id b: platform } x: pagination { y: total } } }' },
  'the same field twice': {
    query: '{ connectionLogs { logs { error { code } error { message } } logs { id } } }',
  },
  '__typename everywhere': {
    query:
      '{ __typename connectionLogs { __typename logs { __typename error { __typename } } pagination { __typename } } t: __typename }',
  },
  'fragments and type conditions': {
    query:
      'query Q { ...R } fragment R on Query { connectionLogs { logs { ... on Node { id } ...L } } } fragment L on ConnectionLog { status success { username } }',
  },
  'conditions by variables': {
    query: 'query ($a: Boolean!) { connectionLogs { logs { id metadata @include(if: $a) } } }',
    variables: { a: false },
  },
  'arguments by variables': {
    query:
      'query ($f: ConnectionLogFilter, $n: Int = 3) { connectionLogs(filter: $f, limit: $n) { logs { id } } }',
    variables: { f: { platform: 'INSTAGRAM', createdAfter: '2026-11-18T00:00:00Z', search: 'e' } },
  },
  'one of several operations': {
    query: `query A { connectionLogs { logs { id } } } query B { ${PAGE} }`,
    operationName: 'B',
  },
}

const EXECUTED: Record<string, RandomRequest> = {
  'another field': { query: '{ viewer { userId } }' },
  'another field beside it': { query: `{ ${PAGE} viewer { userId } }` },
  'two pages': { query: `{ a: ${PAGE} b: ${PAGE} }` },
  'no page': { query: '{ __typename }' },
  'a page left out': { query: '{ connectionLogs @skip(if: true) { logs { id } } }' },
  'the same field twice by aliases': { query: '{ connectionLogs { logs { a: metadata b: metadata } } }' },
  'the same member twice by aliases': {
    query: '{ connectionLogs { logs { error { a: message b: message } } } }',
  },
  'the same object twice by aliases': {
    query: '{ connectionLogs { logs { a: error { message } b: error { message } } } }',
  },
  'logs twice': { query: '{ connectionLogs { a: logs { id } b: logs { status } } }' },
  introspection: { query: '{ __schema { queryType { name } } }' },
  'introspection beside it': { query: `{ ${PAGE} __schema { queryType { name } } }` },
  'a mutation': { query: 'mutation { cleanupExpiredConnectionLogs(dryRun: true) { deleted } }' },
  '@defer': { query: '{ connectionLogs { logs { ... @defer { id } } } }' },
  '@stream': { query: '{ connectionLogs { logs @stream { id } } }' },
  'an unknown directive': { query: '{ connectionLogs @unknown { logs { id } } }' },
  'an unknown field': { query: '{ connectionLogs { logs { nothing } } }' },
  'fields that collide': { query: '{ connectionLogs { logs { a: id a: status } } }' },
  'text that is no document': { query: '{ connectionLogs { logs { id }' },
  'brackets without end': { query: `{ connectionLogs(filter: ${'['.repeat(10_000)}` },
  'an argument out of range': { query: '{ connectionLogs(limit: 101) { logs { id } } }' },
  'a variable that does not fit': {
    query: 'query ($n: Int) { connectionLogs(limit: $n) { logs { id } } }',
    variables: { n: 'ten' },
  },
  'a variable that is missing': {
    query: 'query ($n: Int!) { connectionLogs(limit: $n) { logs { id } } }',
  },
  'an operation that is not there': { query: `query A { ${PAGE} }`, operationName: 'B' },
  'an empty name of an operation': { query: `query A { ${PAGE} }`, operationName: '' },
  'a document of unusual length': { query: `{ ${PAGE} } #${' '.repeat(20_000)}` },
  'very many fields': {
    query: `{ connectionLogs { logs { ${Array.from({ length: 300 }, (_, index) => `a${index}: id`).join(' ')} } } }`,
  },
}

describe.each(PROVIDERS)('pages of logs answered as text on %s', (provider) => {
  let app: TestApp
  beforeAll(async () => {
    app = keep(await startTestApp(provider, { clock: createTestClock(NOW) }))
    const logs = fc.sample(nastyLogs(NOW), { seed: SEED, numRuns: LOGS })
    const outcomes = await app.connectionLogs.recordEach(logs.map((value) => ({ value, at: '' })))
    expect(outcomes.filter((outcome) => outcome instanceof AppError)).toEqual([])
    // As earlier versions have stored it: as it was sent.
    const success = sql`replace(${raw(provider === 'postgres' ? 'success::text' : 'success')}, '2026-12-11T22:00:00Z', '2026-12-12T00:00:00+02:00')`
    const stored = provider === 'postgres' ? sql`${success}::json` : success
    const changed = await app.database.execute(
      sql`UPDATE connection_logs SET success = ${stored} WHERE user_id = 'u3' AND success IS NOT NULL`,
    )
    expect(changed).toBeGreaterThan(5)
  })
  afterAll(() => app.stop())

  it(`are what execution answers, byte for byte, over ${DOCUMENTS} random documents`, async () => {
    const ask = waysOf(app)
    let asText = 0
    await fc.assert(
      fc.asyncProperty(
        randomRequests(createSchema(), NOW),
        fc.constantFrom(null, 'u1', 'u2', 'u3', 'nobody'),
        async (parameters, userId) => {
          const { text, executed } = await ask(parameters, { userId })
          if (!text) return
          asText += 1
          expect(text).toEqual(await executed())
        },
      ),
      { numRuns: DOCUMENTS, seed: SEED },
    )
    expect(asText).toBeGreaterThan(DOCUMENTS / 4)
  })

  it.each(Object.entries(AS_TEXT))('as text: %s', async (_, parameters) => {
    const { text, executed } = await waysOf(app)(parameters, { userId: 'u1' })
    expect(text).toEqual(await executed())
  })

  it.each(Object.entries(EXECUTED))('executed: %s', async (_, parameters) => {
    expect((await waysOf(app)(parameters, { userId: 'u1' })).text).toBeUndefined()
  })

  it('executed: instants that need a calendar, where they are on the page', async () => {
    const query = '{ connectionLogs { logs { success { tokenExpiresAt } } } }'
    expect((await waysOf(app)({ query }, { userId: 'u3' })).text).toBeUndefined()
    const { text, executed } = await waysOf(app)({ query }, { userId: 'u1' })
    expect(text).toEqual(await executed())
  })

  it('executed: a document with introspection somewhere, where that is off', async () => {
    const query = `query A { ${PAGE} } query B { __schema { queryType { name } } }`
    const parameters = { query, operationName: 'A' }
    expect((await waysOf(app, createSchema(), false)(parameters, { userId: 'u1' })).text).toBeUndefined()
    const { text, executed } = await waysOf(app)(parameters, { userId: 'u1' })
    expect(text).toEqual(await executed())
  })

  it.each([
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['application/json', 'application/json'],
    ['application/graphql-response+json', 'application/graphql-response+json'],
    ['application/graphql-response+json,application/json;q=0.9', 'application/graphql-response+json'],
    ['application/json;q=0.1, application/graphql-response+json', 'application/graphql-response+json'],
    ['application/json;q=0, application/graphql-response+json', 'application/graphql-response+json'],
    ['application/json; charset=utf-8', 'application/json'],
    ['text/event-stream, multipart/mixed, application/json', 'application/json'],
    ['TEXT/html, */*;q=0.1', 'application/json'],
    ['text/event-stream', undefined],
  ])('with the header `accept: %s` as %s', async (accept, type) => {
    const { text, executed } = await waysOf(app)({ query: `{ ${PAGE} }` }, { userId: 'u1', accept })
    expect(text?.headers).toEqual(
      type && expect.objectContaining({ 'content-type': `${type}; charset=utf-8` }),
    )
    if (text) expect(text).toEqual(await executed())
  })

  it('reach the caller with the headers of every answer, by POST, GET and HEAD', async () => {
    const key = await app.key('u1')
    const headers = { accept: 'application/json', 'content-type': 'application/json', 'x-request-id': 'r1' }
    // A document that is too long to be remembered is executed.
    const long = `{ ${PAGE} }${' '.repeat(MAX_REMEMBERED_DOCUMENT)}`
    const [asText, executed] = [`{ ${PAGE} }`, long].map(async (query) => {
      const path = `/graphql?query=${encodeURIComponent(query)}`
      return Promise.all([
        app.send(key, '/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) }).then(read),
        app.send(key, path, { headers }).then(read),
        app.send(key, path, { method: 'HEAD', headers }).then(read),
      ])
    })
    expect(await asText).toEqual(await executed)
  })

  it('a key without the scope is refused in the words of execution', async () => {
    const key = await app.key('u1', ['logs:write'])
    const { errors } = await app.gql(key, `{ ${PAGE} }`)
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  })

  it('the comparison finds a field that is read from elsewhere', async () => {
    const schema = createSchema()
    fieldsOf(schema, 'ConnectionLog')['profileId']!.extensions = { source: { property: 'accountId' } }
    const { text, executed } = await waysOf(
      app,
      schema,
    )({ query: '{ connectionLogs { logs { profileId } } }' })
    expect(text?.status).toBe(200)
    expect(text).not.toEqual(await executed())
  })

  it.each(['ConnectionLog', 'ConnectionSuccess', 'ConnectionError', 'ConnectionContext'])(
    'every field of %s has a source, or is listed as executed',
    async (type) => {
      const ask = waysOf(app)
      const parent = { ConnectionSuccess: 'success', ConnectionError: 'error', ConnectionContext: 'context' }[
        type
      ]
      const found: string[] = []
      for (const [name, field] of Object.entries(fieldsOf(createSchema(), type))) {
        const selection =
          'getFields' in field.type || isObjectType(field.type) ? `${name} { __typename }` : name
        const whole = parent === undefined ? nestedSelection(name, selection) : `${parent} { ${selection} }`
        const { text } = await ask({ query: `{ connectionLogs { logs { ${whole} } } }` }, { userId: 'u1' })
        if (!text) found.push(`${type}.${name}`)
      }
      expect(
        found,
        'these fields make every page that has them slow: give them `extensions: readFrom(…)`, or list them here',
      ).toEqual(EXECUTED_FIELDS.filter((field) => field.startsWith(`${type}.`)))
    },
  )
})

const nestedSelection = (name: string, selection: string) =>
  ['success', 'error', 'context'].includes(name) ? `${name} { __typename }` : selection

function fieldsOf(schema: GraphQLSchema, name: string) {
  const type = schema.getType(name)
  if (!isObjectType(type)) throw new TypeError(`${name} is no object type`)
  return type.getFields()
}

it('asks a database that fails once, and tells of the failure as execution does', async () => {
  const app = await startTestApp('sqlite')
  const asked: string[] = []
  const unavailable = async (way: string): Promise<never> => {
    asked.push(way)
    throw new AppError('SERVICE_UNAVAILABLE', 'The database cannot be reached.', { retryAfterSeconds: 2 })
  }
  const schema = createSchema()
  const graphql = createGraphql({
    schema,
    gate: quietGate(schema),
    findDocument: createDocumentFinder(new Map(), false),
    maxCost: 1_000,
    introspection: true,
    endpoint: '/graphql',
    maxBodyBytes: 10_000,
    heartbeatMs: 15_000,
    maxResponseBytes: 16_777_216,
    clock: systemClock,
    yieldIfLong: NEVER_YIELDS,
    logger: silentLogger,
  })
  const answer = await graphql(
    new Request('http://connlog.test/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ connectionLogs { logs { id } } }' }),
    }),
    {
      requestId: 'r1',
      principal: OPERATOR,
      rateLimit: () => null,
      pay: () => undefined,
      enter: () => undefined,
      readBody: async () => Buffer.from(JSON.stringify({ query: '{ connectionLogs { logs { id } } }' })),
      lastEventId: null,
      subscription: {},
      connectionLogs: {
        ...app.connectionLogs,
        page: () => unavailable('page'),
        pageText: () => unavailable('pageText'),
      },
      managedKeys: app.managedKeysOf(OPERATOR),
    },
  )
  expect(await answer.json()).toMatchObject({
    errors: [{ path: ['connectionLogs'], extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 2 } }],
  })
  expect(asked).toEqual(['pageText'])
})
