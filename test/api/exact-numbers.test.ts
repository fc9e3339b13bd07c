import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createConnlog } from '../../src/connlog.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS } from '../support/databases.ts'
import { startTail } from '../support/tailing.ts'

const LOGS = '/api/v1/connections/logs'
/** As a number, JavaScript takes it for …916, which is another user. */
const ID = '17841405822304915'
const OTHER = '17841405822304916'
const ADVICE = 'Send an id as text: a number loses digits beyond 9007199254740991.'
const EVENT = '"platform":"reddit","eventType":"disconnect","connectionMethod":"oauth"'
const INPUT = 'platform:REDDIT,eventType:DISCONNECT,connectionMethod:OAUTH'
const KEPT = '{"a":0.1,"b":-1.5,"c":9007199254740991,"d":5e-324,"e":[1e-7,0],"f":100}'

describe.each(PROVIDERS)('numbers with many digits on %s', (provider) => {
  let app: TestApp
  let key: string
  beforeAll(async () => {
    app = keep(await startTestApp(provider))
    key = await app.key(null)
    for (const userId of [ID, OTHER])
      await app.connectionLogs.record([
        {
          value: { ...(JSON.parse(`{${EVENT}}`) as object), userId, accountId: userId, eventId: 'e' },
          at: '',
        },
      ])
  })
  afterAll(() => app.stop())

  const total = async () => (await app.connectionLogs.page({}, {})).pagination.total
  const post = async (path: string, body: string, type = 'application/json') => {
    const headers = { 'content-type': type }
    return (await app.send(key, path, { method: 'POST', headers, body })).text()
  }
  /** Variables as they are written, which `JSON.stringify` could not. */
  const graphql = (query: string, variables: string) =>
    post('/graphql', `{"query":${JSON.stringify(query)},"variables":${variables}}`)

  it.each([
    ['the user to erase', 'mutation ($v: ID) { eraseConnectionLogs(userId: $v) { logs } }'],
    ['the account to erase', 'mutation ($v: ID) { eraseConnectionLogs(accountId: $v) { logs } }'],
    ['the user of a key', 'mutation ($v: ID) { createApiKey(input: { userId: $v }) { key } }'],
    ['a key to revoke', 'mutation ($v: ID!) { revokeApiKey(id: $v) { apiKey { id } } }'],
    ['a key to rotate', 'mutation ($v: ID!) { rotateApiKey(id: $v) { key } }'],
    ['keys of a user', 'query ($v: [ID!]) { apiKeys(filter: { userId: $v }) { apiKeys { id } } }'],
    ['a log', 'query ($v: ID!) { connectionLog(id: $v) { id } }'],
    ['a node', 'query ($v: ID!) { node(id: $v) { id } }'],
    ['a user in a filter', 'query ($v: [ID!]) { connectionLogs(filter: { userId: $v }) { logs { id } } }'],
    [
      'an account of statistics',
      'query ($v: [ID!]) { connectionStats(filter: { accountId: $v }) { total } }',
    ],
    [
      'a profile of a connection',
      'query ($v: [ID!]) { connectionLogsByCursor(filter: { profileId: $v }) { totalCount } }',
    ],
    ...['userId', 'accountId', 'profileId', 'eventId'].map((field) => [
      `the ${field} of an event`,
      `mutation ($v: ID) { recordConnectionLog(input: { ${INPUT}, ${field}: $v }) { created } }`,
    ]),
  ])('are refused where they name %s, and nothing happens', async (_, query) => {
    const before = await total()
    const keys = (await app.keys.list()).length
    for (const value of [ID, OTHER, `[${OTHER}]`, '1e400']) {
      const text = await graphql(query, `{"v":${value}}`)
      expect(text).toContain('"code":"BAD_USER_INPUT"')
      expect(text).toContain(
        value.startsWith('[') && !query.includes('[ID!]') ? 'ID cannot represent value' : ADVICE,
      )
    }
    expect(await total()).toBe(before)
    expect((await app.keys.list()).length).toBe(keys)
  })

  it('are refused in the variables of a GET, and taken digit for digit in a document and as text', async () => {
    const query = 'query ($v: [ID!]) { connectionLogs(filter: { userId: $v }) { logs { userId } } }'
    const ask = async (variables: string) => {
      const parameters = new URLSearchParams({ query, variables })
      return (await app.send(key, `/graphql?${parameters.toString()}`)).text()
    }
    expect(await ask(`{"v":${ID}}`)).toContain(ADVICE)
    expect(await ask(`{"v":"${ID}"}`)).toBe(`{"data":{"connectionLogs":{"logs":[{"userId":"${ID}"}]}}}`)
    const literal = `{ connectionLogs(filter: { userId: ${ID} }) { logs { userId } } }`
    expect(await graphql(literal, '{}')).toBe(`{"data":{"connectionLogs":{"logs":[{"userId":"${ID}"}]}}}`)
  })

  it.each([
    ['days', 'Int', '9007199254740993', 'Int cannot represent non-integer value: 9007199254740993'],
    [
      'filter',
      'ConnectionLogFilter',
      '{"search":1e400}',
      'String cannot represent a non string value: 1e400',
    ],
    ['filter', 'ConnectionLogFilter', '{"status":1e400}', 'cannot represent non-string value: 1e400'],
    [
      'filter',
      'ConnectionLogFilter',
      '{"createdAfter":17841405822304915}',
      'got the number 17841405822304915.',
    ],
    [
      'filter',
      'ConnectionLogFilter',
      '9007199254740993',
      'Expected type \\"ConnectionLogFilter\\" to be an object.',
    ],
  ])('are refused by every other type: %s: %s = %s', async (name, type, value, sentence) => {
    const query = `query ($v: ${type}) { connectionLogs(${name}: $v) { logs { id } } }`
    const text = await graphql(query, `{"v":${value}}`)
    expect(text).toContain(sentence)
    expect(text).toContain('"code":"BAD_USER_INPUT"')
  })

  it('are refused as the variables themselves, and let pass in extensions, which nobody reads', async () => {
    expect(await post('/graphql', '{"query":"{ viewer { userId } }","variables":1e400}')).toContain(
      'Expected `variables` to be an object, got a number.',
    )
    expect(
      await post('/graphql', '{"query":"{ viewer { userId } }","extensions":{"ns":1784140582230491599}}'),
    ).toBe('{"data":{"viewer":{"userId":null}}}')
  })

  it('are refused by REST and import, each with its field, as JSON, in lists, in lines and in pages', async () => {
    const before = await total()
    const expected = (field: string) =>
      `Expected \`${field}\` to be text of 1 to 128 characters, without U+0000 or lone surrogates, got the number ${ID}.`
    const log = `{${EVENT},"accountId":${ID}}`
    expect(JSON.parse(await post(LOGS, log))).toEqual({ error: expected('accountId') })
    expect(JSON.parse(await post(LOGS, `[{${EVENT}},${log}]`))).toEqual({ error: expected('[1].accountId') })
    expect(JSON.parse(await post(LOGS, log, 'application/x-ndjson'))).toEqual({
      accepted: 0,
      duplicates: 0,
      rejected: 1,
      errors: [{ line: 1, error: expected('accountId') }],
    })
    expect(JSON.parse(await post(LOGS, ID))).toEqual({
      error: `Expected \`body\` to be an object, got the number ${ID}.`,
    })
    expect(JSON.parse(await post(LOGS, `{${EVENT},"success":${ID}}`))).toEqual({
      error: `Expected \`success\` to be an object, got the number ${ID}.`,
    })
    const imported = await runCommand(['import', '-'], { DATABASE_URL: app.url }, `${log}\n${ID}\n`)
    expect(imported.code).toBe(1)
    expect(imported.stderr).toContain(expected('accountId'))
    expect(await total()).toBe(before)
  })

  it('are refused in metadata by name, in variables, literals and JSON', async () => {
    const before = await total()
    const sentence = (at: string) =>
      `Expected \`${at}metadata.a.ig_id\` to be a number that keeps its digits (whole ones up to 9007199254740991) or text, got a number that does not.`
    const metadata = `{"a":{"ig_id":${ID}}}`
    const record =
      'mutation ($m: JSONObject) { recordConnectionLog(input: {' + INPUT + ', metadata: $m}) { created } }'
    expect(await graphql(record, `{"m":${metadata}}`)).toContain(sentence('input.'))
    expect(
      await graphql(record.replace('$m})', `{a: {ig_id: ${ID}}}})`).replace('($m: JSONObject)', ''), '{}'),
    ).toContain(sentence('input.'))
    const inside = record.replace('$m})', '{a: {ig_id: $m}}})').replace('JSONObject', 'JSONObject')
    expect(await graphql(inside, `{"m":{"x":1e400}}`)).toContain('input.metadata.a.ig_id.x')
    expect(JSON.parse(await post(LOGS, `{${EVENT},"metadata":${metadata}}`))).toEqual({ error: sentence('') })
    expect(await total()).toBe(before)
  })

  it('keep their digits in metadata over every way out, wherever a double holds them', async () => {
    const since = await app.connectionLogs.feedCursor()
    const sent = `{${EVENT},"eventId":"kept","accountId":"kept","metadata":${KEPT}}`
    expect(await post(LOGS, sent)).toContain(`"metadata":${KEPT}`)
    expect(await post(LOGS, sent.replace('"f":100', '"f":1.00e2'))).toContain('"duplicates":1')
    expect(await (await app.send(key, `${LOGS}?limit=1`)).text()).toContain(`"metadata":${KEPT}`)
    const query = '{ connectionLogs(filter: { accountId: "kept" }) { logs { metadata } } }'
    const answer = `{"data":{"connectionLogs":{"logs":[{"metadata":${KEPT}}]}}`
    expect(await graphql(query, '{}')).toContain(answer.slice(0, -1))
    expect(await graphql(`query { ...Q } fragment Q on Query ${query} `, '{}')).toContain(
      `"metadata":${KEPT}`,
    )
    expect(await graphql(query.replace('{ conn', '{ viewer { userId } conn'), '{}')).toContain(
      `"metadata":${KEPT}`,
    )
    const env = { DATABASE_URL: app.url }
    expect((await runCommand(['export', '--account', 'kept'], env)).stdout).toContain(`"metadata":${KEPT}`)
    expect((await runCommand(['export', '--account', 'kept', '--format', 'csv'], env)).stdout).toContain(
      `"${KEPT.replaceAll('"', '""')}"`,
    )
    const tailing = startTail({ since }, env)
    await tailing.logs(1)
    await tailing.stop()
    expect(tailing.printed.stdout).toContain(`"metadata":${KEPT}`)
  })

  it('are refused by record() in process, where their digits are lost already', async () => {
    const connlog = createConnlog({ databaseUrl: app.url, logger: silentLogger })
    await connlog.start()
    const event = JSON.parse(`{${EVENT}}`) as Parameters<typeof connlog.record>[0]
    const before = await total()
    await expect(connlog.record({ ...event, accountId: Number(ID) } as never)).rejects.toThrow(
      'Expected `accountId` to be text of 1 to 128 characters, without U+0000 or lone surrogates, got 17841405822304916.',
    )
    await expect(connlog.record({ ...event, metadata: { id: Number(ID) } })).rejects.toThrow(
      'Expected `metadata.id` to be a number that keeps its digits (whole ones up to 9007199254740991) or text, got a number that does not.',
    )
    expect(await total()).toBe(before)
    await connlog.stop()
  })
})
