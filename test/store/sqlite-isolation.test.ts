import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import type { SqlDriverAdapter, SqlQuery } from '@prisma/driver-adapter-utils'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSqliteAdapterFactory } from '../../src/database/sqlite/adapter.ts'
import { openSqliteConnections, type SqliteConnections } from '../../src/database/sqlite/connections.ts'
import { systemClock, type Clock } from '../../src/kernel/clock.ts'
import { openNaiveAdapter } from '../support/naive-sqlite-adapter.ts'

let folder: string
let path: string
let cleanUp: (() => Promise<void>)[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'connlog-isolation-'))
  path = join(folder, 'logs.db')
  cleanUp = []
})

afterEach(async () => {
  for (const undo of cleanUp.toReversed()) await undo()
  rmSync(folder, { recursive: true })
})

interface OpenOptions {
  readonly at?: string
  readonly busyTimeoutMs?: number
  readonly clock?: Clock
}

async function open({ at = path, busyTimeoutMs = 30_000, clock = systemClock }: OpenOptions = {}) {
  const connections: SqliteConnections = await openSqliteConnections({ path: at, clock, busyTimeoutMs })
  cleanUp.push(connections.close)
  const adapter = await createSqliteAdapterFactory(connections).connect()
  await adapter.executeScript('CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)')
  return { connections, adapter }
}

function statement(sql: string, ...args: string[]): SqlQuery {
  return { sql, args, argTypes: args.map(() => ({ scalarType: 'string', arity: 'scalar' })) }
}

const insert = (text: string) => statement('INSERT INTO note (text) VALUES (?)', text)
const read = async (adapter: SqlDriverAdapter, like = '%') =>
  (await adapter.queryRaw(statement('SELECT text FROM note WHERE text LIKE ? ORDER BY id', like))).rows.flat()

/** Another process that holds the lock on the file until it is told to let go. */
async function lockElsewhere(begin = 'BEGIN IMMEDIATE') {
  const script = `
    import { DatabaseSync } from '@photostructure/sqlite'
    const db = new DatabaseSync(process.argv[1])
    db.exec(${JSON.stringify(begin)})
    process.stdout.write('locked')
    process.stdin.once('data', () => { db.exec('ROLLBACK'); process.exit(0) })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const release = async () => {
    if (child.exitCode === null) child.stdin.write('release')
    await exited
  }
  cleanUp.push(release)
  await Promise.race([
    once(child.stdout, 'data'),
    exited.then(() => Promise.reject(new Error('The other process could not lock the file.'))),
  ])
  return { release }
}

interface Interleaving {
  readonly lost: number
  readonly dirty: number
}

/** Two requests, five times: one writes in a transaction that rolls back, the other writes and reads meanwhile. */
async function interleave(adapter: SqlDriverAdapter): Promise<Interleaving> {
  let acknowledged = 0
  let dirty = 0
  for (const round of [1, 2, 3, 4, 5]) {
    const transaction = await adapter.startTransaction()
    await transaction.executeRaw(insert(`undone ${round}`))
    const write = adapter.executeRaw(insert(`kept ${round}`)).then((changed) => {
      acknowledged += changed
    })
    await nextTurn()
    dirty += (await read(adapter, 'undone%')).length
    await transaction.rollback()
    await write
  }
  return { lost: acknowledged - (await read(adapter, 'kept%')).length, dirty }
}

test('Two requests interleaved with a rolled-back transaction: no acknowledged write is lost, none is seen uncommitted', async () => {
  const { adapter } = await open()
  expect(await interleave(adapter)).toEqual({ lost: 0, dirty: 0 })
  expect(await read(adapter)).toEqual(['kept 1', 'kept 2', 'kept 3', 'kept 4', 'kept 5'])
})

test('The same scenario loses every acknowledged write and shows uncommitted ones when plain statements take no turn', async () => {
  const naive = openNaiveAdapter(path)
  cleanUp.push(naive.dispose)
  await naive.executeScript('CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)')
  expect(await interleave(naive)).toEqual({ lost: 5, dirty: 5 })
})

test('20 writes asked for during a transaction wait for its end and then happen in the order of asking', async () => {
  const { adapter } = await open()
  const transaction = await adapter.startTransaction()
  await transaction.executeRaw(insert('first'))
  const texts = Array.from({ length: 20 }, (_, index) => `write ${index}`)
  let settled = 0
  const writes = texts.map(async (text) => {
    await adapter.executeRaw(insert(text))
    settled += 1
  })
  for (let turn = 0; turn < 20; turn += 1) await nextTurn()
  expect(settled).toBe(0)
  expect(await read(adapter)).toEqual([])
  await transaction.commit()
  await Promise.all(writes)
  expect(await read(adapter)).toEqual(['first', ...texts])
})

test('The 20 writes are kept as well when the transaction they waited for is rolled back', async () => {
  const { adapter } = await open()
  const transaction = await adapter.startTransaction()
  await transaction.executeRaw(insert('undone'))
  const texts = Array.from({ length: 20 }, (_, index) => `write ${index}`)
  const writes = texts.map((text) => adapter.executeRaw(insert(text)))
  await nextTurn()
  await transaction.rollback()
  await Promise.all(writes)
  expect(await read(adapter)).toEqual(texts)
})

test('Transactions take turns', async () => {
  const { adapter } = await open()
  const first = await adapter.startTransaction()
  const second = adapter.startTransaction()
  await first.executeRaw(insert('a'))
  await first.commit()
  const transaction = await second
  expect((await transaction.queryRaw(statement('SELECT text FROM note'))).rows).toEqual([['a']])
  await transaction.executeRaw(insert('b'))
  await transaction.rollback()
  expect(await read(adapter)).toEqual(['a'])
})

test('A transaction reads its own writes; nobody else does before COMMIT, and everybody does after it', async () => {
  const { adapter } = await open()
  const transaction = await adapter.startTransaction()
  await transaction.executeRaw(insert('new'))
  expect((await transaction.queryRaw(statement('SELECT text FROM note'))).rows).toEqual([['new']])
  expect(await read(adapter)).toEqual([])
  await transaction.commit()
  expect(await read(adapter)).toEqual(['new'])
})

test('In memory, where there is no second connection, reads wait for the transaction instead of seeing into it', async () => {
  const { adapter } = await open({ at: ':memory:' })
  expect(await interleaveInMemory(adapter)).toEqual({ settledBefore: false, seen: [] })
})

async function interleaveInMemory(adapter: SqlDriverAdapter) {
  const transaction = await adapter.startTransaction()
  await transaction.executeRaw(insert('undone'))
  let settled = false
  const reading = read(adapter).finally(() => {
    settled = true
  })
  for (let turn = 0; turn < 20; turn += 1) await nextTurn()
  const settledBefore = settled
  await transaction.rollback()
  return { settledBefore, seen: await reading }
}

test('While another process holds the write lock, writes wait, reads go on and the event loop turns', async () => {
  const { adapter } = await open()
  const lock = await lockElsewhere()
  const script = adapter.executeScript(
    "INSERT INTO note (text) VALUES ('1st'); INSERT INTO note (text) VALUES ('2nd')",
  )
  let settled = 0
  const writes = ['a', 'b', 'c'].map(async (text) => {
    await adapter.executeRaw(insert(text))
    settled += 1
  })
  const transaction = adapter.startTransaction()
  // The lock is given back only after these turns: had a write blocked the process, it would never be.
  for (let turn = 0; turn < 100; turn += 1) await delay(3)
  expect(settled).toBe(0)
  expect(await read(adapter)).toEqual([])
  await lock.release()
  await Promise.all(writes)
  await script
  await (await transaction).rollback()
  expect(await read(adapter)).toEqual(['1st', '2nd', 'a', 'b', 'c'])
})

test('A lock held for longer than busyTimeoutMs fails writes, transactions and scripts, and the next ones succeed', async () => {
  const { adapter } = await open({ busyTimeoutMs: 20 })
  const lock = await lockElsewhere()
  const timeout = { cause: { kind: 'SocketTimeout', originalMessage: 'database is locked' } }
  await expect(adapter.executeRaw(insert('refused'))).rejects.toMatchObject(timeout)
  await expect(
    adapter.queryRaw(statement("INSERT INTO note (text) VALUES ('refused') RETURNING id")),
  ).rejects.toMatchObject(timeout)
  await expect(adapter.startTransaction()).rejects.toMatchObject(timeout)
  await expect(adapter.executeScript("INSERT INTO note (text) VALUES ('refused')")).rejects.toMatchObject(
    timeout,
  )
  expect(await read(adapter)).toEqual([])
  await lock.release()
  await adapter.executeRaw(insert('a'))
  await adapter.executeScript("INSERT INTO note (text) VALUES ('b')")
  const transaction = await adapter.startTransaction()
  await transaction.executeRaw(insert('c'))
  await transaction.commit()
  expect(await read(adapter)).toEqual(['a', 'b', 'c'])
})

test('Writes that queue up behind one lock all fail after one busyTimeoutMs, not one after the other', async () => {
  let sleptMs = 0
  const clock: Clock = {
    now: () => 0,
    steadyMs: () => 0,
    sleep: async (ms) => {
      sleptMs += ms
      await nextTurn()
    },
  }
  const { adapter } = await open({ clock, busyTimeoutMs: 500 })
  await lockElsewhere()
  const writes = await Promise.allSettled(['a', 'b', 'c'].map((text) => adapter.executeRaw(insert(text))))
  expect(writes.map((write) => write.status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(sleptMs).toBe(500)
})

test('A file that another process has locked for itself cannot be opened, and the error says so', async () => {
  const lock = await lockElsewhere(
    'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; BEGIN EXCLUSIVE',
  )
  const opening = openSqliteConnections({ path, clock: systemClock, busyTimeoutMs: 20 })
  await expect(opening).rejects.toMatchObject({
    name: 'SqliteOpenError',
    reason: 'locked',
    message: `Cannot open the SQLite database ${path}: another process holds the lock on it.`,
  })
  await lock.release()
  const { adapter } = await open()
  expect(await read(adapter)).toEqual([])
})

test('A full disk fails the write alone: reads go on, and writes succeed when there is space again', async () => {
  const { adapter } = await open()
  await adapter.executeRaw(insert('before'))
  const limit = async (pages: number) => {
    await adapter.queryRaw(statement(`PRAGMA max_page_count = ${pages}`))
  }
  const large = insert('x'.repeat(100_000))
  const full = { cause: { kind: 'sqlite', extendedCode: 13, message: 'database or disk is full' } }
  await limit(1) // SQLite makes this the present size
  await expect(adapter.executeRaw(large)).rejects.toMatchObject(full)
  const returning = { ...large, sql: `${large.sql} RETURNING id` }
  await expect(adapter.queryRaw(returning)).rejects.toMatchObject(full)
  const transaction = await adapter.startTransaction()
  await transaction.executeRaw(insert('small'))
  await expect(transaction.executeRaw(large)).rejects.toMatchObject(full)
  await transaction.rollback()
  expect(await read(adapter)).toEqual(['before'])
  await limit(1_000_000)
  await adapter.executeRaw(insert('after'))
  expect(await read(adapter)).toEqual(['before', 'after'])
})

test('A database gone read-only fails the write alone, and writes succeed when that is over', async () => {
  const { adapter } = await open()
  const readonly = {
    cause: { kind: 'sqlite', extendedCode: 8, message: 'attempt to write a readonly database' },
  }
  await adapter.executeRaw(statement('PRAGMA query_only = ON'))
  await expect(adapter.executeRaw(insert('refused'))).rejects.toMatchObject(readonly)
  await expect(adapter.startTransaction()).rejects.toMatchObject(readonly)
  await adapter.executeRaw(statement('PRAGMA query_only = OFF'))
  await adapter.executeRaw(insert('a'))
  expect(await read(adapter)).toEqual(['a'])
})
