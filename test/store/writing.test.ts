import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { connectionLogKind } from '../../src/connections/kind.ts'
import type { Database } from '../../src/database/port.ts'
import { createPartitions } from '../../src/database/postgres/storage.ts'
import { createWriting } from '../../src/database/postgres/writing.ts'
import { raw, sql } from '../../src/database/sql.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { undoneAfterEach } from '../support/undo.ts'

const undo = undoneAfterEach()

/** Something to store in one row. */
const entry = ({ dialect }: Database, id: string) =>
  sql`INSERT INTO audit_log (id, at, action, actor, details) VALUES (${id}, ${dialect.instant(0)}, 'a', 'b', '{}')`

const stored = async ({ database }: TestApp): Promise<string[]> =>
  (await database.query<{ id: string }>(sql`SELECT id FROM audit_log WHERE action = 'a' ORDER BY id`)).map(
    ({ id }) => id,
  )

const failing = sql`SELECT id FROM no_such_table`

function poolOf({ url }: TestApp): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  undo(() => pool.end())
  return pool
}

describe.each(PROVIDERS)('a transaction that writes on %s', (provider) => {
  it('stays as a whole', async () => {
    const app = await startTestApp(provider)
    const { database } = app
    const changed = await database.writing(async (tx) => {
      const first = await tx.execute(entry(database, '1'))
      expect(await tx.query(sql`SELECT id, details FROM audit_log WHERE action = 'a'`)).toEqual([
        { id: '1', details: '{}' },
      ])
      expect(await stored(app)).toEqual([])
      return first + (await tx.execute(entry(database, '2')))
    })
    expect(changed).toBe(2)
    expect(await stored(app)).toEqual(['1', '2'])
  })

  it('leaves nothing behind when it throws, and the connection to others', async () => {
    const app = await startTestApp(provider, { env: { DATABASE_POOL_SIZE: '1' } })
    const { database } = app
    const reason = new Error('changed my mind')
    const givenUp = database.writing(async (tx) => {
      await tx.execute(entry(database, '1'))
      throw reason
    })
    await expect(givenUp).rejects.toBe(reason)
    const failed = database.writing(async (tx) => {
      await tx.execute(entry(database, '2'))
      await tx.query(failing)
    })
    await expect(failed).rejects.toThrow()
    await database.writing((tx) => tx.execute(entry(database, '3')))
    expect(await stored(app)).toEqual(['3'])
  })

  it('takes no statement after its end, which would stay whatever became of the transaction', async () => {
    const app = await startTestApp(provider)
    const { database } = app
    const late: (() => Promise<number>)[] = []
    const givenUp = database.writing(async (tx) => {
      late.push(() => tx.execute(entry(database, 'late')))
      throw new Error('changed my mind')
    })
    await expect(givenUp).rejects.toThrow('changed my mind')
    await database.writing(async (tx) => void late.push(() => tx.execute(entry(database, 'later'))))
    for (const execute of late) await expect(execute()).rejects.toThrow()
    expect(await stored(app)).toEqual([])
  })
})

describe('a transaction that writes on Postgres', () => {
  it('is acknowledged only if it was committed: Postgres rolls back what has failed, without an error', async () => {
    const app = await startTestApp('postgres')
    const { database } = app
    const careless = (run: (text: string) => Promise<unknown>) => async () => {
      await run('INSERT INTO rate_limits (key_id, owed, at_ms) VALUES (1, 1, 1)')
      await run('SELECT id FROM no_such_table').catch(() => undefined)
    }
    const noticed = database.writing((tx) => careless((text) => tx.execute(raw(text)))())
    await expect(noticed).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })

    // Who does not look at the answer believes that all went well.
    const client = await poolOf(app).connect()
    await client.query('BEGIN')
    await careless((text) => client.query(text))()
    await expect(client.query('COMMIT')).resolves.toMatchObject({ command: 'ROLLBACK' })
    client.release()
    expect(await database.query(sql`SELECT key_id FROM rate_limits`)).toEqual([])
  })

  it('is given up when it takes too long', async () => {
    const app = await startTestApp('postgres')
    const alarms: (() => void)[] = []
    const sleep = () => new Promise<void>((resolve) => void alarms.push(resolve))
    const clock = { ...createTestClock(0), sleep }
    const writing = createWriting(poolOf(app), { nameOf: () => '', transactionMs: 1_000, clock })
    const write = (id: string, isLate: boolean) =>
      writing(async (tx) => {
        await tx.execute(entry(app.database, id))
        if (isLate) for (const ring of alarms) ring()
        await tx.query(sql`SELECT 1`)
        await tx.query(sql`SELECT 1`)
      })
    await write('in time', false)
    await expect(write('late', true)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    expect(await stored(app)).toEqual(['in time'])
  })
})

describe('merging notes on Postgres', () => {
  const { table } = connectionLogKind
  const NOTES = 30_000

  it('takes as many at once as can be merged in time', async () => {
    const app = await startTestApp('postgres')
    const pool = poolOf(app)
    let mergeMs = 0
    let now = 0
    // Two looks at the clock to a merge.
    const clock = { ...createTestClock(0), steadyMs: () => (now += mergeMs / 2) }
    const storage = createPartitions(pool, { clock, statementMs: 4_000 })
    await pool.query(
      `INSERT INTO connection_log_count_deltas (user_id, start, platform, error_code, total)
       SELECT 'u' || i, 0, 'reddit', '', 1 FROM generate_series(1, ${NOTES}) AS i`,
    )
    const left = async () =>
      Number((await pool.query('SELECT count(*) AS n FROM connection_log_count_deltas')).rows[0].n)
    /** How many a merge takes that lasts as long. */
    const taken = async (lastsMs: number) => {
      mergeMs = lastsMs * 2
      const before = await left()
      const isMore = await storage.mergeCounts(table)
      const after = await left()
      expect(isMore).toBe(after > 0)
      return before - after
    }
    // A quarter of the time that a statement has is one second.
    expect(await taken(10_000)).toBe(20_000)
    // Instead of 2,000: one that is given up is followed by one that is a quarter as large, but not by less than 1,000.
    await pool.query('ALTER TABLE connection_log_counts RENAME TO elsewhere')
    await expect(storage.mergeCounts(table)).rejects.toThrow()
    await pool.query('ALTER TABLE elsewhere RENAME TO connection_log_counts')
    expect(await taken(500)).toBe(1_000)
    expect(await taken(1)).toBe(2_000)
    expect(await taken(1)).toBe(NOTES - 23_000)
    const { rows } = await pool.query(
      `SELECT sum(total) AS n FROM connection_log_counts WHERE NOT everyone AND span = 1`,
    )
    expect(Number(rows[0].n)).toBe(NOTES)
  })
})
