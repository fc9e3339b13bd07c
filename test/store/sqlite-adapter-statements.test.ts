import { DatabaseSync } from '@photostructure/sqlite'
import { beforeEach, describe, expect, test } from 'vitest'
import { adapter, path, rows, run, select, statement, useNewAdapters } from '../support/sqlite-adapter.ts'

useNewAdapters()

describe('prepared statements', () => {
  test('a statement sees a changed schema, its columns too', async () => {
    await adapter.executeScript('CREATE TABLE t (a INTEGER, b TEXT)')
    await run('INSERT INTO t VALUES (1, ?)', ['string', 'x'])
    expect((await select('SELECT * FROM t')).columnNames).toEqual(['a', 'b'])
    await adapter.executeScript('ALTER TABLE t ADD COLUMN c BOOLEAN DEFAULT 1')
    expect(await select('SELECT * FROM t')).toMatchObject({
      columnNames: ['a', 'b', 'c'],
      rows: [[1, 'x', true]],
    })
    await run('ALTER TABLE t DROP COLUMN a')
    await run('ALTER TABLE t ADD COLUMN d DATETIME DEFAULT 0')
    expect(await select('SELECT * FROM t')).toMatchObject({
      columnNames: ['b', 'c', 'd'],
      rows: [['x', true, '1970-01-01T00:00:00.000Z']],
    })
  })

  test('so does one whose schema another connection changed', async () => {
    await adapter.executeScript('CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)')
    expect((await select('SELECT * FROM t')).columnNames).toEqual(['a'])
    const other = new DatabaseSync(path)
    other.exec('ALTER TABLE t RENAME COLUMN a TO b')
    other.close()
    expect((await select('SELECT * FROM t')).columnNames).toEqual(['b'])
  })

  test('more statements than are kept prepared all work, again and again', async () => {
    for (const round of [1, 2]) {
      for (let n = 0; n < 450; n += 1)
        expect(await rows(`SELECT ${n}, ?`, ['int', round])).toEqual([[n, round]])
    }
  })

  test('a statement works again after it failed', async () => {
    await adapter.executeScript('CREATE TABLE t (a TEXT UNIQUE)')
    const insert = (a: string) => rows('INSERT INTO t VALUES (?) RETURNING a', ['string', a])
    expect(await insert('x')).toEqual([['x']])
    await expect(insert('x')).rejects.toMatchObject({ cause: { kind: 'UniqueConstraintViolation' } })
    expect(await insert('y')).toEqual([['y']])
  })
})

describe('errors', () => {
  beforeEach(async () => {
    await adapter.executeScript(`
      CREATE TABLE parent (id INTEGER PRIMARY KEY, a TEXT, b TEXT NOT NULL DEFAULT '', c INTEGER CHECK (c > 0));
      CREATE UNIQUE INDEX parent_a_b ON parent (a, b);
      CREATE UNIQUE INDEX parent_lower ON parent (lower(a)) WHERE c = 5;
      CREATE TABLE child (parent INTEGER REFERENCES parent (id));
      INSERT INTO parent (id, a, b) VALUES (1, 'x', 'y');
      INSERT INTO parent (id, a, c) VALUES (2, 'z', 5)`)
  })

  const unique = (...fields: string[]) => ({
    kind: 'UniqueConstraintViolation',
    constraint: { fields },
    table: 'parent',
  })

  // The driver gives no result code for statements with RETURNING: both ways must end in the same error.
  describe.each([
    ['through executeRaw', (sql: string) => run(sql)],
    ['through queryRaw with RETURNING', (sql: string) => select(`${sql} RETURNING 1`)],
  ])('%s', (_, attempt) => {
    test.each<[string, string, object]>([
      ['a unique index', "INSERT INTO parent (a, b) VALUES ('x', 'y')", unique('a', 'b')],
      ['a primary key', 'INSERT INTO parent (id) VALUES (1)', unique('id')],
      [
        'an index on an expression',
        "INSERT INTO parent (a, c) VALUES ('Z', 5)",
        { kind: 'UniqueConstraintViolation', constraint: { index: 'parent_lower' } },
      ],
      [
        'NOT NULL',
        'INSERT INTO parent (b) VALUES (NULL)',
        { kind: 'NullConstraintViolation', constraint: { fields: ['b'] } },
      ],
      [
        'a foreign key',
        'INSERT INTO child VALUES (9)',
        { kind: 'ForeignKeyConstraintViolation', constraint: { foreignKey: {} } },
      ],
      [
        'CHECK',
        'INSERT INTO parent (c) VALUES (0)',
        { kind: 'sqlite', extendedCode: 275, message: 'CHECK constraint failed: c > 0' },
      ],
      ['a missing table', 'INSERT INTO nowhere VALUES (1)', { kind: 'TableDoesNotExist', table: 'nowhere' }],
      ['a missing column', 'UPDATE parent SET d = 1', { kind: 'ColumnNotFound', column: 'd' }],
      ['a missing target', 'INSERT INTO parent (d) VALUES (1)', { kind: 'ColumnNotFound', column: 'd' }],
    ])('%s', async (_, sql, cause) => {
      await expect(attempt(sql)).rejects.toMatchObject({ name: 'DriverAdapterError', cause })
      expect(await run('INSERT INTO child VALUES (1)')).toBe(1)
    })
  })

  test('SQL that is none is an error with its message', async () => {
    await expect(run('SELEKT 1')).rejects.toMatchObject({
      cause: { kind: 'sqlite', extendedCode: 1, message: 'near "SELEKT": syntax error', originalCode: '1' },
    })
    await expect(run('-- nothing')).rejects.toMatchObject({ cause: { kind: 'sqlite', extendedCode: 21 } })
  })

  test('more arguments than places are refused', async () => {
    await expect(select('SELECT ?', ['int', 1], ['int', 2])).rejects.toMatchObject({
      cause: { kind: 'sqlite', extendedCode: 25 },
    })
  })
})

describe('routing', () => {
  beforeEach(async () => {
    await adapter.executeScript('CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)')
  })

  // Whatever goes to the writer would wait for this transaction forever, and see what it wrote.
  test.each([
    'SELECT a FROM t',
    ' \n-- WITH a comment\n/* INSERT */ select a FROM t',
    'WITH x AS (SELECT a FROM t) SELECT a FROM x',
    'WITH RECURSIVE x(a) AS (SELECT 1 UNION SELECT a FROM t) SELECT a FROM x',
  ])('during a transaction, a read is answered at once: %s', async (sql) => {
    const transaction = await adapter.startTransaction()
    await transaction.executeRaw(statement('UPDATE t SET a = 2'))
    expect(await rows(sql)).toEqual([[1]])
    await transaction.rollback()
  })

  test('EXPLAIN is answered at once as well', async () => {
    const transaction = await adapter.startTransaction()
    const plan = await select('EXPLAIN QUERY PLAN DELETE FROM t')
    expect(plan.columnNames).toEqual(['id', 'parent', 'notused', 'detail'])
    await transaction.rollback()
  })

  test.each([
    'WITH x AS (SELECT 2 AS a) INSERT INTO t SELECT a FROM x RETURNING a',
    'INSERT INTO t VALUES (2) RETURNING a',
    '/* SELECT */ REPLACE INTO t VALUES (2) RETURNING a',
  ])('a write is one even if it returns rows, and each time: %s', async (sql) => {
    expect(await rows(sql)).toEqual([[2]])
    expect(await rows(sql)).toEqual([[2]])
    expect(await rows('SELECT a FROM t')).toEqual([[1], [2], [2]])
  })

  test('PRAGMA answers', async () => {
    expect(await rows('PRAGMA journal_mode')).toEqual([['wal']])
    expect(await rows('PRAGMA synchronous')).toEqual([[2]])
    expect(await rows('PRAGMA foreign_keys')).toEqual([[1]])
    expect(await rows('PRAGMA busy_timeout')).toEqual([[0]])
  })

  test('a transaction that plain SQL begins is undone and refused, so that no other statement can join it', async () => {
    for (const sql of ['BEGIN', 'SAVEPOINT s']) {
      await expect(run(sql)).rejects.toMatchObject({ cause: { kind: 'sqlite', extendedCode: 21 } })
    }
    await expect(adapter.executeScript('BEGIN; DELETE FROM t')).rejects.toMatchObject({
      cause: { kind: 'sqlite', extendedCode: 21 },
    })
    await run('INSERT INTO t VALUES (2)')
    expect(await rows('SELECT a FROM t')).toEqual([[1], [2]])
  })
})

describe('scripts', () => {
  test('a script may hold a whole transaction', async () => {
    await adapter.executeScript('BEGIN; CREATE TABLE t (a); INSERT INTO t VALUES (1); COMMIT;')
    expect(await rows('SELECT a FROM t')).toEqual([[1]])
  })

  test('one that fails half-way leaves neither a transaction open nor foreign keys off', async () => {
    const script = 'PRAGMA foreign_keys = OFF; CREATE TABLE t (a); BEGIN; INSERT INTO t VALUES (1); nonsense'
    await expect(adapter.executeScript(script)).rejects.toMatchObject({ cause: { kind: 'sqlite' } })
    expect(await rows('PRAGMA foreign_keys')).toEqual([[1]])
    expect(await run('INSERT INTO t VALUES (2)')).toBe(1)
    expect(await rows('SELECT a FROM t')).toEqual([[2]])
  })
})
