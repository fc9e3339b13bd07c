import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../src/kernel/errors.ts'
import { raw, sql } from '../../src/database/sql.ts'
import { HOUR_MS, systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { type TestApp, keep } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS } from '../support/databases.ts'
import { nastyLogs } from '../support/nasty-logs.ts'
import { startTail, startTailedService } from '../support/tailing.ts'
import { undoneAfterEach } from '../support/undo.ts'

const LOGS = '/api/v1/connections/logs'
const EVENT = { platform: 'reddit', eventType: 'reconnect_success', connectionMethod: 'oauth' }

/** Events in the notation in which they are stored, and others for the same. */
const NOTATIONS: Record<string, readonly [stored: object, ...others: object[]]> = {
  'an instant': [
    { success: { tokenExpiresAt: '2027-01-01T00:00:00Z' } },
    { success: { tokenExpiresAt: '2027-01-01T00:00:00.000Z' } },
    { success: { tokenExpiresAt: '2027-01-01T00:00:00.000123Z' } },
    { success: { tokenExpiresAt: '2027-01-01T05:30:00+05:30' } },
    { success: { tokenExpiresAt: '2027-01-01t00:00:00z' } },
  ],
  'an instant with a fraction': [
    { success: { tokenExpiresAt: '2027-01-01T00:00:00.120Z' } },
    { success: { tokenExpiresAt: '2027-01-01T00:00:00.12Z' } },
    { success: { tokenExpiresAt: '2026-12-31T19:00:00.1200-05:00' } },
  ],
  'nothing but what happened': [
    {},
    { success: null, error: null, context: null, metadata: null, accountId: null, durationMs: null },
    { success: {}, error: {}, context: {}, metadata: {} },
    { success: { username: null, permissions: null }, error: { code: null }, context: { isBYOK: null } },
  ],
  'a part of an object': [
    { success: { username: 'u' }, error: { code: 'c' } },
    {
      success: { username: 'u', displayName: null, tokenExpiresAt: null },
      error: { code: 'c', message: null },
    },
  ],
  metadata: [
    { metadata: { a: 1, b: [{ c: 0, d: 'e' }], n: null } },
    { metadata: { n: null, b: [{ d: 'e', c: -0 }], a: 1.0 } },
  ],
  'a list that is empty': [
    { success: { permissions: [] } },
    { success: { permissions: [], username: null } },
  ],
}

const undo = undoneAfterEach()

describe.each(PROVIDERS)('the same event in another notation on %s', (provider) => {
  let app: TestApp
  let address: string
  let key: string
  let stop: () => Promise<void>
  beforeAll(async () => {
    const tailed = await startTailedService(provider)
    app = keep(tailed.app)
    stop = tailed.stop
    key = await app.key(null)
    address = tailed.server.address
  })
  afterAll(() => stop())

  const post = async (value: object, type = 'application/json') => {
    const body = `${JSON.stringify(value)}\n`
    const response = await app.send(key, LOGS, { method: 'POST', headers: { 'content-type': type }, body })
    return { status: response.status, ...((await response.json()) as object) }
  }

  it.each(Object.entries(NOTATIONS))('is the same: %s', async (name, [stored, ...others]) => {
    const all = [stored, ...others]
    for (const [index, first] of all.entries()) {
      const eventId = `${name} ${index}`
      const recorded = await post({ ...EVENT, ...first, eventId })
      expect(recorded).toMatchObject({ accepted: 1 })
      const [{ _id, createdAt, ...log }] = (recorded as unknown as { logs: [Record<string, unknown>] }).logs
      expect(log).toEqual({ context: {}, ...EVENT, ...stored })
      for (const other of all) {
        expect(await post({ ...EVENT, ...other, eventId })).toMatchObject({ duplicates: 1, logs: [{ _id }] })
        const lines = await post({ ...EVENT, ...other, eventId, createdAt }, 'application/x-ndjson')
        expect(lines).toEqual({ status: 200, accepted: 0, duplicates: 1, rejected: 0, errors: [] })
      }
    }
  })

  it.each([
    ['a list that is empty, and none', { success: { permissions: [] } }, {}],
    ['null in metadata, and nothing', { metadata: { a: null } }, {}],
    ['false, and nothing', { context: { isBYOK: false } }, {}],
    ['empty text, and none', { error: { message: '' } }, {}],
    [
      'another millisecond',
      { success: { tokenExpiresAt: '2027-01-01T00:00:00.001Z' } },
      { success: { tokenExpiresAt: '2027-01-01T00:00:00Z' } },
    ],
  ])('is another event: %s', async (name, one, other) => {
    expect(await post({ ...EVENT, ...one, eventId: name })).toMatchObject({ accepted: 1 })
    expect(await post({ ...EVENT, ...other, eventId: name })).toMatchObject({ status: 409 })
  })

  it('is the same over GraphQL as over REST', async () => {
    const record = `mutation ($input: RecordConnectionLogInput!) { recordConnectionLog(input: $input) { created } }`
    const input = {
      platform: 'REDDIT',
      eventType: 'RECONNECT_SUCCESS',
      connectionMethod: 'OAUTH',
      eventId: 'g',
    }
    const success = (tokenExpiresAt: string) => ({ tokenExpiresAt, username: null })
    const { data } = await app.gql(key, record, {
      input: { ...input, success: success('2027-01-01T00:00:00+00:00') },
    })
    expect(data.recordConnectionLog).toEqual({ created: true })
    expect(await post({ ...EVENT, eventId: 'g', success: success('2027-01-01T00:00:00Z') })).toMatchObject({
      duplicates: 1,
    })
  })

  it('is the same where an earlier version has stored it in the notation in which it was sent', async () => {
    const success = { tokenExpiresAt: '2027-01-01T00:00:00Z', username: 'u' }
    const recorded = await post({ ...EVENT, eventId: 'old', success })
    const [{ _id }] = (recorded as unknown as { logs: [{ _id: string }] }).logs
    const cast = raw(provider === 'postgres' ? '::json' : '')
    const old = JSON.stringify({ ...success, tokenExpiresAt: '2027-01-01T01:00:00.000+01:00' })
    await app.database.execute(
      sql`UPDATE connection_logs SET success = ${old}${cast}, metadata = ${'{}'}${cast}, error = ${'{}'}${cast} WHERE id = ${_id}`,
    )
    expect(await post({ ...EVENT, eventId: 'old', success })).toMatchObject({ duplicates: 1 })
    expect(await post({ ...EVENT, eventId: 'old', success: { username: 'u' } })).toMatchObject({
      status: 409,
    })
  })

  it.each([
    ['of the database', () => [{}, { DATABASE_URL: app.url }] as const],
    ['of a service', () => [{ url: address }, { CONNLOG_KEY: key }] as const],
  ])(
    'is the same when what tail %s prints is imported again, whatever was recorded',
    async (_, optionsOf) => {
      const nowMs = systemClock.now()
      const sent = fc.sample(nastyLogs(nowMs), { seed: 20_261_201, numRuns: 60 }).map((log, index) => ({
        value: {
          ...log,
          createdAt: formatInstant(nowMs - HOUR_MS),
          ...(index % 2 ? {} : { eventId: `${_} ${index}` }),
        },
        at: '',
      }))
      const notations = Object.values(NOTATIONS)
        .flat()
        .map((fields) => ({ value: { ...EVENT, ...fields }, at: '' }))
      const since = await app.connectionLogs.feedCursor()
      const outcomes = await app.connectionLogs.recordEach([...sent, ...notations])
      expect(outcomes.filter((outcome) => outcome instanceof AppError || !outcome.created)).toEqual([])
      const [options, env] = optionsOf()
      const tailing = startTail({ ...options, since }, env)
      undo(tailing.stop)
      await tailing.logs(outcomes.length)
      expect(await tailing.stop()).toBe(0)
      const again = await runCommand(['import', '-'], { DATABASE_URL: app.url }, tailing.printed.stdout)
      expect(again).toEqual({
        code: 0,
        stdout: `0 stored, ${outcomes.length} there already, 0 rejected.\n`,
        stderr: '',
      })
    },
  )
})
