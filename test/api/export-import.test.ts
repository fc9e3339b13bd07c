import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATOR, type Principal } from '../../src/auth/principal.ts'
import type { ConnectionLogs } from '../../src/connections/connection-logs.ts'
import type { ConnectionLog } from '../../src/connections/event.ts'
import { exportFormats } from '../../src/connections/export-format.ts'
import { ingestLines } from '../../src/connections/ndjson.ts'
import { toLate } from '../../src/connections/rest.ts'
import { raw, sql } from '../../src/database/sql.ts'
import { DAY_MS, HOUR_MS, systemClock } from '../../src/kernel/clock.ts'
import { NEVER_YIELDS } from '../../src/kernel/yield-if-long.ts'
import { createIdMint } from '../../src/kernel/ids.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'
import { nastyLogs } from '../support/nasty-logs.ts'
import { instants, recordInputs } from '../support/random-logs.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const RUNS = 25
const clock = createTestClock(NOW)
const mintId = createIdMint()

/** A source and a target of each provider. */
const apps = new Map<string, TestApp>()
const appOf = (provider: Provider, role: 'source' | 'target') => apps.get(`${role} ${provider}`) as TestApp

beforeAll(async () => {
  for (const provider of PROVIDERS)
    for (const role of ['source', 'target'])
      apps.set(`${role} ${provider}`, keep(await startTestApp(provider, { clock })))
})
afterAll(async () => {
  for (const app of apps.values()) await app.stop()
})

const LATE_IDS = [
  '675f1c0a9e2b5af0012ab34cd',
  '675f1c0a9e2b5af0012ab34ce',
  'a',
  '"id", \\ 🙂',
  'x'.repeat(128),
]
const EVENT_IDS = [
  'attempt-1',
  'attempt, 2',
  LATE_IDS[0],
  '01A1F75B-07F1-7390-B853-8E5E94B40422',
  'ü'.repeat(36),
]
const SECRETS = [
  'POST /oauth?client_secret=0123abcd&code=1 failed',
  'token='.repeat(600),
  `${'access_token=x&'.repeat(200)}Bearer ${'a1'.repeat(300)}`,
  `${'y'.repeat(1_990)} access_token=EAABsbCS1iHg0BAKZC9`,
  '{"token":"","password":"","n":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"}',
]
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 })

/** The names that a producer or another service may have given a log: none, its own, ours, of the log's time or not. */
const named = (inputs: fc.Arbitrary<object>) =>
  fc
    .record({
      input: inputs,
      _id: maybe(
        fc.oneof(
          fc.constantFrom(...LATE_IDS, 'minted', 'minted', 'minted at another time'),
          fc.uuid(),
          fc.uuid().map((uuid) => uuid.slice(11)),
        ),
      ),
      eventId: maybe(fc.oneof(fc.constantFrom(...EVENT_IDS), fc.uuid())),
      createdAt: instants(NOW),
    })
    .map(({ input, _id, eventId, createdAt }) => ({
      ...input,
      _id:
        _id === 'minted'
          ? mintId(createdAt)
          : _id === 'minted at another time'
            ? mintId(NOW - 7 * HOUR_MS - 1)
            : _id,
      eventId,
      createdAt: new Date(createdAt).toISOString(),
    }))

const redacted = fc
  .record({
    error: fc.record({ message: fc.constantFrom(...SECRETS), rawResponse: fc.constantFrom(...SECRETS) }),
    success: maybe(
      fc.record({ profilePicture: fc.constantFrom(...SECRETS).map((text) => text.slice(0, 2_048)) }),
    ),
    metadata: fc.record({
      accessToken: fc.constantFrom('a', 1, null, true),
      text: fc.constantFrom(...SECRETS),
      many: fc.constantFrom(
        {},
        Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`${index}_token`, 1])),
      ),
    }),
  })
  .map((parts) => ({
    platform: 'facebook',
    eventType: 'connect_failed',
    connectionMethod: 'oauth',
    ...parts,
  }))

const logs = fc.array(named(fc.oneof(nastyLogs(NOW), recordInputs(NOW), redacted)), {
  minLength: 1,
  maxLength: 40,
  size: 'max',
})

async function clear({ database, url }: TestApp): Promise<void> {
  const tables = ['connection_logs', 'connection_log_event_ids', 'connection_log_counts']
  if (url.startsWith('postgres')) tables.push('connection_log_count_deltas')
  for (const table of tables) await database.execute(sql`DELETE FROM ${raw(table)}`)
}

async function exported({ connectionLogs }: TestApp): Promise<string> {
  let text = ''
  for await (const page of connectionLogs.everything({})) text += exportFormats.ndjson.write(page)
  return text
}

const imported = ({ connectionLogs }: TestApp, text: string) =>
  ingestLines([Buffer.from(text)], connectionLogs, {
    clock: systemClock,
    yieldIfLong: NEVER_YIELDS,
  })

/** All that the store tells of its logs, by its pages. */
async function told({ connectionLogs }: TestApp): Promise<ConnectionLog[]> {
  const found: ConnectionLog[] = []
  for (let skip = 0; ; skip += 100) {
    const { logs: page } = await connectionLogs.page({}, { limit: 100, skip })
    if (page.length === 0) return found
    found.push(...page)
  }
}

describe.each(PROVIDERS.flatMap((from) => PROVIDERS.map((to) => ({ from, to }))))(
  'from $from to $to',
  ({ from, to }) => {
    it('what was exported and imported is the same: logs, ids, event ids, instants and all that they hold', async () => {
      const [source, target] = [appOf(from, 'source'), appOf(to, 'target')]
      let stored = 0
      await fc.assert(
        fc.asyncProperty(logs, async (inputs) => {
          await clear(source)
          await clear(target)
          await source.connectionLogs.recordEach(inputs.map((value) => ({ value, at: '' })))
          const text = await exported(source)
          const count = text.split('\n').length - 1
          expect(await imported(target, text)).toEqual({
            accepted: count,
            duplicates: 0,
            rejected: 0,
            errors: [],
          })
          expect(await exported(target)).toBe(text)
          expect(await told(target)).toEqual(await told(source))
          expect(await imported(target, text)).toEqual({
            accepted: 0,
            duplicates: count,
            rejected: 0,
            errors: [],
          })
          stored += count
        }),
        { numRuns: RUNS, seed: 20_261_120 },
      )
      expect(stored).toBeGreaterThan(RUNS * 8)
    })
  },
)

it('would not be the same without the event ids, as Late writes logs', async () => {
  const [source, target] = [appOf('sqlite', 'source'), appOf('sqlite', 'target')]
  await clear(source)
  await clear(target)
  const value = {
    platform: 'reddit',
    eventType: 'disconnect',
    connectionMethod: 'oauth',
    eventId: 'attempt-1',
  }
  await source.connectionLogs.record([
    { value: { ...value, createdAt: new Date(NOW - DAY_MS).toISOString() }, at: '' },
  ])
  const lines = (await told(source)).map((log) => `${JSON.stringify(toLate(log))}\n`).join('')
  expect((await imported(target, lines)).accepted).toBe(1)
  expect(await exported(target)).not.toBe(await exported(source))
})

it.each(PROVIDERS)(
  'limits hold after redaction too, so that nothing stored is refused when it comes back (%s)',
  async (provider) => {
    const { connectionLogs } = appOf(provider, 'source')
    const value = { platform: 'reddit', eventType: 'connect_failed', connectionMethod: 'oauth' }
    const message = 'token=a&'.repeat(500)
    const [recorded] = await connectionLogs.record([{ value: { ...value, error: { message } }, at: '' }])
    expect(recorded?.log.error?.message).toBe('token=[redacted]&'.repeat(236).slice(0, 4_000))
    const metadata = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`${index}_token`, 1]))
    await expect(connectionLogs.record([{ value: { ...value, metadata }, at: '' }])).rejects.toThrow(
      /^Expected `metadata` to be an object of at most 16384 bytes as JSON, with \[redacted\] in the place of secrets, got a larger one\.$/,
    )
  },
)

it.each(PROVIDERS)('everything is what the key reaches (%s)', async (provider) => {
  const app = appOf(provider, 'source')
  await clear(app)
  const value = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
  const days = [3, 1, 1, 0]
  await app.connectionLogs.record(
    days.map((day, index) => ({
      value: { ...value, userId: `u${index % 2}`, createdAt: new Date(NOW - day * DAY_MS).toISOString() },
      at: '',
    })),
  )
  const agesOf = async (principal: Principal, ...asked: Parameters<ConnectionLogs['everything']>) => {
    const ages: number[] = []
    for await (const page of app.connectionLogsOf(principal).everything(...asked))
      ages.push(...page.map(({ createdAt }) => (NOW - createdAt) / DAY_MS))
    return ages
  }
  const u1 = { ...OPERATOR, userId: 'u1' }
  expect(await agesOf(OPERATOR, {})).toEqual([3, 1, 1, 0])
  expect(await agesOf(OPERATOR, { userId: ['u1'] })).toEqual([1, 0])
  expect(await agesOf(u1, {})).toEqual([1, 0])
  // A log of exactly so many days ago is no longer of the last ones, as in a page.
  expect(await agesOf(OPERATOR, {}, { days: 1 })).toEqual([0])
  await expect(agesOf(u1, { userId: ['u1'] })).rejects.toThrow(/service key/)
  await expect(agesOf(OPERATOR, {}, { days: 8 })).rejects.toThrow(
    'Expected `days` to be a whole number from 1 to 7, got 8.',
  )
})
