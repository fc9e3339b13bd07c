import { describe, expect, it } from 'vitest'
import { OPERATOR } from '../../src/auth/principal.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { DAY_MS, MINUTE_MS, dayOf } from '../../src/kernel/clock.ts'
import { sql } from '../../src/database/sql.ts'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const EVENT = { platform: 'reddit', eventType: 'connect_failed', connectionMethod: 'oauth' } as const
const sent = (...values: object[]) => values.map((value) => ({ value: { ...EVENT, ...value }, at: '' }))
const codeOf = (error: unknown) => (error instanceof AppError ? error.code : error)

describe.each(PROVIDERS)('recording on %s', (provider) => {
  it('stores the same event id of the same user once and answers with the log that was stored first', async () => {
    const app = await startTestApp(provider)
    const logs = app.connectionLogsOf({ ...OPERATOR, userId: 'u1' })
    const [first] = await logs.record(sent({ eventId: 'e1', metadata: { b: [1, 2], a: 'x' } }))
    const [again] = await logs.record(sent({ eventId: 'e1', metadata: { a: 'x', b: [1, 2] }, error: null }))
    expect(first?.created).toBe(true)
    expect(again).toEqual({ log: first?.log, created: false })
    const [other] = await app.connectionLogsOf({ ...OPERATOR, userId: 'u2' }).record(sent({ eventId: 'e1' }))
    const [nobody] = await app.connectionLogs.record(sent({ eventId: 'e1' }))
    expect([other?.created, nobody?.created]).toEqual([true, true])
  })

  it('refuses the same event id with other content as a conflict and stores nothing of that request', async () => {
    const app = await startTestApp(provider)
    await app.connectionLogs.record(sent({ eventId: 'e1', durationMs: 1 }))
    const conflict = await app.connectionLogs
      .record([
        { value: { ...EVENT, eventId: 'e2' }, at: 'inputs[0]', index: 0 },
        { value: { ...EVENT, eventId: 'e1', durationMs: 2 }, at: 'inputs[1]', index: 1 },
      ])
      .catch((error: unknown) => error)
    expect(conflict).toMatchObject({
      code: 'CONFLICT',
      index: 1,
      message:
        'Expected `inputs[1].eventId` to be new or to repeat the log that it was first sent with, got "e1" with other content.',
    })
    const within = await app.connectionLogs
      .record(sent({ eventId: 'e3', durationMs: 1 }, { eventId: 'e3', durationMs: 2 }))
      .catch(codeOf)
    expect(within).toBe('CONFLICT')
    expect((await app.connectionLogs.page({}, {})).pagination.total).toBe(1)
    const each = await app.connectionLogs.recordEach(
      sent({ eventId: 'e2' }, { eventId: 'e1', durationMs: 2 }, { eventId: 'e1', durationMs: 1 }),
    )
    expect(each.map((outcome) => (outcome instanceof AppError ? outcome.code : outcome.created))).toEqual([
      true,
      'CONFLICT',
      false,
    ])
  })

  it('holds a given createdAt, and only a given one, against the log that was stored first', async () => {
    const now = Date.UTC(2026, 10, 20)
    const clock = createTestClock(now)
    const app = await startTestApp(provider, { clock })
    const at = (ms: number) => ({ createdAt: new Date(ms).toISOString() })
    await app.connectionLogs.record(sent({ eventId: 'e1', ...at(now - DAY_MS) }))
    const record = (value: object) =>
      app.connectionLogs.record(sent(value)).then(([outcome]) => outcome?.created, codeOf)
    expect(await record({ eventId: 'e1' })).toBe(false)
    expect(await record({ eventId: 'e1', ...at(now - DAY_MS) })).toBe(false)
    expect(await record({ eventId: 'e1', ...at(now - DAY_MS + 1) })).toBe('CONFLICT')
  })

  it('stores one of many equal requests that race, also over midnight and between days', async () => {
    const midnight = dayOf(Date.UTC(2026, 10, 20)) * DAY_MS
    const clock = createTestClock(midnight)
    const app = await startTestApp(provider, { clock })
    const tries: Promise<boolean | undefined>[] = []
    for (let index = 0; index < 60; index += 1) {
      // Half of the requests are received before midnight and half after, at the same time.
      clock.set(midnight + (index % 2 === 0 ? -MINUTE_MS : MINUTE_MS))
      const values = [{ eventId: `race-${index % 3}` }, { eventId: `race-${(index + 1) % 3}` }]
      const order = index % 4 < 2 ? values : [...values].reverse()
      for (const value of order) {
        tries.push(app.connectionLogs.record(sent(value)).then(([outcome]) => outcome?.created))
      }
    }
    const created = (await Promise.all(tries)).filter(Boolean).length
    clock.set(midnight + 3 * DAY_MS)
    const [late] = await app.connectionLogs.record(sent({ eventId: 'race-0' }))
    expect({
      created,
      late: late?.created,
      total: (await app.connectionLogs.page({}, {})).pagination.total,
    }).toEqual({ created: 3, late: false, total: 3 })
  })

  it('takes overlapping batches in opposite orders at once, without deadlock and without storing twice', async () => {
    const app = await startTestApp(provider)
    const ids = Array.from({ length: 200 }, (_, index) => ({ eventId: `b${index}` }))
    const batches = Array.from({ length: 12 }, (_, index) =>
      sent(...(index % 2 === 0 ? ids : [...ids].reverse())),
    )
    const outcomes = (await Promise.all(batches.map((batch) => app.connectionLogs.record(batch)))).flat()
    expect(outcomes.filter(({ created }) => created).length).toBe(200)
    expect((await app.connectionLogs.page({}, {})).pagination.total).toBe(200)
  })

  it('keeps an imported id, finds the log by it, and takes it for the event id', async () => {
    const now = Date.UTC(2026, 10, 20)
    const app = await startTestApp(provider, { clock: createTestClock(now) })
    const createdAt = new Date(now - 1).toISOString()
    const [late] = await app.connectionLogs.record(sent({ _id: '675f1c0a9e2b5af0012ab34cd', createdAt }))
    expect(late?.log).toMatchObject({ id: '675f1c0a9e2b5af0012ab34cd', eventId: null })
    expect(await app.connectionLogs.get('675f1c0a9e2b5af0012ab34cd')).toEqual(late?.log)
    expect(await app.connectionLogs.record(sent({ _id: '675f1c0a9e2b5af0012ab34cd', createdAt }))).toEqual([
      { log: late?.log, created: false },
    ])
    expect(await app.connectionLogs.record(sent({ eventId: '675f1c0a9e2b5af0012ab34cd' }))).toEqual([
      { log: late?.log, created: false },
    ])

    const [own] = await app.connectionLogs.record(sent({ eventId: 'mine' }))
    const copy = { ...EVENT, _id: own?.log.id, eventId: 'mine', createdAt: new Date(now).toISOString() }
    expect(await app.connectionLogs.record([{ value: copy, at: '' }])).toEqual([
      { log: own?.log, created: false },
    ])

    // An id that could be taken for one of ours but has another time could not be found by it again.
    const [misfit] = await app.connectionLogs.record(
      sent({ _id: '0198c0de-0000-7000-8000-000000000000', createdAt }),
    )
    expect(misfit?.log.eventId).toBe('0198c0de-0000-7000-8000-000000000000')
    expect(misfit?.log.id).not.toBe('0198c0de-0000-7000-8000-000000000000')
    expect(await app.connectionLogs.get(misfit?.log.id ?? '')).toEqual(misfit?.log)
  })

  it('orders logs of one millisecond as they were recorded', async () => {
    const app = await startTestApp(provider, { clock: createTestClock(Date.UTC(2026, 10, 20)) })
    const recorded = await app.connectionLogs.record(
      sent(...Array.from({ length: 100 }, (_, durationMs) => ({ durationMs }))),
    )
    const { logs } = await app.connectionLogs.page({}, { limit: 100 })
    expect(logs).toEqual(recorded.map(({ log }) => log).reverse())
  })

  it('keeps no token anywhere in the database', async () => {
    const app = await startTestApp(provider)
    const CANARY = 'EAACanary0123456789'
    await app.connectionLogs.record(
      sent({
        context: { invitationToken: CANARY, connectToken: CANARY, isBYOK: true },
        error: {
          code: 'token_exchange_failed',
          message: `POST /oauth?client_secret=${CANARY} said no`,
          rawResponse:
            `{"access_token":"${CANARY}","nested":"{\\"refresh_token\\":\\"${CANARY}\\"}"} Authorization: Bearer ${CANARY}`.padEnd(
              2_020,
            ) + `access_token=${CANARY}`,
        },
        metadata: { access_token: CANARY, note: `id_token=${CANARY}` },
        success: { profilePicture: `https://graph.example/p?access_token=${CANARY}&size=2` },
      }),
    )
    const rows = await app.database.query(sql`SELECT * FROM connection_logs`)
    const text = JSON.stringify(rows, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    expect(text).toContain('[redacted]')
    expect(text).not.toContain('Canary')
    const [log] = (await app.connectionLogs.page({}, {})).logs
    expect(log?.context).toEqual({ isBYOK: true })
    expect(log?.error?.rawResponse?.length).toBe(2_000)
    expect(log?.success?.profilePicture).toBe('https://graph.example/p?access_token=[redacted]&size=2')
  })
})
