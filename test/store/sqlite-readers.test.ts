import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqliteConnections, type SqliteConnections } from '../../src/database/sqlite/connections.ts'
import { createReaders } from '../../src/database/sqlite/readers.ts'
import { openThread, type SqliteThread } from '../../src/database/sqlite/thread.ts'
import { translateFailure } from '../../src/database/failures.ts'
import { systemClock } from '../../src/kernel/clock.ts'

const NUMBERS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?)'
const ENDLESS = 10 ** 12
/** Goes through all numbers and finds none, and asks now and then whether anybody waits for that. */
const ASKING = `${NUMBERS} SELECT count(*) AS found FROM n WHERE (i & 1023 OR is_running()) AND i < 0`
/** The control, which never asks. */
const DEAF = `${NUMBERS} SELECT count(*) AS found FROM n WHERE i < 0`

let folder: string
let cleanUp: (() => Promise<void>)[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'connlog-readers-'))
  cleanUp = []
})

afterEach(async () => {
  for (const undo of cleanUp) await undo()
  rmSync(folder, { recursive: true })
})

async function open(options: { readers?: number; readTimeoutMs?: number } = {}): Promise<SqliteConnections> {
  const path = join(folder, 'logs.db')
  const connections = await openSqliteConnections({ path, clock: systemClock, ...options })
  cleanUp.push(connections.close)
  // The first read opens the first thread.
  await connections.rows('SELECT 1')
  return connections
}

/** How a statement ended. */
const outcomeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error: unknown) => {
    const { code, message } = translateFailure(error) as { code?: string; message: string }
    return { code, message }
  })

const INTERRUPTED = { code: 'SERVICE_UNAVAILABLE', message: expect.stringMatching(/^The database/) }
const NEVER_BEGUN = { code: 'SERVICE_UNAVAILABLE', message: 'The request is over.' }

describe('a read in a thread', () => {
  it('ends when its caller goes, and the thread serves the next one', async () => {
    const { rows } = await open({ readers: 1 })
    const leaving = new AbortController()
    const scan = outcomeOf(rows(ASKING, [ENDLESS], leaving.signal))
    await nextTurn()
    leaving.abort()
    expect(await scan).toEqual(INTERRUPTED)
    expect(await rows('SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await rows(ASKING, [100_000])).toEqual([{ found: 0 }])
  })

  it('that does not ask goes on to its end although the caller has gone', async () => {
    const { rows } = await open({ readers: 1 })
    const leaving = new AbortController()
    const scan = outcomeOf(rows(DEAF, [1_000_000], leaving.signal))
    await nextTurn()
    leaving.abort()
    expect(await scan).toEqual([{ found: 0 }])
  })

  it('ends when its time is over', async () => {
    const { rows } = await open({ readers: 1, readTimeoutMs: 1 })
    expect(await outcomeOf(rows(ASKING, [ENDLESS]))).toEqual(INTERRUPTED)
    expect(await rows('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  it('that waits for a thread is dropped when its caller goes, and never begins', async () => {
    const { rows } = await open({ readers: 1 })
    const [first, second] = [new AbortController(), new AbortController()]
    const running = outcomeOf(rows(ASKING, [ENDLESS], first.signal))
    const waiting = outcomeOf(rows(ASKING, [ENDLESS], second.signal))
    await nextTurn()
    second.abort()
    expect(await waiting).toEqual(NEVER_BEGUN)
    expect(await outcomeOf(rows('SELECT 1 AS one', [], AbortSignal.abort()))).toEqual(NEVER_BEGUN)
    first.abort()
    expect(await running).toEqual(INTERRUPTED)
  })

  it('sees what was committed before, whichever thread it runs in', async () => {
    const { execute, rows, script } = await open({ readers: 3 })
    await script('CREATE TABLE t (n INTEGER NOT NULL)')
    for (let n = 1; n <= 30; n += 1) {
      await execute({ sql: 'INSERT INTO t VALUES (?)', args: [n], argTypes: [] })
      const seen = await Promise.all(Array.from({ length: 4 }, () => rows('SELECT count(*) AS n FROM t')))
      expect(seen).toEqual(Array.from({ length: 4 }, () => [{ n }]))
    }
  })

  it('may not write', async () => {
    const { query, rows, script } = await open()
    await script('CREATE TABLE t (n INTEGER NOT NULL)')
    // Tried on a reader, and then run by the writer.
    const write = 'WITH x AS (SELECT 1 AS n) INSERT INTO t SELECT n FROM x'
    await query({ sql: write, args: [], argTypes: [] })
    expect(await rows('SELECT count(*) AS n FROM t')).toEqual([{ n: 1 }])
  })

  it('fails after close, and while it waits for a thread at close', async () => {
    const connections = await open({ readers: 1 })
    const leaving = new AbortController()
    const running = outcomeOf(connections.rows(ASKING, [ENDLESS], leaving.signal))
    const waiting = outcomeOf(connections.rows('SELECT 1'))
    await nextTurn()
    const closed = connections.close()
    expect(await waiting).toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    leaving.abort()
    expect(await running).toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    await closed
    expect(await outcomeOf(connections.rows('SELECT 1'))).toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
  })
})

describe('the threads that read', () => {
  async function pool(most: number) {
    const path = join(folder, 'pool.db')
    const opened: Promise<SqliteThread>[] = []
    const readers = createReaders({
      most,
      timeoutMs: 60_000,
      open: async () => {
        const thread = openThread(path)
        opened.push(thread)
        return thread
      },
    })
    cleanUp.push(readers.close)
    const read = (signal?: AbortSignal) =>
      readers.use((connection) => connection.all('SELECT 1', []) as Promise<unknown>, signal)
    return { opened, read, readers }
  }

  it('are none before the first read, one for reads that follow one another, and never more than allowed', async () => {
    const { opened, read } = await pool(2)
    expect(opened).toHaveLength(0)
    for (let reads = 0; reads < 5; reads += 1) await read()
    expect(opened).toHaveLength(1)
    await Promise.all(Array.from({ length: 20 }, () => read()))
    expect(opened).toHaveLength(2)
  })

  it('are opened again when one has ended by itself', async () => {
    const { opened, read } = await pool(1)
    await read()
    await (await opened[0])?.close()
    await read()
    expect(opened).toHaveLength(2)
  })

  it('that cannot be opened fail the reads that wait, and are tried again by the next', async () => {
    let tries = 0
    const readers = createReaders({
      most: 2,
      timeoutMs: 60_000,
      open: async () => {
        tries += 1
        throw new Error(`try ${tries}`)
      },
    })
    const read = () => readers.use(async () => 'never', undefined)
    await expect(read()).rejects.toThrow('try 1')
    await expect(read()).rejects.toThrow('try 2')
  })
})
