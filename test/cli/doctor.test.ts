import { describe, expect, it } from 'vitest'
import { raw, sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { startTestApp } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS, createTestDatabase } from '../support/databases.ts'

const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }

describe.each(PROVIDERS)('connlog doctor on %s', (provider) => {
  it('finds nothing wrong, then counts that differ from the logs, and mends them', async () => {
    const app = await startTestApp(provider)
    const createdAt = formatInstant(systemClock.now())
    const today = createdAt.slice(0, 10)
    await app.connectionLogs.record(
      Array.from({ length: 3 }, () => ({ value: { ...EVENT, createdAt }, at: '' })),
    )
    const doctor = (...args: string[]) => runCommand(['doctor', ...args], { DATABASE_URL: app.url })

    const well = await doctor()
    expect(well).toMatchObject({ code: 0, stderr: '' })
    expect(well.stdout).toBe(
      [
        'ok     settings, and the database: it is reached, and keeps what it has acknowledged',
        'ok     migrations: all applied',
        'ok     clocks: this machine and the database agree within 5 seconds',
        `ok     counts of ${today}: as many as there are logs`,
        '',
      ].join('\n'),
    )

    // Somebody else's program: it knows nothing of counts.
    await app.database.execute(
      sql`DELETE FROM ${raw('connection_logs')} WHERE id = (SELECT min(id) FROM connection_logs)`,
    )
    const ill = await doctor()
    expect(ill.code).toBe(1)
    expect(ill.stdout).toMatch(
      new RegExp(
        `wrong  counts of ${today}: \\d+ differ from the logs. Run \`connlog doctor --rebuild-counts\`.`,
      ),
    )
    expect((await app.connectionLogs.page({ platform: ['reddit'] }, {})).pagination.total).not.toBe(2)

    const mended = await doctor('--rebuild-counts')
    expect(mended.code).toBe(0)
    expect(mended.stdout).toMatch(
      new RegExp(`ok     counts of ${today}: \\d+ were wrong, and are counted anew`),
    )
    expect((await doctor()).code).toBe(0)
    expect((await app.connectionLogs.page({ platform: ['reddit'] }, {})).pagination.total).toBe(2)
  })

  it('names migrations that are missing', async () => {
    const database = await createTestDatabase(provider, { migrated: false })
    const found = await runCommand(['doctor'], { DATABASE_URL: database.url })
    expect(found.code).toBe(1)
    expect(found.stdout).toContain(
      'wrong  migrations: the database lacks 0001_logs_and_keys, 0002_counts, 0003_retention. Run `connlog migrate`.',
    )
    await database.drop()
  })
})
