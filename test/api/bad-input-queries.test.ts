import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { textExpected } from '../support/bad-input-words.ts'
import {
  LOGS,
  type World,
  assertClean,
  literal,
  logText,
  post,
  startWorld,
} from '../support/bad-input-doors.ts'
import { PROVIDERS } from '../support/databases.ts'

/** An argument with a wrong value in JSON, and what is said of it: by us, or by GraphQL of literals and variables. */
interface WrongArgument {
  readonly argument: string
  readonly json: string
  /** How our sentence goes on after "Expected `argument`"; with a name where it is not that of the argument. */
  readonly sentence?: string
  readonly literal?: string
  readonly variable?: string
}

const FOUR_DIGITS = 'an instant in the years 1 to 9999 of UTC'
const INSTANT = 'an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z'
const SURROGATE = 'Syntax Error: Invalid Unicode escape sequence: "\\ud800".'
const both = (reason: string) => ({ literal: reason, variable: reason })
const notAnInt = (json: string, bits = false) =>
  both(`Int cannot represent ${bits ? 'non 32-bit signed integer' : 'non-integer'} value: ${json}`)
const list = (json: string, length: number) => `[${Array.from({ length }, () => json).join(',')}]`

const paging = (
  [
    ['days', 1, 7],
    ['limit', 1, 100],
    ['skip', 0, 2_147_483_647],
  ] as const
).flatMap(([argument, min, max]): WrongArgument[] => [
  ...[min - 1, -1, -2_147_483_648, ...(max < 1_000 ? [max + 1, 2_147_483_647] : [])].map((value) => ({
    argument,
    json: String(value),
    sentence: `to be a whole number from ${min} to ${max}, got ${value}.`,
  })),
  ...['2147483648', '-2147483649'].map((json) => ({ argument, json, ...notAnInt(json, true) })),
  ...['1.5', '"5"', '""', 'true', '"1e2"'].map((json) => ({ argument, json, ...notAnInt(json) })),
  { argument, json: '[1]', ...notAnInt('a list') },
])

const ids = ['profileId', 'accountId', 'userId', 'errorCode'].flatMap((name): WrongArgument[] => {
  const argument = `filter.${name}`
  const wrong = (json: string, came = json, index = 0) => ({
    argument,
    json,
    sentence: `[${index}]\` to be ${textExpected(128, 1)}, got ${came}.`,
  })
  return [
    wrong('""'),
    wrong('["a",""]', '""', 1),
    wrong('"\\u0000"'),
    { ...wrong('["a","b","\\ud800"]', '"\\ud800"', 2), literal: SURROGATE },
    wrong(`"${'x'.repeat(129)}"`, 'text of 129 characters'),
    { argument, json: list('"a"', 101), sentence: '` to be a list of at most 100 values, got 101.' },
    name === 'errorCode'
      ? { argument, json: '5', ...both('String cannot represent a non string value: 5') }
      : {
          argument,
          json: 'true',
          literal: 'ID cannot represent a non-string and non-integer value: true',
          variable: 'ID cannot represent value: true',
        },
    {
      argument: `${argument}[1]`,
      json: '["a",null]',
      literal: `Expected value of type "${name === 'errorCode' ? 'String' : 'ID'}!", found null.`,
      variable: `Expected non-nullable type "${name === 'errorCode' ? 'String' : 'ID'}!" not to be null.`,
    },
  ]
})

const enums = (
  [
    ['platform', 'Platform'],
    ['eventType', 'ConnectionEventType'],
    ['connectionMethod', 'ConnectionMethod'],
    ['status', 'ConnectionStatus'],
  ] as const
).flatMap(([name, type]): WrongArgument[] => [
  ...['"myspace"', '""', '"a\\u0000"', '"__proto__"'].map((json) => ({
    argument: `filter.${name}`,
    json,
    literal: `Enum "${type}" cannot represent non-enum value: ${json}.`,
    variable: `Value "${JSON.parse(json)}" does not exist in "${type}" enum.`,
  })),
  {
    argument: `filter.${name}`,
    json: '5',
    literal: `Enum "${type}" cannot represent non-enum value: 5.`,
    variable: `Enum "${type}" cannot represent non-string value: 5.`,
  },
])

const instants = ['createdAfter', 'createdBefore'].flatMap((name) =>
  [
    '"2026-06-15"',
    '"2026-06-15T12:00:00"',
    '"2026-02-30T12:00:00Z"',
    '"0000-01-01T00:00:00Z"',
    '"9999-12-31T23:59:59-23:59"',
    '"yesterday"',
    '""',
    '"\\u0000"',
    '1781524800000',
    'true',
    '["2026-06-15T12:00:00Z"]',
  ].map((json): WrongArgument => ({
    argument: `filter.${name}`,
    json,
    ...both(
      `Expected ${/"0000|"9999/.test(json) ? FOUR_DIGITS : INSTANT}, got ${json.startsWith('[') ? 'a list of 1' : json}.`,
    ),
  })),
)

const search = (json: string, expected: string, came = json) => ({
  argument: 'filter.search',
  json,
  sentence: `\` to be ${expected}, got ${came}.`,
})
const searches: readonly WrongArgument[] = [
  search('"!!! --- …"', 'words with at least one letter or digit'),
  search('"a b c d e f g h i j k"', 'at most 10 words'),
  search(`"${'x'.repeat(65)}"`, 'words of at most 64 characters', 'text of 65 characters'),
  search(`"${'x '.repeat(128)}x"`, textExpected(256), 'text of 257 characters'),
  search('"a\\u0000b"', textExpected(256)),
  { ...search('"a\\ud800"', textExpected(256)), literal: SURROGATE },
  { argument: 'filter.search', json: '5', ...both('String cannot represent a non string value: 5') },
  { argument: 'filter.search', json: '["a"]', ...both('String cannot represent a non string value: a list') },
]

const filters = ['5', '"x"', 'true', '[]'].map((json): WrongArgument => ({
  argument: 'filter',
  json,
  literal: `Expected value of type "ConnectionLogFilter", found ${json}.`,
  variable: 'Expected type "ConnectionLogFilter" to be an object.',
}))

const WRONG_ARGUMENTS: readonly WrongArgument[] = [
  ...paging,
  ...ids,
  ...enums,
  ...instants,
  ...searches,
  ...filters,
  {
    argument: 'filter.platform',
    json: list('"TIKTOK"', 101),
    sentence: '` to be a list of at most 100 values, got 101.',
  },
]

const WITH_VARIABLES = `query($filter: ConnectionLogFilter, $days: Int, $limit: Int, $skip: Int) {
  connectionLogs(filter: $filter, days: $days, limit: $limit, skip: $skip) { pagination { total } } }`

const answers: Record<(typeof PROVIDERS)[number], Map<string, string>> = {
  sqlite: new Map(),
  postgres: new Map(),
}

describe.each(PROVIDERS)('a wrong question on %s', (provider) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(provider)
    await post(world, LOGS, logText('json', 'userId', '"u1"'))
  })
  afterAll(async () => world.stop())

  const graphql = async (query: string, variables = '{}', key?: string) => {
    const body = `{"query":${JSON.stringify(query)},"variables":${variables}}`
    const answer = await post(world, '/graphql', body, undefined, key)
    assertClean(answer.text)
    answers[provider].set(body, `${answer.status} ${answer.text}`)
    return answer
  }

  const cases = WRONG_ARGUMENTS.map(
    (wrong) =>
      [wrong.argument, wrong.json.length > 40 ? `${wrong.json.slice(0, 40)}…` : wrong.json, wrong] as const,
  )
  const argumentText = ({ argument, json }: WrongArgument, style: 'json' | 'literal') => {
    const [outer = '', inner] = argument.replace(/\[\d+\]$/, '').split('.')
    if (style === 'json') return `{"${outer}":${inner === undefined ? json : `{"${inner}":${json}}`}}`
    const isEnumList = json.startsWith('["TIKTOK"')
    const value = isEnumList ? json.replaceAll('"', '') : literal(JSON.parse(json))
    return `${outer}: ${inner === undefined ? value : `{ ${inner}: ${value} }`}`
  }
  const ours = ({ argument, sentence = '' }: WrongArgument) =>
    `Expected \`${argument}${/^[`[]/.test(sentence) ? '' : '` '}${sentence}`

  it.each(cases)('in a literal: %s %s', async (_, __, wrong) => {
    const { code, sentence } = await graphql(
      `{ connectionLogs(${argumentText(wrong, 'literal')}) { pagination { total } } }`,
    )
    expect(code).toBe('BAD_USER_INPUT')
    if (wrong.literal === undefined) expect(sentence).toBe(ours(wrong))
    else if (wrong.literal.startsWith('Syntax Error')) expect(sentence).toBe(wrong.literal)
    else expect(sentence).toBe(`Wrong value for \`${wrong.argument}\`: ${wrong.literal}`)
  })

  it.each(cases)('in a variable: %s %s', async (_, __, wrong) => {
    const { code, sentence } = await graphql(WITH_VARIABLES, argumentText(wrong, 'json'))
    expect(code).toBe('BAD_USER_INPUT')
    if (wrong.variable === undefined) expect(sentence).toBe(ours(wrong))
    else {
      const [variable = '', inner] = wrong.argument.split('.')
      const at = inner === undefined ? '' : ` at "${wrong.argument}"`
      expect(sentence.startsWith(`Variable "$${variable}" got invalid value `)).toBe(true)
      expect(sentence.endsWith(`${at}; ${wrong.variable}`)).toBe(true)
    }
  })

  it.each(['foo', '__proto__', 'constructor', 'Platform'])(
    'an unknown part of the filter: %s',
    async (name) => {
      const literally = await graphql(`{ connectionLogs(filter: { ${name}: 1 }) { pagination { total } } }`)
      expect(literally.sentence).toMatch(
        new RegExp(
          `^Wrong value for \`filter.${name}\`: Field "${name}" is not defined by type "ConnectionLogFilter"\\.`,
        ),
      )
      const variable = await graphql(WITH_VARIABLES, `{"filter":{"${name}":1}}`)
      expect(variable.sentence).toMatch(
        new RegExp(
          `^Variable "\\$filter" got invalid value .*; Field "${name}" is not defined by type "ConnectionLogFilter"\\.`,
        ),
      )
    },
  )

  it('an unknown argument, field and enum value', async () => {
    expect((await graphql('{ connectionLogs(page: 1) { pagination { total } } }')).sentence).toContain(
      'Unknown argument "page" on field "Query.connectionLogs".',
    )
    expect((await graphql('{ connectionLogs { data { id } } }')).sentence).toContain(
      'Cannot query field "data" on type "ConnectionLogPage".',
    )
    expect(
      (await graphql('{ connectionLogs(filter: { platform: MYSPACE }) { logs { id } } }')).sentence,
    ).toBe('Wrong value for `filter.platform`: Value "MYSPACE" does not exist in "Platform" enum.')
    expect(
      (await graphql('{ connectionLogs(filter: { platform: [TIKTOK, instagram] }) { logs { id } } }'))
        .sentence,
    ).toBe(
      'Wrong value for `filter.platform[1]`: Value "instagram" does not exist in "Platform" enum. Did you mean the enum value "INSTAGRAM"?',
    )
  })

  it('userId with the key of a user', async () => {
    const key = await world.app.key('u1')
    for (const userId of ['"u1"', '"u2"', '[]']) {
      const { code, sentence } = await graphql(WITH_VARIABLES, `{"filter":{"userId":${userId}}}`, key)
      expect([code, sentence]).toEqual([
        'FORBIDDEN',
        'Expected `filter.userId` to come with a service key, got the key of a user.',
      ])
    }
  })

  it('what is as far as it may go is answered', async () => {
    for (const argument of [
      'days: 7, limit: 100, skip: 2147483647',
      'days: null, limit: null, skip: null, filter: null',
      `filter: { profileId: ${list(`"${'€'.repeat(128)}"`, 100)} }`,
      `filter: { search: "${'x'.repeat(64)} b c d e f g h i j" }`,
      `filter: { search: "${'x '.repeat(10)}${' '.repeat(236)}" }`,
      'filter: { createdAfter: "0001-01-01T00:00:00Z", createdBefore: "9999-12-31T23:59:59.999Z" }',
      'filter: { platform: [], search: "" }',
    ]) {
      const { sentence } = await graphql(`{ connectionLogs(${argument}) { logs { createdAt } } }`)
      expect(sentence).toBe('')
    }
  })

  describe('connectionLog', () => {
    it.each([
      ['""', '""'],
      ['"\\u0000"', '"\\u0000"'],
      ['"a\\u0000b"', '"a\\u0000b"'],
      [`"${'x'.repeat(129)}"`, 'text of 129 characters'],
    ])('of the id %s', async (json, came) => {
      const sentence = `Expected \`id\` to be ${textExpected(128, 1)}, got ${came}.`
      const literally = await graphql(`{ connectionLog(id: ${json}) { id } }`)
      const variable = await graphql('query($id: ID!) { connectionLog(id: $id) { id } }', `{"id":${json}}`)
      for (const answer of [literally, variable])
        expect([answer.code, answer.sentence]).toEqual(['BAD_USER_INPUT', sentence])
    })

    it('of an id that is no text', async () => {
      const byVariable = async (json: string) =>
        (await graphql('query($id: ID!) { connectionLog(id: $id) { id } }', `{"id":${json}}`)).sentence
      expect(await byVariable('"\\ud800"')).toBe(
        `Expected \`id\` to be ${textExpected(128, 1)}, got "\\ud800".`,
      )
      expect(await byVariable('1.5')).toBe(
        'Variable "$id" got invalid value 1.5; ID cannot represent value: 1.5. Send an id as text: a number loses digits beyond 9007199254740991.',
      )
      expect(await byVariable('null')).toBe('Variable "$id" of non-null type "ID!" must not be null.')
      expect((await graphql('{ connectionLog(id: true) { id } }')).sentence).toBe(
        'Wrong value for `id`: ID cannot represent a non-string and non-integer value: true',
      )
      expect((await graphql('{ connectionLog { id } }')).sentence).toBe(
        'Field "connectionLog" argument "id" of type "ID!" is required, but it was not provided.',
      )
    })

    it('of an id that nothing has is null', async () => {
      for (const id of [
        '5',
        '"x"',
        `"${'€'.repeat(128)}"`,
        '"00000000-0000-7000-8000-000000000000"',
        '"ffffffff-ffff-7fff-bfff-ffffffffffff"',
        '"__proto__"',
      ])
        expect((await graphql(`{ connectionLog(id: ${id}) { id } }`)).text).toBe(
          '{"data":{"connectionLog":null}}',
        )
    })
  })

  it('left nothing in the log of the service', () => {
    expect(world.app.logged.filter(({ level }) => level !== 'info')).toEqual([])
  })
})

describe('wrong questions', () => {
  it('are refused with the same words on both databases', () => {
    expect(answers.postgres).toEqual(answers.sqlite)
    expect(answers.sqlite.size).toBeGreaterThan(250)
  })
})
