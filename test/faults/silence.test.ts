import pg from 'pg'
import { type TestContext, describe, expect, inject, it } from 'vitest'
import { type OpenOptions, openDatabase } from '../../src/database/open.ts'
import { sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { postgresBehindProxy } from '../support/behind-proxy.ts'

/** By then it is known that Postgres says nothing. */
const SILENT_AFTER_MS = 4_500
/** How long a service may take to go on, once Postgres is there again. */
const PROMISED_MS = 5_000
const { areTimed } = inject('faults')
const UNAVAILABLE = { code: 'SERVICE_UNAVAILABLE' }

const undoneAfter =
  ({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) =>
  (...steps: (() => unknown)[]) => {
    for (const step of steps) onTestFinished(async () => void (await step()))
  }

/** Postgres behind a bad network. */
async function openBehindProxy(test: TestContext, options: Partial<OpenOptions> = {}) {
  const undo = undoneAfter(test)
  const { database, proxy, url } = await postgresBehindProxy(undo)
  const opened = await openDatabase(url, {
    poolSize: 2,
    clock: systemClock,
    logger: silentLogger,
    ...options,
  })
  undo(opened.close, () => proxy.setMode('pass'))
  return { opened, proxy, url: database.url, undo }
}

// They wait far more than they work, so they do it side by side.
describe.concurrent('a Postgres that says nothing', () => {
  it('is known to after some seconds: then all is refused at once, until it speaks again', async (test) => {
    const said: string[] = []
    const warn = (_: object, message: string) => void said.push(message)
    const { opened, proxy } = await openBehindProxy(test, { logger: { ...silentLogger, warn } })
    const select = () => opened.query(sql`SELECT 1 AS one`)
    const until = async (message: string) => {
      while (!said.includes(message)) await systemClock.sleep(10)
    }
    await Promise.all([select(), select()])
    await proxy.setMode('blackhole')
    await expect(select()).rejects.toMatchObject(UNAVAILABLE)
    await until('Postgres says nothing: requests that need it are refused until it does')
    // Each would take two seconds if it waited for a connection.
    for (let index = 0; index < 500; index += 1) await expect(select()).rejects.toMatchObject(UNAVAILABLE)
    await proxy.setMode('pass')
    await until('Postgres answers again')
    expect(await select()).toEqual([{ one: 1 }])
  })

  it('to some is slow to answer: these are waited for', async (test) => {
    const { opened } = await openBehindProxy(test, { poolSize: 3 })
    const backend = sql`SELECT pg_backend_pid() AS pid`
    const slow = () => opened.query(sql`SELECT 'answered' AS slow FROM pg_sleep(${SILENT_AFTER_MS / 1_000})`)
    // Has been asked nothing for as long, by a process that is busy with something else.
    const idle = opened.transaction(async (tx) => {
      const before = await tx.query(backend)
      await systemClock.sleep(SILENT_AFTER_MS)
      return [before, await tx.query(backend)]
    })
    const answered = [{ slow: 'answered' }]
    expect(await Promise.all([slow(), slow()])).toEqual([answered, answered])
    const [before, after] = await idle
    expect(after).toEqual(before)
  })

  // The first is noticed because Postgres knows of no work, the other because it says nothing.
  it.for([300, SILENT_AFTER_MS])(
    'for %d ms, and has not heard that a transaction was given up: what that had locked is free again',
    async (outageMs, test) => {
      const { opened, proxy, url, undo } = await openBehindProxy(test)
      const lost = opened.transaction(async (tx) => {
        await tx.execute(sql`SELECT pg_advisory_xact_lock(1)`)
        await proxy.setMode('forget')
        void systemClock.sleep(outageMs).then(() => proxy.setMode('pass'))
        return tx.query(sql`SELECT 1`)
      })
      await expect(lost).rejects.toMatchObject(UNAVAILABLE)
      const other = new pg.Client(url)
      await other.connect()
      undo(() => other.end())
      // Without a limit it waits until the lock is free.
      if (areTimed) await other.query(`SET lock_timeout = ${outageMs + PROMISED_MS}`)
      await other.query('SELECT pg_advisory_lock(1)')
    },
  )

  it('control: a pool that only waits does not come back from connections that the network has forgotten', async (test) => {
    const { database, proxy, url } = await postgresBehindProxy(undoneAfter(test))
    const pool = new pg.Pool({ connectionString: url, max: 2 })
    pool.on('connect', (client) => client.on('error', () => undefined))
    const ask = () => Promise.all([pool.query('SELECT 1'), pool.query('SELECT 1')])
    await ask()
    const lost = await pool.connect()
    await lost.query('BEGIN; SELECT pg_advisory_xact_lock(1)')
    await proxy.setMode('forget')
    const unanswered = Promise.allSettled([lost.query('SELECT 1'), pool.query('SELECT 1')])
    await proxy.setMode('pass')
    const later = pool.query('SELECT 1').then(() => 'answered')
    later.catch(() => undefined)
    expect(await Promise.race([later, systemClock.sleep(PROMISED_MS).then(() => 'silent')])).toBe('silent')
    const other = new pg.Client(database.url)
    await other.connect()
    const { rows } = await other.query('SELECT pg_try_advisory_lock(1) AS free')
    expect(rows).toEqual([{ free: false }])
    await other.end()
    proxy.resetAll()
    await unanswered
    lost.release(true)
    await pool.end()
  })
})
