import { describe, expect, it } from 'vitest'
import { connectionLogKind } from '../../src/connections/kind.ts'
import type { Database } from '../../src/database/port.ts'
import { sql } from '../../src/database/sql.ts'
import { DAY_MS, HOUR_MS } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createRetention } from '../../src/logs/retention.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { type TestClock, createTestClock } from '../support/clock.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'
import { recordAt } from '../support/old-logs.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const DAYS = 7

/** The database as it is, but for the time that it tells. */
const withTime = (database: Database, now: () => number): Database => ({
  ...database,
  dialect: { ...database.dialect, now: () => sql`SELECT CAST(${BigInt(now())} AS BIGINT) AS now_ms` },
})

/** One log an hour, the oldest of which is just about to expire. */
async function start(provider: Provider) {
  const clock = createTestClock(NOW)
  const app = await startTestApp(provider, { clock })
  const hours = Array.from({ length: DAYS * 24 }, (_, n) => NOW - DAYS * DAY_MS + n * HOUR_MS + 1)
  await recordAt(app.connectionLogs, clock, hours)
  return { app, clock }
}

/** A process that cleans up, whose clock is one and whose database has another. */
const cleaner = ({ database }: TestApp, clock: TestClock, databaseNow: () => number) =>
  createRetention(withTime(database, databaseNow), connectionLogKind, {
    clock,
    keptDays: async () => DAYS,
    logger: silentLogger,
  })

describe.each(PROVIDERS)('cleaning up on %s', (provider) => {
  it('deletes nothing early when the clock of machine and database jumps ahead together, nor ever by a jump of ±24 h', async () => {
    const { app, clock } = await start(provider)
    // One machine, as with SQLite: both clocks are the same.
    const retention = cleaner(app, clock, clock.now)
    const deleted = async () => (await retention.cleanup()).deleted
    expect(await deleted()).toBe(0)
    for (const by of [DAY_MS, -DAY_MS, -DAY_MS, DAY_MS, 365 * DAY_MS, -365 * DAY_MS]) {
      clock.jump(by)
      expect(await deleted()).toBe(0)
    }
    // It has been a day behind in between, which is made up for when that has lasted for a day.
    clock.advance(DAY_MS)
    expect(await deleted()).toBe(24)
    clock.advance(1)
    expect(await deleted()).toBe(1)
    clock.advance(HOUR_MS - 1)
    expect(await deleted()).toBe(0)
  })

  it('goes by the earlier of two clocks, whichever is wrong', async () => {
    const { app, clock } = await start(provider)
    let skewMs = 0
    const ahead = createTestClock(NOW + DAY_MS)
    const both = [cleaner(app, ahead, clock.now), cleaner(app, clock, () => clock.now() + skewMs)]
    for (const skew of [DAY_MS, -DAY_MS, 0]) {
      skewMs = skew
      for (const retention of both) expect((await retention.cleanup()).deleted).toBe(0)
    }
    clock.advance(HOUR_MS)
    expect((await both[0]?.cleanup())?.deleted).toBe(1)
  })

  it('would delete early by the clocks alone: the control', async () => {
    const { app, clock } = await start(provider)
    clock.jump(DAY_MS)
    // Begun after the jump: it has not seen another time.
    expect((await cleaner(app, clock, clock.now).cleanup()).deleted).toBe(24)
  })
})
