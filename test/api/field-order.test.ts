import fc from 'fast-check'
import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  Kind,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isObjectType,
  parse,
} from 'graphql'
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js'
import { describe, expect, it } from 'vitest'
import { createSchema } from '../../src/schema.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { nastyLogs } from '../support/nasty-logs.ts'
import { type RandomRequest, randomRequests } from '../support/random-documents.ts'

const NOW = Date.UTC(2026, 10, 20, 0, 0, 30)
const SEED = 20_261_201

/** Fields of objects with what can be inside them. Some are at hand, and others wait for one or two statements. */
interface Choices {
  readonly [field: string]: Choices | null
}
const LOG: Choices = { id: null, platform: null, error: { code: null, message: null }, __typename: null }
const QUERY: Choices = {
  __typename: null,
  viewer: { userId: null, rateLimit: { limit: null, remaining: null }, scopes: null, __typename: null },
  connectionLogFeedCursor: null,
  'connectionLog(id: "nope")': LOG,
  'node(id: "nope")': { id: null, __typename: null },
  connectionStats: {
    errorCodes: { total: null, code: null },
    total: null,
    durationMs: { p95: null, count: null },
    byPlatform: { total: null, platform: null },
    series: { total: null, start: null },
    __typename: null,
  },
  'connectionLogs(limit: 3)': { logs: LOG, pagination: { pages: null, total: null }, __typename: null },
  'connectionLogsByCursor(first: 3)': {
    totalCount: null,
    nodes: LOG,
    pageInfo: { startCursor: null, hasNextPage: null },
    edges: { node: LOG, cursor: null },
  },
  apiKeys: { apiKeys: { name: null, id: null }, pagination: { total: null } },
}

/** Some of the fields in any order, now and then inside a fragment. @param type the name of the object's type, if known */
function selection(choices: Choices, type?: string): fc.Arbitrary<string> {
  const names = Object.keys(choices)
  return fc
    .shuffledSubarray(names, { minLength: 1, maxLength: Math.min(names.length, 6) })
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((name) => {
          const inside = choices[name]
          const field = inside ? selection(inside).map((text) => `${name} ${text}`) : fc.constant(name)
          const around = type === undefined ? '...' : `... on ${type}`
          return fc
            .tuple(field, fc.integer({ min: 0, max: 5 }))
            .map(([text, dice]) => (dice === 0 ? `${around} { ${text} }` : text))
        }),
      ),
    )
    .map((parts) => `{ ${parts.join(' ')} }`)
}

/** Where the answer has not the keys that the selection has, in the order of the selection. */
function misplaced(schema: GraphQLSchema, asked: RandomRequest, data: unknown): string[] {
  const document = parse(asked.query)
  const operation = getOperationAST(document, asked.operationName)!
  const { coerced = {} } = getVariableValues(
    schema,
    operation.variableDefinitions ?? [],
    asked.variables ?? {},
  )
  const fragments: Record<string, FragmentDefinitionNode> = {}
  for (const one of document.definitions)
    if (one.kind === Kind.FRAGMENT_DEFINITION) fragments[one.name.value] = one
  const found: string[] = []

  function compare(
    type: GraphQLObjectType,
    fields: Map<string, readonly FieldNode[]>,
    value: object,
    at: string,
  ) {
    const [keys, expected] = [Object.keys(value).join(' '), [...fields.keys()].join(' ')]
    if (keys !== expected) found.push(`${at}: ${keys} for ${expected}`)
    for (const [key, nodes] of fields) {
      const field = type.getFields()[nodes[0]!.name.value]
      const inner = field && getNamedType(field.type)
      if (!isObjectType(inner)) continue
      const within = collectSubfields(schema, fragments, coerced, inner, nodes)
      const values = [(value as Record<string, unknown>)[key]].flat()
      for (const one of values)
        if (typeof one === 'object' && one !== null) compare(inner, within, one, `${at}.${key}`)
    }
  }

  const query = schema.getQueryType()!
  if (typeof data === 'object' && data !== null)
    compare(query, collectFields(schema, fragments, coerced, query, operation.selectionSet), data, 'data')
  return found
}

describe.each(PROVIDERS)('the fields of an answer on %s', (provider) => {
  const started = async (): Promise<TestApp> => {
    const app = await startTestApp(provider, { clock: createTestClock(NOW) })
    const logs = fc.sample(nastyLogs(NOW), { seed: SEED, numRuns: 30 })
    await app.connectionLogs.recordEach(logs.map((value) => ({ value: { ...value, userId: 'u1' }, at: '' })))
    return app
  }
  const schema = createSchema()

  async function answer(app: TestApp, key: string, asked: RandomRequest, accept: string): Promise<string> {
    const headers = { accept, 'content-type': 'application/json' }
    const response = await app.send(key, '/graphql', { method: 'POST', headers, body: JSON.stringify(asked) })
    return response.text()
  }

  it('come in the order of the selection, whichever of them is ready first', async () => {
    const app = await started()
    const key = await app.key('u1')
    await fc.assert(
      fc.asyncProperty(selection(QUERY, 'Query'), async (query) => {
        const { data, errors } = JSON.parse(await answer(app, key, { query }, 'application/json'))
        expect(errors).toBeUndefined()
        expect(misplaced(schema, { query }, data)).toEqual([])
        const [, line = ''] =
          /^data: (.*)$/m.exec(await answer(app, key, { query }, 'text/event-stream')) ?? []
        expect(misplaced(schema, { query }, JSON.parse(line).data)).toEqual([])
      }),
      { numRuns: 40, seed: SEED },
    )
  })

  it('come in the order of the selection in pages that the database writes', async () => {
    const app = await started()
    const key = await app.key(null)
    let compared = 0
    await fc.assert(
      fc.asyncProperty(randomRequests(schema, NOW), async (asked) => {
        const { data } = JSON.parse(await answer(app, key, asked, 'application/json'))
        if (!data) return
        compared += 1
        expect(misplaced(schema, asked, data)).toEqual([])
      }),
      { numRuns: 60, seed: SEED },
    )
    expect(compared).toBeGreaterThan(20)
  })

  it('come in the order of the selection in answers of mutations', async () => {
    const app = await started()
    const key = await app.key(null)
    const names = fc.sample(fc.shuffledSubarray(['a', 'b', 'c', '__typename'], { minLength: 4 }), {
      numRuns: 3,
      seed: SEED,
    })
    for (const order of names) {
      const fields = order.map((name) =>
        name.startsWith('_') ? name : `${name}: cleanupExpiredConnectionLogs(dryRun: true) { dryRun }`,
      )
      const { data } = await app.gql(key, `mutation { ${fields.join(' ')} }`)
      expect(Object.keys(data)).toEqual(order)
    }
  })
})
