import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Answer,
  type World,
  assertClean,
  get,
  logText,
  post,
  startWorld,
} from '../support/bad-input-doors.ts'
import { PROVIDERS } from '../support/databases.ts'

const VIEWER = '{ viewer { userId } }'
const RECORD = `mutation { recordConnectionLog(input: ${logText('literal')}) { created } }`

describe.each(PROVIDERS)('a GraphQL request on %s', (provider) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(provider)
  })
  afterAll(async () => world.stop())

  async function refused(answer: Promise<Answer>, status: number, sentence: string, code = 'BAD_USER_INPUT') {
    const before = await world.stored()
    const { text, ...rest } = await answer
    assertClean(text)
    expect(rest).toEqual({ status, code, sentence })
    expect(await world.stored()).toBe(before)
  }
  const byPost = (body: unknown) =>
    post(world, '/graphql', typeof body === 'string' ? body : JSON.stringify(body))
  const byGet = (parameters: Record<string, string>) =>
    get(world, `/graphql?${new URLSearchParams(parameters)}`)

  const bodies: [string, unknown, string][] = [
    ['null', 'null', 'Expected `body` to be an object with the field query, got null.'],
    ['a number', '5', 'Expected `body` to be an object with the field query, got 5.'],
    [
      'a text',
      '"{ viewer { userId } }"',
      'Expected `body` to be an object with the field query, got text of 21 characters.',
    ],
    ['an empty batch', '[]', 'Expected `body` to be an object with the field query, got [].'],
    [
      'a batch',
      [{ query: VIEWER }, { query: RECORD }],
      `Expected \`body\` to be an object with the field query, got a list of 2.`,
    ],
    ['without a query', {}, 'Expected `query` to be the text of a GraphQL document, got nothing.'],
    [
      'with null for a query',
      { query: null },
      'Expected `query` to be the text of a GraphQL document, got nothing.',
    ],
    [
      'with a number for a query',
      { query: 5 },
      'Expected `query` to be the text of a GraphQL document, got 5.',
    ],
    [
      'with a list for a query',
      { query: [VIEWER] },
      'Expected `query` to be the text of a GraphQL document, got a list of 1.',
    ],
    [
      'with a list of variables',
      { query: VIEWER, variables: [] },
      'Expected `variables` to be an object, got [].',
    ],
    [
      'with a text of variables',
      { query: VIEWER, variables: '{}' },
      'Expected `variables` to be an object, got text of 2 characters.',
    ],
    [
      'with a number of variables',
      { query: VIEWER, variables: 0 },
      'Expected `variables` to be an object, got a number.',
    ],
    [
      'with a text of extensions',
      { query: VIEWER, extensions: 'x' },
      'Expected `extensions` to be an object, got text of 1 character.',
    ],
    [
      'with a number for a name',
      { query: VIEWER, operationName: 5 },
      'Expected `operationName` to be the name of an operation, got 5.',
    ],
    [
      'with the query in __proto__',
      `{"__proto__":{"query":${JSON.stringify(VIEWER)}}}`,
      'Expected `query` to be the text of a GraphQL document, got nothing.',
    ],
    [
      'with an empty query',
      { query: '' },
      'Expected `query` to be the text of a GraphQL document, got nothing.',
    ],
    [
      'with an unknown operation',
      { query: `query A ${VIEWER} query B ${VIEWER}`, operationName: 'C' },
      'Expected `operationName` to be one of A, B, got "C".',
    ],
    [
      'with several operations and no name',
      { query: `query A ${VIEWER} mutation B { cleanupExpiredConnectionLogs { deleted } }` },
      'Expected `operationName` to be one of A, B, got nothing.',
    ],
    [
      'without an operation',
      { query: 'fragment A on Query { viewer { userId } }' },
      'Expected `query` to have an operation, got none.',
    ],
    ['an unknown fragment', { query: '{ ...A }' }, 'Unknown fragment "A".'],
    [
      'two fragments of one name',
      { query: '{ ...A } fragment A on Query { viewer { userId } } fragment A on Query { viewer { name } }' },
      'There can be only one fragment named "A".',
    ],
    [
      'a circle of fragments',
      { query: '{ ...A } fragment A on Query { ...A }' },
      'Cannot spread fragment "A" within itself.',
    ],
    [
      'a circle of three fragments',
      {
        query:
          '{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } fragment C on Query { ...A }',
      },
      'Cannot spread fragment "A" within itself via "B", "C".',
    ],
  ]
  it.each(bodies)('%s', async (_, body, sentence) => {
    await refused(byPost(body), 400, sentence)
  })

  const documents: [string, string, string][] = [
    ['a document of blanks and comments', ' # nothing \n', 'Syntax Error: Unexpected <EOF>.'],
    ['a document that is cut off', '{ viewer {', 'Syntax Error: Expected Name, found <EOF>.'],
    ['a raw U+0000', '{ viewer\u0000 }', 'Syntax Error: Unexpected character: U+0000.'],
    ['a lone surrogate', '{ viewer \ud800 }', 'Syntax Error: Invalid character: U+D800.'],
    ['text of no language', 'SHOW TABLES;', 'Syntax Error: Unexpected Name "SHOW".'],
    ['an unknown field', '{ passwords { hash } }', 'Cannot query field "passwords" on type "Query".'],
    [
      'an unknown variable',
      'query { connectionLog(id: $id) { id } }',
      'Wrong value for `id`: Variable "$id" is not defined.',
    ],
    [
      'a default of a wrong type',
      'query($days: Int = "x") { connectionLogs(days: $days) { logs { id } } }',
      'Int cannot represent non-integer value: "x"',
    ],
  ]
  it.each(documents)('with %s', async (_, query, sentence) => {
    await refused(byPost({ query }), 200, sentence)
    await refused(byPost({ query }), 200, sentence)
  })

  it.each([41, 20_000])('with %i brackets', async (depth) => {
    const deep = [
      `{ connectionLogs(filter: { platform: ${'['.repeat(depth)}${']'.repeat(depth)} }) { logs { id } } }`,
      `mutation { recordConnectionLog(input: { metadata: ${'{a:'.repeat(depth)}1${'}'.repeat(depth)} }) { created } }`,
      `${'{ a '.repeat(depth)}${'}'.repeat(depth)}`,
      `query($a: ${'['.repeat(depth)}Int${']'.repeat(depth)}) { viewer { userId } }`,
    ]
    for (const query of deep)
      await refused(
        byPost({ query }),
        400,
        'Expected `query` to have at most 40 brackets inside each other, got more.',
        'TOO_COMPLEX',
      )
  })

  it('with ten wrong values answers with the length of each', async () => {
    const query = `{ ${Array.from({ length: 10 }, (_, n) => `a${n}: connectionLogs(days: "${'x'.repeat(1_000)}") { logs { id } }`).join(' ')} }`
    const { text, sentence } = await byPost({ query })
    expect(sentence).toBe(
      'Wrong value for `days`: Int cannot represent non-integer value: text of 1000 characters',
    )
    expect(text.length).toBeLessThan(4_000)
  })

  describe('by GET', () => {
    it('runs no mutation', async () => {
      await refused(byGet({ query: RECORD }), 405, 'Expected the method to be POST for a mutation, got GET.')
      await refused(
        byGet({ query: `query A ${VIEWER} mutation B ${RECORD.slice(9)}`, operationName: 'B' }),
        405,
        'Expected the method to be POST for a mutation, got GET.',
      )
    })

    it.each([
      [{}, 'Expected `query` to be the text of a GraphQL document, got nothing.'],
      [
        { query: VIEWER, variables: '{' },
        'Expected `variables` to be an object as JSON, got text of 1 character.',
      ],
      [{ query: VIEWER, variables: '[]' }, 'Expected `variables` to be an object, got [].'],
      [
        { query: VIEWER, extensions: 'x' },
        'Expected `extensions` to be an object as JSON, got text of 1 character.',
      ],
      [
        { query: `query A ${VIEWER}`, operationName: 'B' },
        'Expected `operationName` to be one of A, got "B".',
      ],
    ])('%j', async (parameters, sentence) => {
      await refused(byGet(parameters), 400, sentence)
    })

    it('is answered where nothing is wrong with it', async () => {
      const { text } = await byGet({ query: `query A ${VIEWER}`, operationName: 'A', variables: '{}' })
      expect(text).toBe('{"data":{"viewer":{"userId":null}}}')
    })
  })

  it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('by %s', async (method) => {
    for (const [path, allow, names] of [
      ['/graphql', 'GET, POST', 'GET or POST'],
      ['/api/v1/connections/logs', 'GET, HEAD, POST', 'GET, HEAD or POST'],
    ] as const) {
      const message = `Expected the method to be ${names}, got ${method}.`
      const response = await world.app.send(world.key, path, { method })
      expect([response.status, response.headers.get('allow'), await response.json()]).toEqual([
        405,
        allow,
        path === '/graphql'
          ? { errors: [{ message, extensions: { code: 'BAD_USER_INPUT' } }] }
          : { error: message },
      ])
    }
  })

  it('left nothing in the log of the service', () => {
    expect(world.app.logged.filter(({ level }) => level !== 'info')).toEqual([])
  })
})
