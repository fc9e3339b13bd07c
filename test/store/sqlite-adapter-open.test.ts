import { chmodSync, chownSync, copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { describe, expect, test } from 'vitest'
import { createSqliteAdapterFactory } from '../../src/database/sqlite/adapter.ts'
import { openSqliteConnections } from '../../src/database/sqlite/connections.ts'
import { createStatements } from '../../src/database/sqlite/statements.js'
import { configureWriter, isVersionAtLeast } from '../../src/database/sqlite/settings.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import {
  adapter,
  connections,
  folder,
  path,
  rows,
  run,
  select,
  statement,
  useNewAdapters,
} from '../support/sqlite-adapter.ts'

useNewAdapters()

describe('opening and closing', () => {
  const open = (file: string) => openSqliteConnections({ path: file, clock: systemClock, busyTimeoutMs: 20 })

  test('the directory is made, and the version of SQLite is a safe one', async () => {
    const nested = await open(join(folder, 'a', 'b', 'logs.db'))
    expect(nested.path).toBe(join(folder, 'a', 'b', 'logs.db'))
    expect(isVersionAtLeast(nested.sqliteVersion, '3.51.3')).toBe(true)
    await nested.close()
  })

  test.each([
    ['3.51.3', true],
    ['3.51.10', true],
    ['3.100.0', true],
    ['4.0', true],
    ['3.51.2', false],
    ['3.6.23', false],
  ])('version %s is at least 3.51.3: %s', (version, expected) => {
    expect(isVersionAtLeast(version, '3.51.3')).toBe(expected)
  })

  test('a file of something else is named as such and left as it is', async () => {
    const file = join(folder, 'notes.txt')
    writeFileSync(file, 'These are notes.\n'.repeat(100))
    await expect(open(file)).rejects.toMatchObject({
      name: 'SqliteOpenError',
      reason: 'not-a-database',
      path: file,
      message: `Cannot open the SQLite database ${file}: the file is not an SQLite database.`,
    })
    expect(statSync(file).size).toBe(1_700)
  })

  test('a directory is named as such', async () => {
    await expect(open(folder)).rejects.toMatchObject({ reason: 'is-a-directory' })
  })

  test('a path through a file is named as such', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(open(join(folder, 'file', 'logs.db'))).rejects.toMatchObject({ reason: 'no-directory' })
    await expect(open(join(folder, 'file', 'deeper', 'logs.db'))).rejects.toMatchObject({
      reason: 'no-directory',
    })
  })

  // `unix-dotfile` is a part of SQLite without shared memory, as a network file system is.
  test.skipIf(process.platform === 'win32')(
    'a file system without write-ahead logging is refused',
    async () => {
      const db = new DatabaseSync(`file:${join(folder, 'other.db')}?vfs=unix-dotfile`)
      await expect(configureWriter(createStatements(db), 'other.db')).rejects.toThrow(
        'Cannot open the SQLite database other.db: its file system has no write-ahead logging (network file systems often have none), without which acknowledged writes could be lost.',
      )
      db.close()
    },
  )

  const isUnix = process.getuid !== undefined
  describe.skipIf(!isUnix)('without permission (as the user nobody, where the tests run as root)', () => {
    const NOBODY = 65_534

    async function asNobody<T>(work: () => Promise<T>): Promise<T> {
      if (process.getuid?.() !== 0) return work()
      process.seteuid?.(NOBODY)
      try {
        return await work()
      } finally {
        process.seteuid?.(0)
      }
    }

    async function closedDatabase(name: string): Promise<string> {
      chmodSync(folder, 0o755)
      mkdirSync(join(folder, name), { mode: 0o777 })
      chmodSync(join(folder, name), 0o777)
      const [made, file] = [join(folder, name, 'made.db'), join(folder, name, 'logs.db')]
      const connections = await open(made)
      await connections.script('CREATE TABLE t (a)')
      await connections.close()
      // A file of its own: SQLite opens no second time what this process has open until the garbage is collected.
      copyFileSync(made, file)
      if (process.getuid?.() === 0) chownSync(file, NOBODY, NOBODY)
      return file
    }

    test('a read-only file', async () => {
      const file = await closedDatabase('read-only-file')
      chmodSync(file, 0o444)
      await expect(asNobody(() => open(file))).rejects.toMatchObject({ reason: 'read-only' })
    })

    test('a file that may not be read', async () => {
      const file = await closedDatabase('secret-file')
      chmodSync(file, 0)
      await expect(asNobody(() => open(file))).rejects.toMatchObject({ reason: 'no-access' })
    })

    test('a directory that may not be written', async () => {
      const directory = join(folder, 'read-only-directory')
      mkdirSync(directory, { mode: 0o555 })
      await expect(asNobody(() => open(join(directory, 'logs.db')))).rejects.toMatchObject({
        reason: 'no-access',
      })
      const deeper = join(directory, 'deeper', 'logs.db')
      await expect(asNobody(() => open(deeper))).rejects.toMatchObject({ reason: 'no-access' })
    })
  })

  test('after close, the file alone is the whole database', async () => {
    await connections.script('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    await connections.rows('SELECT * FROM t')
    await connections.close()
    const copy = join(folder, 'copy.db')
    copyFileSync(path, copy)
    const copied = await open(copy)
    expect(await copied.rows('SELECT a FROM t')).toEqual([{ a: 1 }])
    await copied.close()
  })

  test('close waits for the writes asked for before it, and may be called again', async () => {
    await connections.script('CREATE TABLE t (a)')
    const write = run('INSERT INTO t VALUES (1)')
    await Promise.all([connections.close(), connections.close()])
    expect(await write).toBe(1)
    await connections.close()
  })

  test('after close, everything is refused with ConnectionClosed', async () => {
    await connections.close()
    const closed = { cause: { kind: 'ConnectionClosed' } }
    await expect(select('SELECT 1')).rejects.toMatchObject(closed)
    await expect(run('CREATE TABLE t (a)')).rejects.toMatchObject(closed)
    await expect(adapter.executeScript('CREATE TABLE t (a)')).rejects.toMatchObject(closed)
    await expect(adapter.startTransaction()).rejects.toMatchObject(closed)
  })

  test('disconnecting Prisma leaves the connections to whoever opened them', async () => {
    await adapter.dispose()
    expect(await rows('SELECT 1')).toEqual([[1]])
  })

  test('the shadow database is an empty one in memory, closed with its adapter', async () => {
    await connections.script('CREATE TABLE t (a)')
    const shadow = await createSqliteAdapterFactory(connections).connectToShadowDb()
    expect((await shadow.queryRaw(statement('SELECT count(*) FROM sqlite_schema'))).rows).toEqual([[0]])
    await shadow.dispose()
    await expect(shadow.queryRaw(statement('SELECT 1'))).rejects.toMatchObject({
      cause: { kind: 'ConnectionClosed' },
    })
  })
})
