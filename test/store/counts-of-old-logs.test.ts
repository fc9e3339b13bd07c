import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { sightOf } from '../../src/auth/sight.ts'
import { CREATE_RECORDS, type Migration, readMigrations } from '../../src/database/migrations.ts'
import { openSqliteConnections } from '../../src/database/sqlite/connections.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { openDatabase } from '../../src/database/open.ts'
import { sql } from '../../src/database/sql.ts'
import { DAY_MS, dayOf, systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createCountKeeper } from '../../src/logs/counts.ts'
import { createQuery } from '../../src/logs/query.ts'
import { createLogStore } from '../../src/logs/store.ts'
import { PROVIDERS, type Provider, createTestDatabase } from '../support/databases.ts'
import { MIGRATIONS } from '../support/migrations.ts'

const NOW = Date.UTC(2026, 10, 18, 12)
const LOGS = 500
const COLUMNS = 'id, user_id, platform, event_type, connection_method, error_code, context, created_at'

/** Logs of before there were counts: of three users, at all times of two days, one in three with an error code. */
const rows = Array.from({ length: LOGS }, (_, index) => ({
  id: `old-${index}`.padEnd(25, 'x'),
  user: index % 7 === 0 ? '' : `u${index % 2}`,
  platform: ['tiktok', 'reddit', 'threads'][index % 3] ?? 'tiktok',
  type: index % 3 === 0 ? 'connect_failed' : 'connect_success',
  code: index % 3 === 0 ? `code-${index % 4}` : null,
  createdAt: NOW - Math.floor((index * 1.9 * DAY_MS) / LOGS),
}))

const text = (value: string | null) => (value === null ? 'NULL' : `'${value}'`)

const insertion = (instant: (ms: number) => string) =>
  `INSERT INTO connection_logs (${COLUMNS}) VALUES ${rows
    .map(
      ({ id, user, platform, type, code, createdAt }) =>
        `('${id}', '${user}', '${platform}', '${type}', 'oauth', ${text(code)}, '{}', ${instant(createdAt)})`,
    )
    .join(', ')};`

const recordOf = (provider: 'sqlite' | 'postgresql', { name, checksum }: Migration, now: string) =>
  `${CREATE_RECORDS[provider]} INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
   VALUES ('1', '${checksum}', '${name}', ${now}, 1);`

/** Makes a database as the first version left it, with logs. */
async function asOfOld(provider: Provider, url: string): Promise<void> {
  if (provider === 'sqlite') {
    const [first] = readMigrations('sqlite')
    if (!first) throw new TypeError('there is no migration')
    const connections = await openSqliteConnections({ path: url.slice('file:'.length), clock: systemClock })
    await connections.script(first.sql + recordOf('sqlite', first, '1'))
    await connections.script(insertion(String))
    await connections.close()
    return
  }
  const [first] = readMigrations('postgresql')
  if (!first) throw new TypeError('there is no migration')
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`CREATE SCHEMA connlog; ${first.sql}${recordOf('postgresql', first, 'now()')}`)
  // The tenth has no logs, and so will have no counts.
  for (const day of [10, 16, 17, 18])
    await client.query(
      `CREATE TABLE connection_logs_p202611${day} PARTITION OF connection_logs FOR VALUES FROM ('2026-11-${day}T00:00:00Z') TO ('2026-11-${day + 1}T00:00:00Z')`,
    )
  await client.query(insertion((ms) => `'${new Date(ms).toISOString()}'`))
  await client.end()
}

describe.each(PROVIDERS)('the migration to counts on %s', (provider) => {
  it('counts the logs that are there', async () => {
    const test = await createTestDatabase(provider, { migrated: false })
    await asOfOld(provider, test.url)
    const database = await openDatabase(test.url, { poolSize: 2, clock: systemClock, logger: silentLogger })
    expect(await database.migrations.apply()).toEqual(MIGRATIONS.slice(1))
    const options = { clock: systemClock, logger: silentLogger }
    const keeper = createCountKeeper(database, connectionLogKind, options)
    const store = createLogStore(database, connectionLogKind, { countedFrom: 0 })
    const horizon = { nowMs: NOW, retentionMs: 7 * DAY_MS }
    const check = async () => {
      for (const day of [-2, -1, 0]) expect(await keeper.miscounted(dayOf(NOW) + day)).toBe(0)
      const everyone = createQuery(sightOf({ userId: null }), { platform: ['reddit'] }, horizon)
      expect(await store.count(everyone)).toBe(rows.filter(({ platform }) => platform === 'reddit').length)
      const one = createQuery(sightOf({ userId: 'u1' }), {}, horizon)
      expect(await store.count(one)).toBe(rows.filter(({ user }) => user === 'u1').length)
      expect((await store.page(one, { limit: 10, skip: 100 })).logs).toHaveLength(10)
    }
    await check()
    await keeper.merge()
    await check()
    expect(await keeper.days()).toEqual([-2, -1, 0].map((day) => dayOf(NOW) + day))

    // Days are dropped with their counts, and without where they have none.
    const through = { logsThroughMs: Date.UTC(2026, 10, 17), eventIdsBeforeDay: 0 }
    const dropped = await database.storage.dropExpired(connectionLogKind.table, through)
    if (provider === 'postgres') {
      const before = Date.UTC(2026, 10, 17)
      expect(dropped.logs).toBe(rows.filter(({ createdAt }) => createdAt < before).length)
      const left = await database.query<{ relname: string }>(
        sql`SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname ~ '^connection_log(s|_counts)_p'`,
      )
      expect(left.map(({ relname }) => relname).sort()).toEqual(
        ['connection_log_counts_p', 'connection_logs_p'].flatMap((name) => [
          `${name}20261117`,
          `${name}20261118`,
        ]),
      )
    }
    await database.close()
    await test.drop()
  })
})
