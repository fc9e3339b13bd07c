import { describe, expect, it } from 'vitest'
import { sql } from '../../src/database/sql.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'
import { recordAt } from '../support/old-logs.ts'

const WINDOWS = 10
const LOGS_A_DAY = 40
const DAYS = 7

/** Bytes that the database takes for logs, counts, words and event ids, whatever of it is in use. */
const sizeOf: Record<Provider, (app: TestApp) => Promise<number>> = {
  sqlite: async ({ database }) => {
    const [row] = await database.query<{ bytes: number | bigint }>(
      sql`SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size`,
    )
    return Number(row?.bytes)
  },
  // What autovacuum does on a server in its own time is done here before each look.
  postgres: async ({ database }) => {
    await database.execute(sql`VACUUM`)
    const [row] = await database.query<{ bytes: bigint }>(
      sql`SELECT sum(pg_total_relation_size(oid))::bigint AS bytes FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`,
    )
    return Number(row?.bytes)
  },
}

describe.each(PROVIDERS)('a database on %s from which as much expires as arrives', (provider) => {
  it('stays as large as it is, over ten windows of the retention', async () => {
    // Ended by now: cleaning up goes by the clock of the database too.
    const begin = Date.now() - (WINDOWS + 1) * DAYS * DAY_MS
    const clock = createTestClock(begin)
    const app = await startTestApp(provider, { clock })
    const sizes: number[] = []
    for (let window = 0; window < WINDOWS; window += 1) {
      for (let day = 0; day < DAYS; day += 1) {
        const from = begin + (window * DAYS + day) * DAY_MS
        clock.set(from + DAY_MS)
        const instants = Array.from(
          { length: LOGS_A_DAY },
          (_, n) => from + (n * DAY_MS) / LOGS_A_DAY + window,
        )
        await recordAt(app.connectionLogs, clock, instants, `${window}-${day}-`)
        await app.counts.merge()
        await app.connectionLogs.cleanup(false)
      }
      sizes.push(await sizeOf[provider](app))
    }
    const [row] = await app.database.query<{ logs: number | bigint; ids: number | bigint }>(
      sql`SELECT (SELECT count(*) FROM connection_logs) AS logs, (SELECT count(*) FROM connection_log_event_ids) AS ids`,
    )
    expect(Number(row?.logs)).toBe(DAYS * LOGS_A_DAY)
    // Event ids are kept until the last day on which a log of theirs was received has expired.
    expect(Number(row?.ids)).toBeLessThanOrEqual((DAYS + 2) * 2 * LOGS_A_DAY)
    // From the third window on, when the first logs have expired and their room is in use again.
    const [early, lateSizes] = [Math.max(...sizes.slice(2, 5)), sizes.slice(5)]
    expect(Math.max(...lateSizes), `sizes window by window: ${sizes.join(', ')}`).toBeLessThanOrEqual(
      early * 1.1,
    )
    await app.stop()
  })
})
