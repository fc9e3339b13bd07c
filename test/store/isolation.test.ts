import { EventEmitter, once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { OPERATOR } from '../../src/auth/principal.ts'
import { sightOf } from '../../src/auth/sight.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { PLATFORMS } from '../../src/connections/event.ts'
import { createRecordParser } from '../../src/connections/input.ts'
import { newConnectionLog } from '../../src/connections/record.ts'
import { overClient } from '../../src/database/client.ts'
import { NO_HINTS } from '../../src/database/hints.ts'
import type { Database } from '../../src/database/port.ts'
import { readMigrations } from '../../src/database/migrations.ts'
import { empty, sql } from '../../src/database/sql.ts'
import { sqliteDialect } from '../../src/database/sqlite/dialect.ts'
import { PrismaClient } from '../../src/generated/sqlite/client.ts'
import { DAY_MS, systemClock } from '../../src/kernel/clock.ts'
import { createIdMint } from '../../src/kernel/ids.ts'
import { createQuery } from '../../src/logs/query.ts'
import { createLogStore } from '../../src/logs/store.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS, createTestDatabase } from '../support/databases.ts'
import { openNaiveAdapter } from '../support/naive-sqlite-adapter.ts'

const HORIZON = { nowMs: Date.UTC(2026, 10, 20), retentionMs: 7 * DAY_MS }
const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
const REQUESTS = 10

/**
 * A stranger begins a transaction, stores a log in it, waits, and rolls back. Meanwhile other requests store logs,
 * with and without event ids, and read.
 */
async function interleave(database: Database): Promise<{ lost: number; seenUncommitted: number }> {
  const store = createLogStore(database, connectionLogKind)
  const context = {
    principal: OPERATOR,
    mintId: createIdMint(),
    parse: createRecordParser(PLATFORMS),
    ...HORIZON,
  }
  const log = (value: object) => newConnectionLog({ value: { ...EVENT, ...value }, at: '' }, context)
  const total = async () => {
    const [row] = await database.query<{ n: number | bigint }>(sql`SELECT count(*) AS n FROM connection_logs`)
    return Number(row?.n)
  }
  /** One statement on its own, which an unsafe adapter lets join whatever transaction is open. */
  const appendPlainly = async () => {
    const [statement = empty] = database.dialect.append(
      connectionLogKind.table,
      [connectionLogKind.toRow(log({}).log)],
      [],
    )
    await database.execute(statement)
  }
  // Partitions, where there are any, are made before; the scenario is about rows.
  await store.append([[log({ accountId: 'before' })]], () => HORIZON)

  const signals = new EventEmitter()
  const begun = once(signals, 'begun')
  const stranger = database.transaction(async (tx) => {
    const uncommitted = connectionLogKind.toRow(log({ accountId: 'stranger' }).log)
    for (const statement of database.dialect.append(connectionLogKind.table, [uncommitted], []))
      await tx.execute(statement)
    const told = once(signals, 'roll back')
    signals.emit('begun')
    await told
    throw new Error('rolled back')
  })
  await begun
  const acknowledged = Array.from({ length: REQUESTS }, (_, index) =>
    index % 2 === 0
      ? appendPlainly()
      : store.append([[log(index % 4 === 1 ? {} : { eventId: `e${index}` })]], () => HORIZON),
  )
  const seen = await store.count(createQuery(sightOf({ userId: null }), { accountId: ['stranger'] }, HORIZON))
  // Time enough for whatever would be acknowledged before the rollback; those that wait for their turn go on waiting.
  await Promise.race([Promise.allSettled(acknowledged), systemClock.sleep(300)])
  signals.emit('roll back')
  await stranger.catch(() => undefined)
  const stored = (await Promise.allSettled(acknowledged)).filter(
    ({ status }) => status === 'fulfilled',
  ).length
  return { lost: stored + 1 - (await total()), seenUncommitted: seen }
}

describe.each(PROVIDERS)(
  'two requests interleaved with a transaction that is rolled back on %s',
  (provider) => {
    it('lose no acknowledged log and see none that is uncommitted', async () => {
      const { database } = await startTestApp(provider)
      expect(await interleave(database)).toEqual({ lost: 0, seenUncommitted: 0 })
    })
  },
)

describe('the same requests over an adapter with one connection, as the official one has', () => {
  it('lose logs and see what is uncommitted', async () => {
    const test = await createTestDatabase('sqlite')
    const adapter = openNaiveAdapter(test.url.slice('file:'.length))
    for (const { sql } of readMigrations('sqlite')) await adapter.executeScript(sql)
    const client = new PrismaClient({
      adapter: { provider: 'sqlite', adapterName: 'naive', connect: async () => adapter },
    })
    const over = overClient(client)
    const naive: Database = {
      ...over,
      writing: over.transaction,
      dialect: sqliteDialect,
      readsAtOnce: 1,
      storage: {
        prepare: async () => undefined,
        lacksPart: () => false,
        dropExpired: async () => ({ logs: 0, inUse: [], isElsewhere: false }),
        mergeCounts: async () => false,
      },
      allowances: undefined,
      eraser: {
        transaction: over.transaction,
        clearCounts: async () => undefined,
        scrub: async () => ({ scrubbed: false, remark: null }),
      },
      hints: NO_HINTS,
      load: { system: 'sqlite', pool: () => undefined, backlog: async () => undefined },
      health: { settings: async () => [], space: async () => [], storage: async () => [] },
      migrations: {
        apply: async () => [],
        applied: async () => [],
        pending: async () => [],
        isNew: async () => false,
      },
      close: () => client.$disconnect(),
    }
    const { lost, seenUncommitted } = await interleave(naive)
    expect(seenUncommitted).toBe(1)
    expect(lost).toBeGreaterThan(0)
    await naive.close()
    await test.drop()
  })
})
