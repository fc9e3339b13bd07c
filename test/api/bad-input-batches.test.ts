import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  DOORS,
  LOGS,
  type World,
  assertClean,
  get,
  logText,
  post,
  startWorld,
  thrown,
} from '../support/bad-input-doors.ts'
import { PROVIDERS } from '../support/databases.ts'
import { textExpected } from '../support/bad-input-words.ts'

const POSITIONS = [0, 1, 2, 3, 4]
const RECORD_MANY =
  'mutation($inputs: [RecordConnectionLogInput!]!) { recordConnectionLogs(inputs: $inputs) { created } }'

/** Five logs as JSON, with `wrong` in one place. */
const five = (notation: 'json' | 'variable', wrong: string, position: number) =>
  POSITIONS.map((index) => (index === position ? wrong : logText(notation)))

/** Wrong items: as JSON, for GraphQL, and the sentence after the name of the item. */
const WRONG_ITEMS = [
  {
    what: 'a value out of range',
    json: logText('json', 'durationMs', '-1'),
    variable: logText('variable', 'durationMs', '-1'),
    sentence: '.durationMs` to be a whole number from 0 to 2147483647, got -1.',
  },
  {
    what: 'an expired instant',
    json: logText('json', 'createdAt', '"2026-06-08T12:00:00.000Z"'),
    variable: logText('variable', 'createdAt', '"2026-06-08T12:00:00.000Z"'),
    sentence:
      '.createdAt` to be later than 2026-06-08T12:00:00.000Z (7 days ago) and at most 5 minutes ahead, got "2026-06-08T12:00:00.000Z".',
  },
  {
    what: 'U+0000',
    json: logText('json', 'accountId', '"\\u0000"'),
    variable: logText('variable', 'accountId', '"\\u0000"'),
    sentence: `.accountId\` to be ${textExpected(128, 1)}, got "\\u0000".`,
  },
]

describe.each(PROVIDERS)('a batch with a wrong log on %s', (provider) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(provider)
  })
  afterAll(async () => world.stop())

  const graphql = (inputs: string, key?: string) =>
    post(
      world,
      '/graphql',
      `{"query":${JSON.stringify(RECORD_MANY)},"variables":{"inputs":${inputs}}}`,
      undefined,
      key,
    )

  describe.each(WRONG_ITEMS)('$what', ({ json, variable, sentence }) => {
    it.each(POSITIONS)('at place %i: nothing is stored, and the answer names the place', async (position) => {
      const before = await world.stored()

      const rest = await post(world, LOGS, `[${five('json', json, position).join(',')}]`)
      expect(rest.status).toBe(400)
      expect(rest.text).toBe(JSON.stringify({ error: `Expected \`[${position}]${sentence}` }))

      const ours = await graphql(`[${five('variable', variable, position).join(',')}]`)
      expect(ours.sentence).toBe(`Expected \`inputs[${position}]${sentence}`)
      expect(JSON.parse(ours.text).errors[0].extensions).toEqual({ code: 'BAD_USER_INPUT', index: position })

      const events = JSON.parse(`[${five('json', json, position).join(',')}]`)
      await expect(world.connlog.record(events)).rejects.toMatchObject({
        code: 'BAD_USER_INPUT',
        index: position,
        message: `Expected \`[${position}]${sentence}`,
      })
      expect(await world.stored()).toBe(before)
    })

    it.each(POSITIONS)('in line %i of NDJSON: only that line is refused', async (position) => {
      const before = await world.stored()
      const { status, text } = await post(
        world,
        LOGS,
        five('json', json, position).join('\n'),
        'application/x-ndjson',
      )
      expect(status).toBe(200)
      expect(JSON.parse(text)).toEqual({
        accepted: 4,
        duplicates: 0,
        rejected: 1,
        errors: [{ line: position + 1, error: `Expected \`${sentence.slice(1)}` }],
      })
      expect(await world.stored()).toBe(before + 4)
    })
  })

  it.each(POSITIONS)('a conflicting event id at place %i: nothing is stored', async (position) => {
    const eventId = `conflict-${position}`
    const first = logText('json', 'eventId', `"${eventId}"`)
    expect((await post(world, LOGS, first)).status).toBe(200)
    const before = await world.stored()
    const sentence = (field: string) =>
      `Expected \`${field}\` to be new or to repeat the log that it was first sent with, got "${eventId}" with other content.`
    const other = first.replace('"instagram"', '"tiktok"')
    const others = five('json', other, position)

    const rest = await post(world, LOGS, `[${others.join(',')}]`)
    expect([rest.status, rest.text]).toEqual([
      409,
      JSON.stringify({ error: sentence(`[${position}].eventId`) }),
    ])
    const ours = await graphql(
      `[${five('variable', logText('variable', 'eventId', `"${eventId}"`).replace('INSTAGRAM', 'TIKTOK'), position).join(',')}]`,
    )
    expect(JSON.parse(ours.text).errors[0]).toMatchObject({
      message: sentence(`inputs[${position}].eventId`),
      extensions: { code: 'CONFLICT', index: position },
    })
    await expect(world.connlog.record(JSON.parse(`[${others.join(',')}]`))).rejects.toMatchObject({
      code: 'CONFLICT',
      message: sentence(`[${position}].eventId`),
      index: position,
    })
    expect(await world.stored()).toBe(before)

    const lines = await post(world, LOGS, others.join('\n'), 'application/x-ndjson')
    expect(JSON.parse(lines.text)).toMatchObject({
      accepted: 4,
      rejected: 1,
      errors: [{ line: position + 1, error: sentence('eventId') }],
    })
    expect(await world.stored()).toBe(before + 4)
  })

  it('two logs of one list that contradict each other: nothing is stored', async () => {
    const before = await world.stored()
    const log = logText('json', 'eventId', '"twice"')
    const { status, sentence } = await post(world, LOGS, `[${log},${log.replace('instagram', 'reddit')}]`)
    expect([status, sentence]).toEqual([
      409,
      'Expected `[1].eventId` to be new or to repeat the log that it was first sent with, got "twice" with other content.',
    ])
    expect(await world.stored()).toBe(before)
  })

  it('1,000 logs are taken and 1,001 are not, at every door', async () => {
    const logs = (count: number, notation: 'json' | 'variable') =>
      `[${Array.from({ length: count }, () => logText(notation)).join(',')}]`
    const before = await world.stored()
    expect(await post(world, LOGS, logs(1_001, 'json'))).toMatchObject({
      status: 400,
      sentence: 'Expected `body` to be one log or a list of at most 1000, got 1001.',
    })
    expect(await graphql(logs(1_001, 'variable'))).toMatchObject({
      code: 'BAD_USER_INPUT',
      sentence: 'Expected `inputs` to be a list of at most 1000 logs, got 1001.',
    })
    expect(await thrown(world.connlog.record(JSON.parse(logs(1_001, 'json'))))).toMatchObject({
      code: 'BAD_USER_INPUT',
      sentence: 'Expected `events` to be a list of at most 1000 logs, got 1001.',
    })
    expect(await world.stored()).toBe(before)
    expect((await post(world, LOGS, logs(1_000, 'json'))).status).toBe(200)
    expect((await graphql(logs(1_000, 'variable'))).sentence).toBe('')
    expect(await world.stored()).toBe(before + 2_000)
  })

  it.each(['null', '5', '"x"', '[]', 'true'])('an item that is no object: %s', async (item) => {
    const before = await world.stored()
    const rest = await post(world, LOGS, `[${logText('json')},${item}]`)
    expect(rest.status).toBe(400)
    expect(rest.sentence).toMatch(/^Expected `\[1\]` to be an object with fields of _id, eventId, /)
    expect(rest.sentence.endsWith(`, got ${item}.`)).toBe(true)
    const ours = await graphql(`[${logText('variable')},${item}]`)
    expect(ours).toMatchObject({
      code: 'BAD_USER_INPUT',
      sentence: `Variable "$inputs" got invalid value ${item} at "inputs[1]"; ${
        item === 'null'
          ? 'Expected non-nullable type "RecordConnectionLogInput!" not to be null.'
          : 'Expected type "RecordConnectionLogInput" to be an object.'
      }`,
    })
    const lines = await post(world, LOGS, item, 'application/x-ndjson')
    expect(lines.sentence).toMatch(/^Expected `body` to be an object with fields of /)
    for (const { text } of [rest, ours, lines]) assertClean(text)
    expect(await world.stored()).toBe(before)
  })

  describe("another user's log with the key of a user", () => {
    it.each(DOORS.filter(({ name }) => name !== 'record()'))('is refused through $name', async (door) => {
      const before = await world.stored()
      const key = await world.app.key('u1')
      const answer = await door.send({ ...world, key }, logText(door.notation, 'userId', '"u2"'))
      const field = `${door.at}userId`
      expect(answer.sentence).toBe(`Expected \`${field}\` to be the key's own user or absent, got "u2".`)
      expect(answer.code).toBe(door.name.startsWith('REST') ? '' : 'FORBIDDEN')
      if (door.refusal === 400) expect(answer.status).toBe(403)
      assertClean(answer.text)
      expect(await world.stored()).toBe(before)
    })
  })

  it.each(['platform', 'eventType', 'connectionMethod'])('a log without its %s', async (field) => {
    const before = await world.stored()
    const without = (notation: 'json' | 'variable') => {
      const log = JSON.parse(logText(notation)) as Record<string, unknown>
      delete log[field]
      return JSON.stringify(log)
    }
    const rest = await post(world, LOGS, without('json'))
    expect(rest.sentence).toMatch(new RegExp(`^Expected \`${field}\` to be one of .*, got nothing\\.$`))
    const ours = await graphql(`[${without('variable')}]`)
    expect(ours.sentence).toMatch(/^Variable "\$inputs" got invalid value .* at "inputs\[0\]"; /)
    expect(ours.sentence).toMatch(
      new RegExp(`Field "${field}" of required type "[A-Z]\\w+!" was not provided\\.$`),
    )
    expect(await world.stored()).toBe(before)
  })

  it('names like those of every object are names like others', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const log = logText('json', 'eventId', `"${name}"`)
      expect(JSON.parse((await post(world, LOGS, log)).text)).toMatchObject({ accepted: 1 })
      expect(JSON.parse((await post(world, LOGS, log)).text)).toMatchObject({ duplicates: 1 })
    }
    const metadata = '{"__proto__":{"a":1},"constructor":{"prototype":2},"toString":null}'
    const { text } = await post(world, LOGS, logText('json', 'metadata', metadata))
    expect(text).toContain(`"metadata":${metadata}`)
    expect((await get(world, `${LOGS}?limit=1`)).text).toContain(`"metadata":${metadata}`)
    expect(Object.keys({})).toEqual([])
  })

  it('a value nested too deeply to be walked is refused like any other', async () => {
    const before = await world.stored()
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const tooDeep = 'Expected the body to be JSON nested at most 64 deep, got deeper JSON.'
    const brackets = '['.repeat(62) + ']'.repeat(62)
    for (const field of ['durationMs', 'platform', 'success', 'metadata', 'userId']) {
      const { status, sentence } = await post(world, LOGS, logText('json', field, brackets))
      expect(status).toBe(400)
      expect(sentence).toMatch(new RegExp(`^Expected \`${field}\` to be .*, got a list of 1\\.$`))
      expect((await post(world, LOGS, logText('json', field, deep))).sentence).toBe(tooDeep)
    }
    const metadata = await post(world, LOGS, logText('json', 'metadata', `{"a":${brackets}}`))
    expect(metadata.sentence).toBe(
      'Expected `metadata` to be an object nested at most 10 deep, got a deeper one.',
    )
    expect((await post(world, LOGS, deep)).sentence).toBe(tooDeep)
    expect((await post(world, LOGS, '['.repeat(64))).sentence).toMatch(/got only its beginning/)
    const lines = `${logText('json', 'metadata', deep)}\n${logText('json', 'durationMs', deep)}\n`
    expect(JSON.parse((await post(world, LOGS, lines, 'application/x-ndjson')).text)).toMatchObject({
      accepted: 0,
      rejected: 2,
    })
    expect((await graphql(`[${logText('variable', 'durationMs', deep)}]`)).sentence).toBe(tooDeep)
    const variable = await graphql(`[${logText('variable', 'durationMs', '['.repeat(60) + ']'.repeat(60))}]`)
    expect(variable.sentence).toContain(
      ' at "inputs[0].durationMs"; Int cannot represent non-integer value: ',
    )
    expect(await world.stored()).toBe(before)
  })

  it('an unknown field or value of a megabyte is refused in a short sentence', async () => {
    const long = 'k'.repeat(1_000_000)
    const rest = await post(world, LOGS, logText('json', long, '1'))
    expect(rest.sentence.endsWith('got an unknown field, whose name is text of 1000000 characters.')).toBe(
      true,
    )
    for (const [field, json] of [
      ['durationMs', `"${long}"`],
      ['platform', `"${long}"`],
      ['createdAt', `"${long}"`],
      ['error', `"${long}"`],
      [long, '1'],
    ] as const) {
      const { sentence } = await graphql(`[${logText('variable', field, json)}]`)
      expect(sentence.length).toBeLessThan(1_100)
      expect(sentence).toContain(
        field === long ? 'to have at most 16384 characters, got 1000000.' : ` at "inputs[0].${field}"; `,
      )
    }
  })

  it('what looks like secrets without end takes no time without end', async () => {
    for (const raw of [
      'eyJ-'.repeat(250_000),
      `password=${'\\\\'.repeat(200_000)}'${'\\\\'.repeat(200_000)}`,
    ]) {
      expect((await post(world, LOGS, logText('json', 'error.rawResponse', `"${raw}"`))).status).toBe(200)
    }
  })

  it.each([
    ['nothing', undefined, 'nothing'],
    ['null', null, 'null'],
    ['a number', 5, '5'],
    ['a text', 'x', '"x"'],
  ])('record() of %s', async (_, value, came) => {
    const { code, sentence } = await thrown(world.connlog.record(value as never))
    expect(code).toBe('BAD_USER_INPUT')
    expect(sentence).toMatch(/^Expected `body` to be an object with fields of _id, eventId, /)
    expect(sentence.endsWith(`, got ${came}.`)).toBe(true)
  })

  it('record() refuses what JSON cannot hold', async () => {
    const before = await world.stored()
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    const log = JSON.parse(logText('json')) as object
    for (const [field, value, came] of [
      ['metadata', circle, 'a deeper one'],
      ['metadata.a', 5n, 'a bigint'],
      ['metadata.a', () => 5, 'a function'],
      ['metadata.a', Number.NaN, 'NaN'],
      ['metadata', new Date(0), '1970-01-01T00:00:00.000Z'],
      ['durationMs', 5n, '5'],
      ['durationMs', Number.NaN, 'NaN'],
      ['createdAt', new Date(0), '1970-01-01T00:00:00.000Z'],
      ['createdAt', new Date(Number.NaN), 'an invalid date'],
      ['eventId', Symbol('x'), 'a symbol'],
      ['userId', () => 5, 'a function'],
    ] as const) {
      const part = field === 'metadata.a' ? { metadata: { a: value } } : { [field]: value }
      const { code, sentence } = await thrown(world.connlog.record({ ...log, ...part } as never))
      expect(code).toBe('BAD_USER_INPUT')
      expect(sentence.startsWith(`Expected \`${field}\` to be `)).toBe(true)
      expect(sentence.endsWith(`, got ${came}.`)).toBe(true)
    }
    expect(await world.stored()).toBe(before)
  })

  it('left nothing in the log of the service', () => {
    expect(world.app.logged.filter(({ level }) => level !== 'info')).toEqual([])
  })
})
