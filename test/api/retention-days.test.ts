import { describe, expect, it } from 'vitest'
import { type Connlog, createConnlog } from '../../src/connlog.ts'
import { CLAIM_LASTS_MS } from '../../src/database/instance.ts'
import { sql } from '../../src/database/sql.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { DAY_MS, systemClock } from '../../src/kernel/clock.ts'
import { type Logger, silentLogger } from '../../src/kernel/logger.ts'
import { createRetention } from '../../src/logs/retention.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'
import { recordAt } from '../support/old-logs.ts'

/** On a busy machine a round of cleaning up may take its time. */
const LOGS = '/api/v1/connections/logs'

/** A database with a log of each of the last 20 days, that no service has run on yet. */
async function start(provider: Provider) {
  const now = Date.now()
  const clock = createTestClock(now)
  const app = await startTestApp(provider, { clock, env: { RETENTION_DAYS: '30' } })
  const days = Array.from({ length: 20 }, (_, n) => now - (20 - n) * DAY_MS + DAY_MS / 2)
  await recordAt(app.connectionLogs, clock, days)
  return { app, key: await app.key(null) }
}

const services = (app: TestApp) => {
  const running: Connlog[] = []
  return {
    /** Starts a service as an operator does, with a setting or without. */
    serve: async (retentionDays?: number) => {
      const warnings: string[] = []
      const logger: Logger = {
        debug: () => undefined,
        info: () => undefined,
        warn: (fields, message) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
        error: (fields, message) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
      }
      const connlog = createConnlog({
        databaseUrl: app.url,
        retentionDays,
        cleanupIntervalSeconds: 1,
        logger,
      })
      await connlog.start()
      running.push(connlog)
      return { connlog, warnings }
    },
    stop: async () => {
      for (const connlog of running.splice(0)) await connlog.stop()
    },
  }
}

async function stored({ database }: TestApp): Promise<number> {
  const [row] = await database.query<{ n: number | bigint }>(sql`SELECT count(*) AS n FROM connection_logs`)
  return Number(row?.n)
}

/** As if the services that ran had ended a while ago. */
const letClaimsRunOut = ({ database }: TestApp) =>
  database.execute(sql`UPDATE instance SET retention_claimed_ms = retention_claimed_ms - ${CLAIM_LASTS_MS}`)

async function seen(connlog: Connlog, key: string, days: number): Promise<number> {
  const response = await connlog.fetch(
    new Request(`http://connlog.test${LOGS}?days=${days}`, { headers: { authorization: `Bearer ${key}` } }),
  )
  const body = (await response.json()) as { pagination: { total: number } }
  return body.pagination.total
}

const cleanedUp = async (connlog: Connlog, key: string): Promise<number> => {
  const response = await connlog.fetch(
    new Request('http://connlog.test/graphql', {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'mutation { cleanupExpiredConnectionLogs { deleted } }' }),
    }),
  )
  const body = (await response.json()) as { data: { cleanupExpiredConnectionLogs: { deleted: number } } }
  return body.data.cleanupExpiredConnectionLogs.deleted
}

describe.each(PROVIDERS)('RETENTION_DAYS on %s', (provider) => {
  it('is remembered: commands and services that are not told go by it, and cleanup refuses another', async () => {
    const { app, key } = await start(provider)
    const { serve, stop } = services(app)
    const first = await serve(15)
    await expect.poll(() => stored(app)).toBe(15)
    await stop()
    // A shell without the setting of the service, and one with another.
    expect((await runCommand(['cleanup'], { DATABASE_URL: app.url })).stdout).toMatch(
      /^0 expired logs deleted/,
    )
    for (const days of ['7', '30']) {
      const refused = await runCommand(['cleanup'], { DATABASE_URL: app.url, RETENTION_DAYS: days })
      expect(refused).toEqual({
        code: 1,
        stdout: '',
        stderr: `Expected \`RETENTION_DAYS\` to be 15, as the services of this database have it, or not to be set, got ${days}. Nothing was deleted. To change it, start the service with it.\n`,
      })
    }
    const agreed = await runCommand(['cleanup'], { DATABASE_URL: app.url, RETENTION_DAYS: '15' })
    expect(agreed.stdout).toMatch(/^0 expired logs deleted/)
    const again = await serve()
    expect(await seen(again.connlog, key, 15)).toBe(15)
    expect([await stored(app), first.warnings, again.warnings]).toEqual([15, [], []])
    await stop()
  })

  it('shortened hides at once, and deletes once nobody has asked for longer within the last minute; lengthened shows what is left', async () => {
    const { app, key } = await start(provider)
    const { serve, stop } = services(app)
    const long = await serve(18)
    await expect.poll(() => stored(app)).toBe(18)
    expect(await seen(long.connlog, key, 18)).toBe(18)
    await stop()

    const short = await serve(5)
    expect(await seen(short.connlog, key, 7)).toBe(5)
    expect(await cleanedUp(short.connlog, key)).toBe(0)
    expect([await stored(app), short.warnings]).toEqual([
      18,
      [
        'RETENTION_DAYS is not what a service on this database has said within the last minute: give all of them the same {"retentionDays":5,"beforeDays":18}',
      ],
    ])
    await stop()

    // Longer again: what is not deleted yet counts.
    const longer = await serve(19)
    expect(await seen(longer.connlog, key, 19)).toBe(18)
    await stop()

    await letClaimsRunOut(app)
    const shorter = await serve(5)
    expect(shorter.warnings).toEqual([
      'RETENTION_DAYS is not what it was on this database {"retentionDays":5,"beforeDays":19}',
    ])
    await expect.poll(() => stored(app)).toBe(5)
    await stop()
  })

  it('of two services that run, the longer one prevails, whichever started first, and the other one says so', async () => {
    const { app, key } = await start(provider)
    const { serve, stop } = services(app)
    const long = await serve(18)
    await expect.poll(() => stored(app)).toBe(18)
    const short = await serve(3)
    for (const { connlog } of [short, long, short]) expect(await cleanedUp(connlog, key)).toBe(0)
    expect([await stored(app), long.warnings, short.warnings.length]).toEqual([18, [], 1])
    await stop()
    await letClaimsRunOut(app)
    const first = await serve(15)
    await expect.poll(() => stored(app)).toBe(15)
    const second = await serve(17)
    expect(await cleanedUp(first.connlog, key)).toBe(0)
    expect(first.warnings.at(-1)).toBe(
      'another service on this database has a longer RETENTION_DAYS: nothing is deleted before that {"retentionDays":15,"keptDays":17}',
    )
    expect(second.warnings).toEqual([
      'RETENTION_DAYS is not what a service on this database has said within the last minute: give all of them the same {"retentionDays":17,"beforeDays":15}',
    ])
    await stop()
  })

  it('would be undone by a service that deletes by its own setting: the control', async () => {
    const { app } = await start(provider)
    const { serve, stop } = services(app)
    await serve(18)
    await expect.poll(() => stored(app)).toBe(18)
    const heedless = { clock: systemClock, keptDays: async () => 3, logger: silentLogger }
    const retention = createRetention(app.database, connectionLogKind, heedless)
    // Where the service is at it at that moment, it is left to that one.
    const deleted = async () => {
      await retention.cleanup()
      return stored(app)
    }
    await expect.poll(deleted).toBe(3)
    await stop()
  })
})
