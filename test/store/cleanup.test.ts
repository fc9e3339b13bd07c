import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config/config.ts'
import { CLEANUP_LOCK } from '../../src/database/postgres/locks.ts'
import { sql } from '../../src/database/sql.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, dayOf, systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { runCommand, startCommand } from '../support/command.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'
import { recordAt } from '../support/old-logs.ts'

/** On a busy machine a round of cleaning up may take its time. */
const DAYS = 7

const open = (url: string): Promise<App> =>
  createApp({ config: parseConfig({ DATABASE_URL: url }), logger: silentLogger })

/** `expired` logs of the three days before the retention begins, and `living` ones of the days since. */
async function withOldLogs(provider: Provider, { expired, living }: { expired: number; living: number }) {
  // Cleaning up goes by the clock of the database too, which cannot be set.
  const now = Date.now()
  const clock = createTestClock(now)
  const app = await startTestApp(provider, { clock })
  const edge = now - DAYS * DAY_MS
  const spread = (n: number, from: number, to: number) =>
    Array.from({ length: n }, (_, k) => Math.floor(from + ((k + 0.5) * (to - from)) / n))
  await recordAt(app.connectionLogs, clock, [
    ...spread(expired, edge - 3 * DAY_MS, edge),
    ...spread(living, edge + HOUR_MS, now),
  ])
  return app
}

async function stored({ database }: TestApp): Promise<number> {
  const [row] = await database.query<{ n: number | bigint }>(sql`SELECT count(*) AS n FROM connection_logs`)
  return Number(row?.n)
}

/** How many counts are wrong, over all days. */
async function miscounted({ counts }: TestApp): Promise<number> {
  let wrong = 0
  for (const day of await counts.days()) wrong += await counts.miscounted(day)
  return wrong
}

describe.each(PROVIDERS)('cleaning up on %s', (provider) => {
  it('deletes each log once, however many processes are at it', async () => {
    const app = await withOldLogs(provider, { expired: 800, living: 300 })
    const others = await Promise.all(Array.from({ length: 4 }, () => open(app.url)))
    const results = await Promise.all(others.map((other) => other.connectionLogs.cleanup(false)))
    const sum = results.reduce((total, { deleted }) => total + deleted, 0)
    // Somebody may have been left with the rest of another one: nothing is left for the next round to find.
    const rest = await app.connectionLogs.cleanup(false)
    expect({ deleted: sum + rest.deleted, rest: rest.deleted }).toEqual({ deleted: 800, rest: 0 })
    expect([await stored(app), await miscounted(app)]).toEqual([300, 0])
    for (const other of others) await other.stop()
  })

  it('goes on where a process that was killed in the midst of it has left off', async () => {
    const app = await withOldLogs(provider, { expired: 1_200, living: 100 })
    for (const afterMs of [400, 700, 1_000]) {
      const command = startCommand(['cleanup'], { DATABASE_URL: app.url })
      await systemClock.sleep(afterMs)
      command.kill('SIGKILL')
      await command.finished
      expect(await miscounted(app)).toBe(0)
    }
    expect((await runCommand(['cleanup'], { DATABASE_URL: app.url })).code).toBe(0)
    expect([await stored(app), await miscounted(app)]).toEqual([100, 0])
  })

  it('deletes exactly what a dry run just before has told, at the very millisecond and with notes that wait', async () => {
    // Yesterday: a clock ahead of that of the database is not believed.
    const now = (dayOf(Date.now()) - 1) * DAY_MS
    const clock = createTestClock(now)
    const app = await startTestApp(provider, { clock })
    const edge = now - DAYS * DAY_MS
    // Around midnight, where whole days end, and within one minute.
    const around = [-DAY_MS, -HOUR_MS, -MINUTE_MS, -1, 0, 1, 2, MINUTE_MS - 1, MINUTE_MS, HOUR_MS]
    const instants = around.flatMap((by) => Array.from({ length: 1 + (Math.abs(by) % 4) }, () => edge + by))
    await recordAt(app.connectionLogs, clock, instants)
    let left = instants.length
    for (const [index, at] of [-1, 0, 1, 2, MINUTE_MS - 1, MINUTE_MS, HOUR_MS].entries()) {
      clock.set(now + at)
      if (index === 3) await app.counts.merge()
      const dry = await app.connectionLogs.cleanup(true)
      expect(dry).toEqual({
        deleted: instants.filter((ms) => ms <= edge + at).length - (instants.length - left),
        dryRun: true,
        isElsewhere: false,
        cutoffMs: edge + at,
      })
      expect(await stored(app)).toBe(left)
      const done = await app.connectionLogs.cleanup(false)
      expect(done).toEqual({ ...dry, dryRun: false })
      left -= done.deleted
      expect(await stored(app)).toBe(left)
    }
    expect([left, await miscounted(app)]).toEqual([0, 0])
  })
})

describe('cleaning up on postgres', () => {
  it('is left to the process that is at it, and free again when that one is gone', async () => {
    const app = await withOldLogs('postgres', { expired: 200, living: 0 })
    const holder = new pg.Client(app.url)
    holder.on('error', () => undefined)
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query(`SELECT pg_advisory_xact_lock(${CLEANUP_LOCK})`)
    expect(await app.connectionLogs.cleanup(false)).toMatchObject({ deleted: 0, isElsewhere: true })
    const command = await runCommand(['cleanup'], { DATABASE_URL: app.url })
    expect(command.stdout).toMatch(
      /^0 expired logs deleted: .*\nAnother process is cleaning up at this moment\. The rest is left to it\.\n$/,
    )
    const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await app.database.query(sql`SELECT pg_terminate_backend(${rows[0]?.pid}::integer)`)
    await expect.poll(() => app.connectionLogs.cleanup(false)).toMatchObject({ isElsewhere: false })
    expect([await stored(app), await miscounted(app)]).toEqual([0, 0])
    await holder.end().catch(() => undefined)
  })
})
