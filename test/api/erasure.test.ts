import { describe, expect, it } from 'vitest'
import { SECOND_MS, systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { canariesIn, telling } from '../support/canary.ts'
import { createTestClock } from '../support/clock.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS } from '../support/databases.ts'

const ERASE = `mutation ($userId: ID, $accountId: ID, $dryRun: Boolean) {
  eraseConnectionLogs(userId: $userId, accountId: $accountId, dryRun: $dryRun) {
    userId accountId dryRun logs eventIds apiKeys begunAt endedAt scrubbed remark
  }
}`

describe.each(PROVIDERS)('eraseConnectionLogs on %s', (provider) => {
  it('erases a user for a service key, and its keys are unknown from then on', async () => {
    const now = systemClock.now()
    const clock = createTestClock(now)
    const app = await startTestApp(provider, { clock })
    const sent = [0, 1, 2, 3, 4].map((index) => ({ value: telling('gone', index), at: '' }))
    await app.connectionLogs.record([...sent, { value: telling('robin', 0), at: '' }])
    const [service, gone, robin] = [
      await app.key(null),
      await app.key('gone-user'),
      await app.key('robin-user'),
    ]
    expect((await app.gql(gone, '{ connectionLogs { pagination { total } } }')).data).toEqual({
      connectionLogs: { pagination: { total: 5 } },
    })

    const dry = await app.gql(service, ERASE, { userId: 'gone-user', dryRun: true })
    const numbers = { userId: 'gone-user', accountId: null, logs: 5, eventIds: 2, apiKeys: 1 }
    const at = new Date(now).toISOString()
    expect(dry.data).toEqual({
      eraseConnectionLogs: {
        ...numbers,
        dryRun: true,
        begunAt: at,
        endedAt: at,
        scrubbed: false,
        remark: null,
      },
    })
    const done = await app.gql(service, ERASE, { userId: 'gone-user' })
    expect(done.data.eraseConnectionLogs).toMatchObject({
      ...numbers,
      dryRun: false,
      scrubbed: provider === 'postgres',
    })
    expect((await app.send(gone, '/graphql?query={viewer{userId}}')).status).toBe(401)
    const unknown = await app.send(gone, '/api/v1/connections/logs')
    const malformed = await app.send('clk_nothing', '/api/v1/connections/logs')
    expect([unknown.status, await unknown.text()]).toEqual([malformed.status, await malformed.text()])
    expect((await app.gql(robin, '{ connectionLogs { pagination { total } } }')).data).toEqual({
      connectionLogs: { pagination: { total: 1 } },
    })
    const nothing = await app.gql(service, ERASE, { userId: 'gone-user' })
    expect(nothing.data.eraseConnectionLogs).toMatchObject({ logs: 0, eventIds: 0, apiKeys: 0 })
    expect(app.logged.filter((entry) => JSON.stringify(entry).includes('gone'))).toEqual([])
  })

  it('reaches other processes within 5 seconds: they take its keys no longer', async () => {
    const clock = createTestClock(systemClock.now())
    const app = await startTestApp(provider, { clock })
    const gone = await app.key('gone-user')
    const isTaken = async () => (await app.send(gone, '/api/v1/connections/logs')).status === 200
    expect(await isTaken()).toBe(true)
    const erased = await runCommand(['erase', '--user', 'gone-user'], {
      DATABASE_URL: app.url,
      LOG_LEVEL: 'error',
    })
    expect(erased.stdout).toContain('1 key.')
    clock.advance(5 * SECOND_MS)
    expect(await isTaken()).toBe(false)
  })

  it('never reaches beyond the user of a user key', async () => {
    const app = await startTestApp(provider)
    const events = ['gone', 'robin'].map((user, index) => ({
      value: { ...telling('shared', index), userId: `${user}-user` },
      at: '',
    }))
    await app.connectionLogs.record(events)
    const [gone, robin] = [await app.key('gone-user'), await app.key('robin-user')]
    const total = async () => (await app.connectionLogs.page({}, {})).pagination.total

    const other = await app.gql(gone, ERASE, { userId: 'robin-user' })
    expect(other.errors).toMatchObject([
      {
        message: "Expected `userId` to be the key's own user, got another one.",
        extensions: { code: 'FORBIDDEN' },
      },
    ])
    const both = await app.gql(gone, ERASE, { userId: 'robin-user', accountId: 'shared-account' })
    expect(both.errors?.[0]?.extensions.code).toBe('FORBIDDEN')
    expect(await total()).toBe(2)
    const account = await app.gql(gone, ERASE, { accountId: 'shared-account' })
    expect(account.data.eraseConnectionLogs).toMatchObject({ logs: 1, apiKeys: 0 })
    expect(await total()).toBe(1)

    const own = await app.gql(robin, ERASE, { userId: 'robin-user' })
    expect(own.data.eraseConnectionLogs).toMatchObject({ logs: 1, apiKeys: 1 })
    expect((await app.send(robin, '/api/v1/connections/logs')).status).toBe(401)
    expect((await app.send(gone, '/api/v1/connections/logs')).status).toBe(200)
    if (provider === 'postgres') expect(await canariesIn(app.url, 'robin')).toEqual([])
  })

  it('needs the scope admin, and somebody to erase', async () => {
    const app = await startTestApp(provider)
    const writer = await app.key(null, ['logs:read', 'logs:write'])
    const refused = await app.gql(writer, ERASE, { userId: 'u' })
    expect(refused.errors).toMatchObject([
      {
        message: 'Expected a key with the scope `admin`, got one with logs:read, logs:write.',
        extensions: { code: 'FORBIDDEN' },
      },
    ])
    for (const key of [await app.key(null), await app.key('u')]) {
      const answer = await app.gql(key, ERASE, {})
      expect(answer.errors).toMatchObject([
        {
          message: 'Expected `userId` or `accountId` or both, got neither.',
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ])
      const empty = await app.gql(key, ERASE, { accountId: '' })
      expect(empty.errors?.[0]).toMatchObject({
        message:
          'Expected `accountId` to be text of 1 to 128 characters, without U+0000 or lone surrogates, got "".',
        extensions: { code: 'BAD_USER_INPUT' },
      })
    }
    const env = { DATABASE_URL: app.url, LOG_LEVEL: 'error' }
    expect(await runCommand(['erase'], env)).toEqual({
      code: 2,
      stdout: '',
      stderr: 'Expected `--user ID` or `--account ID` or both.\n',
    })
    expect(await runCommand(['erase', '--user', ''], env)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'Expected `userId` to be text of 1 to 128 characters, without U+0000 or lone surrogates, got "".\n',
    })
  })
})
