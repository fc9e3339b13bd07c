import { beforeEach, describe, expect, test } from 'vitest'
import { adapter, connections, rows, run, statement, useNewAdapters } from '../support/sqlite-adapter.ts'

useNewAdapters()

describe('transactions of Prisma', () => {
  beforeEach(async () => {
    await adapter.executeScript(`
      CREATE TABLE t (a INTEGER UNIQUE);
      CREATE TABLE child (t INTEGER REFERENCES t (a) DEFERRABLE INITIALLY DEFERRED)`)
  })

  const insert = (a: number) => statement('INSERT INTO t VALUES (?)', ['int', a])
  const closed = (cause: string) => ({ cause: { kind: 'TransactionAlreadyClosed', cause } })

  test('COMMIT and ROLLBACK are the adapter’s', async () => {
    const transaction = await adapter.startTransaction('SERIALIZABLE')
    expect(transaction.options).toEqual({ usePhantomQuery: true })
    await transaction.rollback()
  })

  test('there is no isolation level but serializable', async () => {
    await expect(adapter.startTransaction('READ COMMITTED')).rejects.toMatchObject({
      cause: { kind: 'InvalidIsolationLevel', level: 'READ COMMITTED' },
    })
    await (await adapter.startTransaction()).rollback()
  })

  test('savepoints nest: what an inner one undoes, the outer one keeps', async () => {
    const transaction = await adapter.startTransaction()
    await transaction.executeRaw(insert(1))
    await transaction.createSavepoint?.('prisma_sp_0')
    await transaction.executeRaw(insert(2))
    await transaction.createSavepoint?.('prisma_sp_1')
    await transaction.executeRaw(insert(3))
    await transaction.rollbackToSavepoint?.('prisma_sp_1')
    await transaction.releaseSavepoint?.('prisma_sp_1')
    await transaction.releaseSavepoint?.('prisma_sp_0')
    await transaction.createSavepoint?.('it"s; DROP TABLE t')
    await transaction.executeRaw(insert(4))
    await transaction.rollbackToSavepoint?.('it"s; DROP TABLE t')
    await transaction.releaseSavepoint?.('it"s; DROP TABLE t')
    expect(await rows('SELECT a FROM t')).toEqual([])
    await transaction.commit()
    expect(await rows('SELECT a FROM t')).toEqual([[1], [2]])
  })

  test('a failed statement leaves the transaction usable', async () => {
    const transaction = await adapter.startTransaction()
    await transaction.executeRaw(insert(1))
    await expect(transaction.executeRaw(insert(1))).rejects.toMatchObject({
      cause: { kind: 'UniqueConstraintViolation' },
    })
    await transaction.executeRaw(insert(2))
    await transaction.commit()
    expect(await rows('SELECT a FROM t')).toEqual([[1], [2]])
  })

  test('a statement that comes after the end is refused, and does not run in the next transaction', async () => {
    const late = await adapter.startTransaction()
    await late.rollback()
    const next = await adapter.startTransaction()
    const refused = closed('The transaction has been committed or rolled back before.')
    await expect(late.executeRaw(insert(1))).rejects.toMatchObject(refused)
    await expect(late.queryRaw(insert(1))).rejects.toMatchObject(refused)
    await expect(late.createSavepoint?.('s')).rejects.toMatchObject(refused)
    await expect(late.commit()).rejects.toMatchObject(refused)
    await late.rollback()
    await next.executeRaw(insert(2))
    await next.commit()
    expect(await rows('SELECT a FROM t')).toEqual([[2]])
  })

  test('when SQLite ends the transaction by itself, nothing more of it is written and COMMIT fails', async () => {
    const transaction = await adapter.startTransaction()
    await transaction.executeRaw(insert(1))
    await expect(
      transaction.executeRaw(statement('INSERT OR ROLLBACK INTO t VALUES (1)')),
    ).rejects.toMatchObject({
      cause: { kind: 'UniqueConstraintViolation' },
    })
    const lost = closed('SQLite has rolled the transaction back because of an earlier failure in it.')
    await expect(transaction.executeRaw(insert(2))).rejects.toMatchObject(lost)
    await expect(transaction.commit()).rejects.toMatchObject(lost)
    expect(await run('INSERT INTO t VALUES (3)')).toBe(1)
    expect(await rows('SELECT a FROM t')).toEqual([[3]])
  })

  test('a COMMIT that fails undoes everything and gives the writer back', async () => {
    const transaction = await adapter.startTransaction()
    await transaction.executeRaw(insert(1))
    await transaction.executeRaw(statement('INSERT INTO child VALUES (9)'))
    await expect(transaction.commit()).rejects.toMatchObject({
      cause: { kind: 'ForeignKeyConstraintViolation' },
    })
    expect(await run('INSERT INTO t VALUES (2)')).toBe(1)
    expect(await rows('SELECT a FROM t')).toEqual([[2]])
    expect(await rows('SELECT t FROM child')).toEqual([])
  })
})

describe('transactions of our own', () => {
  test('the work is kept as a whole', async () => {
    const count = await connections.transaction(async (session) => {
      await session.script('CREATE TABLE t (a INTEGER, at DATETIME); INSERT INTO t VALUES (1, 0)')
      await session.execute(statement('INSERT INTO t VALUES (?, ?)', ['int', 2], ['datetime', new Date(1)]))
      const [row] = await session.rows('SELECT count(*) AS count FROM t')
      return row?.['count']
    })
    expect(count).toBe(2)
    expect(await connections.rows('SELECT a, at FROM t WHERE a > ?', [1])).toEqual([
      { a: 2, at: '1970-01-01T00:00:00.001Z' },
    ])
  })

  test('or not at all, tables included', async () => {
    const failure = new Error('stop')
    const work = connections.transaction(async (session) => {
      await session.script('CREATE TABLE t (a)')
      throw failure
    })
    await expect(work).rejects.toBe(failure)
    await expect(connections.rows('SELECT * FROM t')).rejects.toMatchObject({
      cause: { kind: 'TableDoesNotExist' },
    })
  })

  const family = `
    CREATE TABLE parent (id INTEGER PRIMARY KEY);
    CREATE TABLE child (parent INTEGER REFERENCES parent (id) ON DELETE CASCADE);
    INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1)`

  test('rebuilding a table keeps the rows that refer to it, and foreign keys are enforced again after it', async () => {
    await connections.script(family)
    const rebuild = `
      CREATE TABLE new_parent (id INTEGER PRIMARY KEY, name TEXT);
      INSERT INTO new_parent (id) SELECT id FROM parent;
      DROP TABLE parent; ALTER TABLE new_parent RENAME TO parent`
    await connections.transaction((session) => session.script(rebuild), { rewritesTables: true })
    expect(await connections.rows('SELECT parent FROM child')).toEqual([{ parent: 1 }])
    await expect(connections.script('INSERT INTO child VALUES (9)')).rejects.toMatchObject({
      cause: { kind: 'ForeignKeyConstraintViolation' },
    })
  })

  test('a rebuild that leaves rows without what they refer to is undone', async () => {
    await connections.script(family)
    const work = connections.transaction((session) => session.script('DELETE FROM parent'), {
      rewritesTables: true,
    })
    await expect(work).rejects.toMatchObject({ cause: { kind: 'ForeignKeyConstraintViolation' } })
    expect(await connections.rows('SELECT id FROM parent')).toEqual([{ id: 1 }])
    await expect(connections.script('INSERT INTO child VALUES (9)')).rejects.toMatchObject({
      cause: { kind: 'ForeignKeyConstraintViolation' },
    })
  })
})
