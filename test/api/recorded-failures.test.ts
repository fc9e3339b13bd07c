import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createConnlog } from '../../src/connlog.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS } from '../support/databases.ts'

const LOGS = '/api/v1/connections/logs'
const half = '\ud83d'
const SAID = {
  error: {
    code: `\0${'c'.repeat(126)}🙂`,
    message: `${half}zero \0 ${'🙂'.repeat(4_500)}`,
    rawResponse: `\udc00\0${'<p>ü</p>'.repeat(20_000)}`,
  },
  success: { displayName: `Jos${half}`, username: 'a\0b', permissions: ['x\0'], accountType: '\udfff' },
}
const KEPT = {
  error: {
    code: `\ufffd${'c'.repeat(126)}`,
    message: `\ufffdzero \ufffd ${'🙂'.repeat(1_996)}`,
    rawResponse: `\ufffd\ufffd${'<p>ü</p>'.repeat(250)}`.slice(0, 2_000),
  },
  success: {
    displayName: 'Jos\ufffd',
    username: 'a\ufffdb',
    permissions: ['x\ufffd'],
    accountType: '\ufffd',
  },
}
const EVENT = { platform: 'reddit', eventType: 'connect_failed', connectionMethod: 'oauth' } as const
const INPUT = { platform: 'REDDIT', eventType: 'CONNECT_FAILED', connectionMethod: 'OAUTH' }
const RECORD =
  'mutation ($input: RecordConnectionLogInput!) { recordConnectionLog(input: $input) { created log { error { code message rawResponse } success { displayName username permissions accountType } } } }'

describe.each(PROVIDERS)('what a platform said, in whatever form, on %s', (provider) => {
  let app: TestApp
  let key: string
  beforeAll(async () => {
    app = keep(await startTestApp(provider))
    key = await app.key(null)
  })
  afterAll(() => app.stop())

  const post = async (body: string, type = 'application/json') => {
    const headers = { 'content-type': type }
    return (await app.send(key, LOGS, { method: 'POST', headers, body })).json() as Promise<object>
  }

  /** The same event over every way in: the first stores it, all others know it. */
  it('is recorded with U+FFFD for what cannot be stored, cut amid no character, and known when it is sent again', async () => {
    const sent = { ...EVENT, ...SAID, eventId: 'e1' }
    expect(await post(JSON.stringify(sent))).toMatchObject({ accepted: 1, logs: [KEPT] })
    expect(await post(JSON.stringify(sent))).toMatchObject({ duplicates: 1, logs: [KEPT] })
    expect(await post(JSON.stringify([{ ...EVENT, ...KEPT, eventId: 'e1' }]))).toMatchObject({
      duplicates: 1,
    })
    expect(await post(`${JSON.stringify(sent)}\n`, 'application/x-ndjson')).toMatchObject({ duplicates: 1 })
    const { data } = await app.gql(key, RECORD, { input: { ...INPUT, ...SAID, eventId: 'e1' } })
    expect(data.recordConnectionLog).toEqual({ created: false, log: KEPT })
    const imported = await runCommand(['import', '-'], { DATABASE_URL: app.url }, `${JSON.stringify(sent)}\n`)
    expect(imported.stdout).toBe('0 stored, 1 there already, 0 rejected.\n')
    const connlog = createConnlog({ databaseUrl: app.url, logger: silentLogger })
    await connlog.start()
    expect(await connlog.record(sent)).toMatchObject({ created: false, log: KEPT })
    await connlog.stop()
    const { stdout } = await runCommand(['export'], { DATABASE_URL: app.url })
    expect(JSON.parse(stdout)).toMatchObject(KEPT)
  })

  it('is a conflict only where what is kept differs', async () => {
    const of = (message: string) => JSON.stringify({ ...EVENT, eventId: 'e2', error: { message } })
    expect(await post(of(`${'x'.repeat(4_000)}a`))).toMatchObject({ accepted: 1 })
    expect(await post(of(`${'x'.repeat(4_000)}b`))).toMatchObject({ duplicates: 1 })
    expect(await post(of(`${'x'.repeat(3_999)}b`))).toEqual({
      error:
        'Expected `eventId` to be new or to repeat the log that it was first sent with, got "e2" with other content.',
    })
  })

  it('counts characters as they were sent where a text is too long', async () => {
    const username = '"\n'.repeat(129)
    expect(await post(JSON.stringify({ ...EVENT, success: { username } }))).toEqual({
      error: 'Expected `success.username` to be text of at most 256 characters, got text of 258 characters.',
    })
  })
})
