import { describe, expect, it } from 'vitest'
import { createConnlog } from '../../src/connlog.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { PROVIDERS, createTestDatabase } from '../support/databases.ts'

const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' } as const
const health = () => new Request('http://connlog.test/health')

describe.each(PROVIDERS)('connlog as a library on %s', (provider) => {
  it('records in process and answers requests between start and stop, and may be started again', async () => {
    const database = await createTestDatabase(provider)
    const connlog = createConnlog({ databaseUrl: database.url, logger: silentLogger })
    expect((await connlog.fetch(health())).status).toBe(503)
    await expect(connlog.record(EVENT)).rejects.toThrow('connlog is not started: call start() first.')
    for (const round of [1, 2]) {
      await connlog.start()
      const recorded = await connlog.record({ ...EVENT, eventId: 'e1' })
      expect(recorded.created).toBe(round === 1)
      expect((await connlog.record([EVENT, EVENT])).map(({ created }) => created)).toEqual([true, true])
      expect((await connlog.fetch(health())).status).toBe(200)
      connlog.endStreams()
      await connlog.stop()
      expect((await connlog.fetch(health())).status).toBe(503)
    }
    await database.drop()
  })

  it('is stopped when it was told to, however start and stop are interleaved', async () => {
    const database = await createTestDatabase(provider)
    const connlog = createConnlog({ databaseUrl: database.url, logger: silentLogger })
    await Promise.all([connlog.start(), connlog.start()])
    expect((await connlog.fetch(health())).status).toBe(200)
    await connlog.stop()
    const starting = connlog.start()
    await connlog.stop()
    await starting
    expect((await connlog.fetch(health())).status).toBe(503)
    await connlog.stop()
    await database.drop()
  })
})

it('refuses settings that it does not know or cannot heed, all at once', () => {
  expect(() => createConnlog({ databaseURL: 'file:x', port: 1 } as never)).toThrow(
    /got `databaseURL`[^]*got `port`/,
  )
  expect(() => createConnlog({ retentionDays: 0 })).toThrow(
    'Expected `RETENTION_DAYS` to be a whole number from 1 to 365, got "0".',
  )
})

it('can be started again after a start that failed', async () => {
  const connlog = createConnlog({ databaseUrl: 'file:/dev/null/connlog.db', logger: silentLogger })
  await expect(connlog.start()).rejects.toThrow('Cannot open the SQLite database')
  await expect(connlog.start()).rejects.toThrow('Cannot open the SQLite database')
  await connlog.stop()
})
