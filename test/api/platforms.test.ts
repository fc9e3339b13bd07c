import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config/config.ts'
import { PLATFORMS } from '../../src/connections/event.ts'
import { createConnlog } from '../../src/connlog.ts'
import { type Logger, silentLogger } from '../../src/kernel/logger.ts'
import { createSchema } from '../../src/schema.ts'
import { printSorted } from '../../src/graphql/print.ts'
import { runCommand } from '../support/command.ts'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { PROVIDERS, type TestDatabase, createTestDatabase } from '../support/databases.ts'
import { startTail } from '../support/tailing.ts'

const EXTRA = 'mastodon,truth_social'
const EVENT = { eventType: 'disconnect', connectionMethod: 'oauth' } as const
const of = (platform: string, more: object = {}) => ({ platform, ...EVENT, ...more })

const namesOf = (logs: readonly { platform: string }[]) => logs.map(({ platform }) => platform)

const FIELDS = 'id platform'
const READ = {
  'a page that the database writes': `{ connectionLogs { logs { ${FIELDS} } pagination { total } } }`,
  'a page that is executed': `{ connectionLogs { logs { ${FIELDS} } pagination { total } } viewer { userId } }`,
  'a page by cursor': `{ connectionLogsByCursor { edges { cursor node { ${FIELDS} } } } }`,
  statistics: '{ connectionStats { total byPlatform { platform total } } }',
}

describe.each(PROVIDERS)('platforms on %s', (provider) => {
  let database: TestDatabase
  let app: App
  let key: string
  let warnings: { fields: object; message: string }[]

  /** Replaces the running service by one with other settings, on the same database. */
  async function restart(extra: string): Promise<void> {
    await app?.stop()
    warnings = []
    const logger: Logger = {
      ...silentLogger,
      warn: (fields, message) => void warnings.push({ fields, message }),
    }
    app = await createApp({
      config: parseConfig({ DATABASE_URL: database.url, EXTRA_PLATFORMS: extra }),
      logger,
    })
    await app.database.migrations.apply()
    await app.start()
  }
  const send = (path: string, body?: string, type = 'application/json') =>
    app.fetch(
      new Request(new URL(path, 'http://connlog.test'), {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': type },
        ...(body === undefined ? {} : { body }),
      }),
    )
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read any shape of answer
  const json = (response: Response): Promise<any> => response.json()
  const gql = async (query: string, variables: object = {}) =>
    json(await send('/graphql', JSON.stringify({ query, variables })))
  const LOGS = '/api/v1/connections/logs'
  const settings = (extra: string) => ({
    DATABASE_URL: database.url,
    EXTRA_PLATFORMS: extra,
    LOG_LEVEL: 'silent',
  })

  beforeEach(async () => {
    database = await createTestDatabase(provider)
    await restart(EXTRA)
    key = (await app.keys.create({ userId: 'u1', scopes: ['logs:read', 'logs:write'] })).key
  })
  afterEach(async () => {
    await app.stop()
    await database.drop()
  })

  it('of the setting are recorded and read over every API, as the built-in ones are', async () => {
    const recorded = await gql(
      'mutation ($input: RecordConnectionLogInput!) { recordConnectionLog(input: $input) { log { platform } } }',
      { input: { platform: 'MASTODON', eventType: 'DISCONNECT', connectionMethod: 'OAUTH' } },
    )
    expect(recorded.data).toEqual({ recordConnectionLog: { log: { platform: 'MASTODON' } } })
    expect((await send(LOGS, JSON.stringify([of('truth_social'), of('discord')]))).status).toBe(200)
    const lines = [of('mastodon'), of('whatsapp'), of('vk')].map((line) => JSON.stringify(line)).join('\n')
    expect(await json(await send(LOGS, lines, 'application/x-ndjson'))).toMatchObject({
      accepted: 2,
      rejected: 1,
    })

    const page = await json(await send(`${LOGS}?platform=mastodon`))
    expect(namesOf(page.logs)).toEqual(['mastodon', 'mastodon'])
    const filtered = await gql(
      'query ($in: [Platform!]) { connectionLogs(filter: { platform: $in }) { logs { platform } pagination { total } } }',
      { in: ['TRUTH_SOCIAL', 'WHATSAPP'] },
    )
    expect(filtered.data.connectionLogs.pagination.total).toBe(2)
    const { data } = await gql(READ.statistics)
    expect(data.connectionStats.byPlatform).toEqual([
      { platform: 'MASTODON', total: 2 },
      { platform: 'DISCORD', total: 1 },
      { platform: 'WHATSAPP', total: 1 },
      { platform: 'TRUTH_SOCIAL', total: 1 },
    ])
    const { data: introspected } = await gql('{ __type(name: "Platform") { enumValues { name } } }')
    expect(introspected.__type.enumValues).toEqual(
      [...PLATFORMS, 'mastodon', 'truth_social'].sort().map((name) => ({ name: name.toUpperCase() })),
    )
  })

  it('that no setting names are rejected over every API, with the list of those that are accepted', async () => {
    const expected = `Expected \`platform\` to be one of ${PLATFORMS.join(', ')}, mastodon, truth_social`
    expect((await json(await send(LOGS, JSON.stringify(of('vk'))))).error).toBe(`${expected}, got "vk".`)
    expect((await json(await send(`${LOGS}?platform=vk`))).error).toBe(`${expected}, all, got "vk".`)
    const { errors } = await gql('{ connectionLogs(filter: { platform: VK }) { pagination { total } } }')
    expect(errors[0].extensions.code).toBe('BAD_USER_INPUT')
    await expect(app.connectionLogs.record([{ value: of('vk'), at: '' }])).rejects.toThrow(
      `${expected}, got "vk".`,
    )
  })

  it('that the setting no longer names stay readable everywhere, and the operator is told', async () => {
    await app.connectionLogs.record(
      ['mastodon', 'reddit', 'mastodon'].map((platform) => ({
        value: of(platform, { userId: 'u1' }),
        at: '',
      })),
    )
    const cursor = (await gql('{ connectionLogFeedCursor }')).data.connectionLogFeedCursor
    await app.connectionLogs.record([{ value: of('truth_social', { userId: 'u1', eventId: 'e1' }), at: '' }])
    await restart('vk')

    for (const [name, query] of Object.entries(READ)) {
      const { data, errors } = await gql(query)
      expect({ name, errors }).toEqual({ name, errors: undefined })
      expect(JSON.stringify(data)).toMatch(/"MASTODON"/)
      expect(JSON.stringify(data)).toMatch(/"TRUTH_SOCIAL"/)
    }
    const { data } = await gql(READ.statistics)
    expect(data.connectionStats).toEqual({
      total: 4,
      byPlatform: [
        { platform: 'MASTODON', total: 2 },
        { platform: 'REDDIT', total: 1 },
        { platform: 'TRUTH_SOCIAL', total: 1 },
      ],
    })
    const subscription = `subscription { connectionLogRecorded(after: "${cursor}") { log { platform } } }`
    const stream = await app.fetch(
      new Request('http://connlog.test/graphql', {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          accept: 'text/event-stream',
        },
        body: JSON.stringify({ query: subscription }),
      }),
    )
    let text = ''
    for await (const chunk of stream.body ?? []) {
      text += Buffer.from(chunk).toString()
      if (text.includes('connectionLogRecorded')) break
    }
    expect(text).toContain('{"data":{"connectionLogRecorded":{"log":{"platform":"TRUTH_SOCIAL"}}}}')
    const page = await json(await send(LOGS))
    expect(namesOf(page.logs).sort()).toEqual(['mastodon', 'mastodon', 'reddit', 'truth_social'])

    expect(warnings).toEqual([
      {
        fields: { platforms: ['mastodon', 'truth_social'] },
        message: 'logs of these platforms are stored: add them to EXTRA_PLATFORMS',
      },
    ])
    await app.stop()
    const doctor = await runCommand(['doctor'], settings('vk'))
    expect(doctor.stdout).toContain(
      'note   platforms: logs of mastodon, truth_social are stored, which can be read but not filtered by. Add mastodon, truth_social to EXTRA_PLATFORMS',
    )
    expect((await runCommand(['doctor'], settings(EXTRA))).stdout).not.toContain('platforms')
    await restart(EXTRA)
    expect(warnings).toEqual([])
  })

  it('of the setting work in import, export and tail, and a log of an unlisted one is exported', async () => {
    await app.stop()
    const lines = [of('mastodon', { eventId: 'a' }), of('reddit', { eventId: 'b' })]
    const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    const imported = await runCommand(['import', '-'], settings(EXTRA), input)
    expect(imported).toMatchObject({ code: 0, stderr: '' })
    const exported = await runCommand(['export', '--platform', 'mastodon'], settings(EXTRA))
    expect(
      exported.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).platform),
    ).toEqual(['mastodon'])
    expect((await runCommand(['export', '--platform', 'mastodon'], settings(''))).stderr).toBe(
      `Expected \`--platform\` to be one of ${PLATFORMS.join(', ')}, got "mastodon".\n`,
    )
    expect((await runCommand(['export', '--format', 'csv'], settings(''))).stdout).toContain(',mastodon,')
    await restart(EXTRA)
    const since = '2020-01-01T00:00:00Z'
    const tailed = startTail({ platform: ['mastodon'], since }, settings(EXTRA))
    expect((await tailed.logs(1)).map(({ platform }) => platform)).toEqual(['mastodon'])
    await tailed.stop()
    // The service knows its platforms, whatever the settings are where tail runs.
    const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
    const { key: reader } = await app.keys.create({ userId: null, scopes: ['logs:read'] })
    const remote = startTail({ platform: ['mastodon'], since, url: server.address, key: reader })
    expect((await remote.logs(1)).map(({ platform }) => platform)).toEqual(['mastodon'])
    await remote.stop()
    const unknown = startTail({ platform: ['vk'], since, url: server.address, key: reader })
    expect(await unknown.ended).toMatch(/"VK" does not exist in "Platform" enum/)
    app.endStreams()
    await server.stop()
  })
})

it('two services of one process do not share their platforms', async () => {
  const open = async (extraPlatforms: readonly string[] | undefined) => {
    const database = await createTestDatabase('sqlite')
    const connlog = createConnlog({ databaseUrl: database.url, extraPlatforms, logger: silentLogger })
    await connlog.start()
    return { connlog, stop: () => connlog.stop().then(database.drop) }
  }
  const services = [await open(['mastodon']), await open(['vk', 'mix']), await open(undefined)]
  const accepted = await Promise.all(
    services.map(async ({ connlog }) => {
      const attempts = ['mastodon', 'vk', 'mix'].map(async (platform) => {
        const outcome = await connlog.record({ platform, ...EVENT }).catch(() => undefined)
        return outcome ? [outcome.log.platform] : []
      })
      return (await Promise.all(attempts)).flat()
    }),
  )
  expect(accepted).toEqual([['mastodon'], ['vk', 'mix'], []])
  for (const { stop } of services) await stop()
})

it('a schema with more platforms leaves the next one as it was', () => {
  const before = printSorted(createSchema())
  const extended = printSorted(createSchema([...PLATFORMS, 'mastodon']))
  expect(extended.replace(/\n\n {2}""".*EXTRA_PLATFORMS\."""\n {2}MASTODON/, '')).toBe(before)
  expect(extended).not.toBe(before)
  expect(printSorted(createSchema())).toBe(before)
})

it('connlog schema prints the platforms of the setting, which may name one that is built in by now', async () => {
  const printed = async (extra: string) => (await runCommand(['schema'], { EXTRA_PLATFORMS: extra })).stdout
  expect(await printed('mastodon')).toMatch(/^ {2}MASTODON$/m)
  expect(await printed('discord')).toBe(await printed(''))
})
