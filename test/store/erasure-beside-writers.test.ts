import { describe, expect, it } from 'vitest'
import { raw, sql } from '../../src/database/sql.ts'
import { DAY_MS, systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { startTestApp } from '../support/app.ts'
import { telling } from '../support/canary.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const NOW = Date.UTC(2026, 10, 18, 12)
const WRITERS = 6
const BATCHES = 12

describe.each(PROVIDERS)('an erasure on %s beside writers of the same user and of others', (provider) => {
  it('takes all that was there when it began, and leaves counts exact and every other event known', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, { clock, env: { POOL_SIZE: '20' } })
    const sentBy = (writer: number, batch: number, userId: string) =>
      Array.from({ length: 12 }, (_, index) => ({
        value: {
          ...telling('gone', batch * 12 + index, { userId, names: false }),
          eventId: `${writer}-${batch}-${index}`,
          createdAt: formatInstant(NOW - (index % 2) * 3 * DAY_MS),
        },
        at: '',
      }))
    const before: string[] = []
    for (let batch = 0; batch < 40; batch += 1) {
      const recorded = await app.connectionLogs.record(sentBy(99, batch, 'gone-user'))
      before.push(...recorded.map(({ log }) => log.id))
    }

    const done = new AbortController()
    const meanwhile = async (work: () => Promise<unknown>) => {
      for (; !done.signal.aborted; await systemClock.sleep(1)) await work()
    }
    const background = [
      meanwhile(() => app.counts.merge()),
      meanwhile(() => app.connectionLogs.cleanup(false)),
      meanwhile(() => app.connectionLogs.page({ userId: ['gone-user'] }, { skip: 20 })),
    ]
    const write = async (writer: number) => {
      const userId = writer % 2 === 0 ? 'gone-user' : `user-${writer}`
      for (let batch = 0; batch < BATCHES; batch += 1)
        await app.connectionLogs.record(sentBy(writer, batch, userId))
    }
    try {
      await Promise.all([
        ...Array.from({ length: WRITERS }, (_, writer) => write(writer)),
        app.connectionLogs.erase({ userId: 'gone-user' }),
        app.connectionLogs.erase({ accountId: 'gone-account', userId: 'gone-user' }),
      ])
    } finally {
      done.abort()
      await Promise.all(background)
    }

    const stored = await app.database.query<{ id: string }>(sql`SELECT id FROM ${raw('connection_logs')}`)
    const ids = new Set(stored.map(({ id }) => id))
    expect(before.filter((id) => ids.has(id))).toEqual([])
    for (const day of await app.counts.days()) expect(await app.counts.miscounted(day)).toBe(0)

    // Each event is known if and only if its log is there.
    for (let writer = 0; writer < WRITERS; writer += 1) {
      const userId = writer % 2 === 0 ? 'gone-user' : `user-${writer}`
      for (let batch = 0; batch < BATCHES; batch += 1) {
        const again = await app.connectionLogs.record(sentBy(writer, batch, userId))
        for (const { created, log } of again) expect(created).toBe(!ids.has(log.id))
        if (writer % 2 === 1) expect(again.filter(({ created }) => created)).toEqual([])
      }
    }
    for (const day of await app.counts.days()) expect(await app.counts.miscounted(day)).toBe(0)
    if (provider === 'postgres') {
      const [row] = await app.database.query<{ deadlocks: bigint }>(
        sql`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`,
      )
      expect(Number(row?.deadlocks)).toBe(0)
    }
  })
})
