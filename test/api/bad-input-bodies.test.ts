import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOGS, type World, assertClean, get, logText, post, startWorld } from '../support/bad-input-doors.ts'
import { PROVIDERS } from '../support/databases.ts'

const MAX_BODY_BYTES = 4_194_304
const MAX_LINE_BYTES = 1_048_576
const NDJSON = 'application/x-ndjson'
const GOOD = logText('json')
const RECORD = `mutation { recordConnectionLog(input: ${logText('literal')}) { created } }`
const TOO_LARGE = `Expected a body of at most ${MAX_BODY_BYTES} bytes, got a larger one.`

/** A stream of bytes, whose length nobody declares. */
const streamed = (...parts: readonly (string | Uint8Array)[]) =>
  new Blob([...parts] as BlobPart[]).stream() as unknown as BodyInit

const inGraphql = (query: string, rest = '') => `{"query":${JSON.stringify(query)}${rest}}`

describe.each(PROVIDERS)('a body on %s', (provider) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(provider)
  })
  afterAll(async () => world.stop())

  async function unchanged<T>(work: () => Promise<T>): Promise<T> {
    const before = await world.stored()
    const result = await work()
    expect(await world.stored()).toBe(before)
    return result
  }

  const restRefuses = (body: BodyInit, status: number, sentence: string, type?: string) =>
    unchanged(async () => {
      const answer = await post(world, LOGS, body, type)
      assertClean(answer.text)
      expect([answer.status, answer.text]).toEqual([status, JSON.stringify({ error: sentence })])
    })

  const graphqlRefuses = (
    body: BodyInit,
    status: number,
    sentence: string,
    type?: string,
    code = 'BAD_USER_INPUT',
  ) =>
    unchanged(async () => {
      const answer = await post(world, '/graphql', body, type)
      assertClean(answer.text)
      expect([answer.status, answer.code, answer.sentence]).toEqual([status, code, sentence])
      expect(JSON.parse(answer.text).data ?? null).toBe(null)
    })

  describe('that is not a JSON document', () => {
    const broken: [string, BodyInit, string][] = [
      ['empty', '', 'Expected the body to be JSON, got an empty body.'],
      ['blank', ' \n', 'Expected the body to be JSON, got an empty body.'],
      ['cut off', '{"platform":', 'Expected the body to be JSON, got only its beginning.'],
      [
        'with a trailing comma',
        `[${GOOD},]`,
        `Expected the body to be JSON, got something else at column ${GOOD.length + 3}.`,
      ],
      [
        'two documents',
        `${GOOD}\n${GOOD}`,
        'Expected the body to be JSON, got something else at line 2, column 1.',
      ],
      [
        'with single quotes',
        "{'query':'{viewer{keyId}}'}",
        'Expected the body to be JSON, got something else at column 2.',
      ],
      ['NaN', 'NaN', 'Expected the body to be JSON, got something else at column 1.'],
      [
        'with a raw U+0000',
        '{"query":"\u0000"}',
        'Expected the body to be JSON, got something else at column 11.',
      ],
      [
        'not UTF-8',
        Buffer.concat([
          Buffer.from('{"query":"{ viewer { keyId } } #'),
          Buffer.from([0xff, 0xfe]),
          Buffer.from('"}'),
        ]),
        'Expected the body to be UTF-8, got bytes that are not.',
      ],
      [
        'UTF-8 for a surrogate',
        Buffer.concat([Buffer.from('{"eventId":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
        'Expected the body to be UTF-8, got bytes that are not.',
      ],
      [
        'UTF-16',
        Buffer.from(`\ufeff${GOOD}`, 'utf16le'),
        'Expected the body to be UTF-8, got bytes that are not.',
      ],
    ]
    it.each(broken)('%s: refused with the same words at both doors', async (_, body, sentence) => {
      await restRefuses(body, 400, sentence)
      await graphqlRefuses(body, 400, sentence)
    })

    it('that is compressed is refused, since nobody would unpack it', async () => {
      for (const path of [LOGS, '/graphql']) {
        const response = await unchanged(() =>
          world.app.send(world.key, path, {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
            body: '[]',
          }),
        )
        expect(response.status).toBe(415)
        expect(await response.text()).toContain(
          'Expected the body to come as it is, got it in the content-encoding \\"gzip\\".',
        )
      }
    })

    it('a byte order mark is passed over', async () => {
      expect((await post(world, LOGS, `\ufeff${GOOD}`)).status).toBe(200)
      expect((await post(world, '/graphql', `\ufeff${inGraphql('{ viewer { userId } }')}`)).text).toBe(
        '{"data":{"viewer":{"userId":null}}}',
      )
    })

    it('an empty list stores nothing and says so', async () => {
      const { text } = await unchanged(() => post(world, LOGS, '[]'))
      expect(text).toBe('{"accepted":0,"duplicates":0,"rejected":0,"logs":[]}')
    })
  })

  describe('of a wrong media type', () => {
    const types = [
      ['text/plain', '"text/plain"'],
      ['text/plain;charset=UTF-8', '"text/plain"'],
      ['multipart/form-data; boundary=x', '"multipart/form-data"'],
      ['application/x-www-form-urlencoded', '"application/x-www-form-urlencoded"'],
      ['application/graphql', '"application/graphql"'],
      ['application/jsonp', '"application/jsonp"'],
      ['text/json', '"text/json"'],
      ['application/json, text/plain', '"application/json, text/plain"'],
      ['', 'none'],
    ] as const
    it.each(types)('%j', async (type, came) => {
      const expected = (accepted: string) =>
        `Expected the header \`content-type\` to be ${accepted}, got ${came}.`
      await restRefuses(streamed(GOOD), 415, expected('application/json or application/x-ndjson'), type)
      await graphqlRefuses(streamed(inGraphql(RECORD)), 415, expected('application/json'), type)
    })

    it.each(['APPLICATION/JSON', 'Application/Json ; charset="utf-8"', 'application/json;x=y'])(
      '%s is JSON',
      async (type) => {
        expect((await post(world, LOGS, GOOD, type)).status).toBe(200)
        expect((await post(world, '/graphql', inGraphql(RECORD), type)).sentence).toBe('')
      },
    )

    it('a form that a page may send without asking runs no mutation', async () => {
      const form = new URLSearchParams({ query: RECORD })
      await graphqlRefuses(
        form.toString(),
        415,
        'Expected the header `content-type` to be application/json, got "application/x-www-form-urlencoded".',
        'application/x-www-form-urlencoded',
      )
      const operations = new FormData()
      operations.set('operations', JSON.stringify({ query: RECORD }))
      operations.set('map', '{}')
      await unchanged(async () => {
        const response = await world.app.send(world.key, '/graphql', { method: 'POST', body: operations })
        expect(response.status).toBe(415)
      })
    })
  })

  describe('that is too large', () => {
    const padded = (length: number, text: string) => text + ' '.repeat(length - text.length)

    it('is refused by the length it declares', async () => {
      const declared = (path: string) =>
        world.app.send(world.key, path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-length': String(MAX_BODY_BYTES + 1) },
          body: GOOD,
        })
      await unchanged(async () => {
        const rest = await declared(LOGS)
        expect([rest.status, await rest.text()]).toEqual([413, JSON.stringify({ error: TOO_LARGE })])
        const graphql = await declared('/graphql')
        expect([graphql.status, await graphql.json()]).toEqual([
          413,
          { errors: [{ message: TOO_LARGE, extensions: { code: 'PAYLOAD_TOO_LARGE' } }] },
        ])
      })
    })

    it('is refused as soon as it is, where it declares no length', async () => {
      await restRefuses(streamed(padded(MAX_BODY_BYTES + 1, GOOD)), 413, TOO_LARGE)
      await graphqlRefuses(
        streamed(padded(MAX_BODY_BYTES + 1, inGraphql(RECORD))),
        413,
        TOO_LARGE,
        undefined,
        'PAYLOAD_TOO_LARGE',
      )
    })

    it('is not read to its end', async () => {
      let pulled = 0
      const endless = new ReadableStream({
        pull: (controller) => {
          pulled += 65_536
          controller.enqueue(Buffer.alloc(65_536, ' '))
        },
      })
      await restRefuses(endless, 413, TOO_LARGE)
      expect(pulled).toBeLessThan(2 * MAX_BODY_BYTES)
    })

    it('is taken where it is exactly as large as it may be', async () => {
      expect((await post(world, LOGS, streamed(padded(MAX_BODY_BYTES, GOOD)))).status).toBe(200)
      const graphql = await post(world, '/graphql', streamed(padded(MAX_BODY_BYTES, inGraphql(RECORD))))
      expect(graphql.sentence).toBe('')
    })
  })

  describe('of NDJSON', () => {
    const lines = async (body: BodyInit) => {
      const { status, text } = await post(world, LOGS, body, NDJSON)
      assertClean(text)
      expect(status).toBe(200)
      return JSON.parse(text) as { accepted: number; errors: { line: number; error: string }[] }
    }
    const CUT = 'Expected the line to be JSON, got only its beginning.'

    it('keeps the good lines and names the others by their number', async () => {
      const before = await world.stored()
      const body = [
        GOOD,
        '{',
        '',
        'platform=tiktok',
        GOOD,
        '   ',
        `[${GOOD}]`,
        `${GOOD}${GOOD}`,
        `{"platform":"myspace"}`,
        GOOD,
      ]
      const answer = await lines(body.join('\n'))
      expect(answer).toMatchObject({ accepted: 3, duplicates: 0, rejected: 5 })
      expect(answer.errors.map(({ line }) => line)).toEqual([2, 4, 7, 8, 9])
      expect(answer.errors[0]?.error).toBe(CUT)
      expect(answer.errors[1]?.error).toBe('Expected the line to be JSON, got something else at column 1.')
      expect(answer.errors[2]?.error).toMatch(/^Expected `body` to be an object with fields of /)
      expect(answer.errors[4]?.error).toMatch(/^Expected `platform` to be one of .*, got "myspace"\.$/)
      expect(await world.stored()).toBe(before + 3)
    })

    it('says of a page that its logs are to be sent', async () => {
      const answer = await lines(`{"logs":[${GOOD}]}\n`)
      expect(answer.errors).toEqual([
        { line: 1, error: 'Expected a log, got a page of logs. Send what is in its `logs`.' },
      ])
      const page = await post(world, LOGS, `{"logs":[${GOOD}]}`)
      expect([page.status, page.sentence]).toEqual([
        400,
        'Expected a log, got a page of logs. Send what is in its `logs`.',
      ])
      expect((await post(world, LOGS, `[${GOOD},{"logs":[]}]`)).sentence).toBe(
        'Expected `[1]` to be a log, got a page of logs. Send what is in its `logs`.',
      )
    })

    it.each([
      ['CRLF', `${GOOD}\r\n\r\n${GOOD}\r\n`, 2],
      ['no newline at the end', `${GOOD}\n${GOOD}`, 2],
      ['a byte order mark', `\ufeff${GOOD}\n${GOOD}\n`, 2],
      ['blank lines alone', '\n\r\n \n\t\n', 0],
      ['nothing', '', 0],
    ])('with %s', async (_, body, accepted) => {
      expect(await lines(body)).toEqual({ accepted, duplicates: 0, rejected: 0, errors: [] })
    })

    it('with a line that is not UTF-8, in pieces that end anywhere', async () => {
      const text = logText('json', 'error.message', '"Grüße 🎉"')
      const bytes = Buffer.concat([
        Buffer.from(`${text}\n`),
        Buffer.from([0x22, 0xc3, 0x28, 0x22, 0x0a]),
        Buffer.from(`${text}\n`),
      ])
      const pieces = new ReadableStream({
        start: (controller) => {
          for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
          controller.close()
        },
      })
      expect(await lines(pieces as unknown as BodyInit)).toEqual({
        accepted: 2,
        duplicates: 0,
        rejected: 1,
        errors: [{ line: 2, error: 'Expected the line to be UTF-8, got something else.' }],
      })
      expect((await get(world, `${LOGS}?limit=1`)).text).toContain('"message":"Grüße 🎉"')
    })

    it('with a line of as many bytes as it may have, and with one of one more', async () => {
      const long = (bytes: number) => GOOD + ' '.repeat(bytes - GOOD.length)
      expect(await lines(`${long(MAX_LINE_BYTES)}\n${long(MAX_LINE_BYTES + 1)}\n${GOOD}`)).toEqual({
        accepted: 2,
        duplicates: 0,
        rejected: 1,
        errors: [{ line: 2, error: `Expected a line of at most ${MAX_LINE_BYTES} bytes, got a longer one.` }],
      })
    })

    it('of any length, past what JSON may have', async () => {
      const line = `${GOOD}${' '.repeat(500_000)}\n`
      expect(await lines(streamed(line.repeat(10)))).toMatchObject({ accepted: 10, rejected: 0 })
    })
  })

  it('left nothing in the log of the service', () => {
    expect(world.app.logged.filter(({ level }) => level !== 'info')).toEqual([])
  })
})
