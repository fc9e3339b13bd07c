import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import {
  ColumnTypeEnum as Type,
  type ArgScalarType,
  type SqlDriverAdapter,
  type SqlQuery,
} from '@prisma/driver-adapter-utils'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSqliteAdapterFactory } from '../../src/database/sqlite/adapter.ts'
import { openSqliteConnections, type SqliteConnections } from '../../src/database/sqlite/connections.ts'
import { configureWriter, isVersionAtLeast } from '../../src/database/sqlite/settings.ts'
import { systemClock } from '../../src/kernel/clock.ts'

let folder: string
let path: string
let connections: SqliteConnections
let adapter: SqlDriverAdapter

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'connlog-adapter-'))
  path = join(folder, 'logs.db')
  connections = await openSqliteConnections({ path, clock: systemClock })
  adapter = await createSqliteAdapterFactory(connections).connect()
})

afterEach(async () => {
  await connections.close()
  rmSync(folder, { recursive: true })
})

type Typed = readonly [type: ArgScalarType, value: unknown]

function statement(sql: string, ...args: Typed[]): SqlQuery {
  return {
    sql,
    args: args.map(([, value]) => value),
    argTypes: args.map(([scalarType]) => ({ scalarType, arity: 'scalar' })),
  }
}

const select = (sql: string, ...args: Typed[]) => adapter.queryRaw(statement(sql, ...args))
const run = (sql: string, ...args: Typed[]) => adapter.executeRaw(statement(sql, ...args))
const rows = async (sql: string, ...args: Typed[]) => (await select(sql, ...args)).rows

describe('arguments', () => {
  test.each<[ArgScalarType, unknown, unknown, string]>([
    ['int', 7, 7, 'integer'],
    ['int', '-7', -7, 'integer'],
    ['int', 3_000_000_000, 3_000_000_000, 'integer'],
    ['bigint', '9007199254740993', '9007199254740993', 'integer'],
    ['bigint', -(2n ** 63n), '-9223372036854775808', 'integer'],
    ['float', '1.5', 1.5, 'real'],
    ['float', 3_000_000_000, 3_000_000_000, 'integer'],
    ['decimal', '12.25', 12.25, 'real'],
    ['boolean', true, 1, 'integer'],
    ['boolean', false, 0, 'integer'],
    ['datetime', '2026-01-02T03:04:05.678Z', 1_767_323_045_678, 'integer'],
    ['datetime', '2026-01-02T05:04:05.678+02:00', 1_767_323_045_678, 'integer'],
    ['datetime', new Date(1_767_323_045_678), 1_767_323_045_678, 'integer'],
    ['datetime', '1969-12-31T23:59:59.999Z', -1, 'integer'],
    ['json', '{"a":[1]}', '{"a":[1]}', 'text'],
    ['json', { a: [1] }, '{"a":[1]}', 'text'],
    ['bytes', 'AP8B', new Uint8Array([0, 255, 1]), 'blob'],
    ['bytes', new Uint8Array([0, 255, 1]), new Uint8Array([0, 255, 1]), 'blob'],
    ['enum', 'FAILED', 'FAILED', 'text'],
    ['uuid', '0193-x', '0193-x', 'text'],
    ['string', 'naïve 😀', 'naïve 😀', 'text'],
    ['unknown', new Date(5), 5, 'integer'],
    ['unknown', null, null, 'null'],
  ])('%s %o is stored as %o, %s', async (type, value, stored, storage) => {
    expect(await rows('SELECT ?1, typeof(?1)', [type, value])).toEqual([[stored, storage]])
  })

  test.each<[string, ArgScalarType, unknown, string]>([
    ['a list', 'string', ['a'], 'SQLite cannot store a list'],
    ['undefined', 'string', undefined, 'SQLite cannot store a value of type undefined'],
    ['an object', 'string', { a: 1 }, 'SQLite cannot store a value of type object'],
    ['NaN', 'float', Number.NaN, 'expected a number'],
    ['a word for a number', 'decimal', 'x', 'expected a number'],
    ['a fraction for an integer', 'int', '1.5', 'expected an integer'],
    ['no instant', 'datetime', 'yesterday', 'expected an ISO 8601 instant'],
    [
      'text with U+0000, which would be cut there',
      'string',
      'a\0b',
      'text may not contain the character U+0000',
    ],
  ])('%s is refused instead of stored as something else', async (_, type, value, problem) => {
    await expect(select('SELECT ?', [type, value])).rejects.toMatchObject({
      cause: { kind: 'InvalidInputValue', message: `Argument 1 of the statement: ${problem}.` },
    })
  })

  test('an integer beyond 64 bits is out of range', async () => {
    await expect(select('SELECT ?', ['bigint', 2n ** 63n])).rejects.toMatchObject({
      cause: { kind: 'ValueOutOfRange' },
    })
  })

  test('SQL with U+0000 is refused, since SQLite would run the part before it', async () => {
    await adapter.executeScript('CREATE TABLE t (a)')
    await run('INSERT INTO t VALUES (1), (2)')
    await expect(run('DELETE FROM t\0 WHERE a = 1')).rejects.toMatchObject({
      cause: { kind: 'sqlite', extendedCode: 21 },
    })
    expect(await rows('SELECT count(*) FROM t')).toEqual([[2]])
  })
})

describe('results', () => {
  test('columns are typed by their declaration, whatever is null', async () => {
    await adapter.executeScript(`CREATE TABLE t (
      a INTEGER, b BIGINT, c REAL, d DECIMAL, e BOOLEAN, f DATETIME, g BLOB, h JSONB, i TEXT, j VARCHAR(36))`)
    const types = [
      Type.Int32,
      Type.Int64,
      Type.Double,
      Type.Numeric,
      Type.Boolean,
      Type.DateTime,
      Type.Bytes,
      Type.Json,
      Type.Text,
      Type.Text,
    ]
    await run('INSERT INTO t DEFAULT VALUES')
    expect((await select('SELECT * FROM t')).columnTypes).toEqual(types)
    await run(
      'INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ['int', 1],
      ['bigint', '9223372036854775807'],
      ['float', 0.1],
      ['decimal', '1.5'],
      ['boolean', true],
      ['datetime', '2026-01-02T03:04:05.678Z'],
      ['bytes', 'AQI='],
      ['json', '{"a":1}'],
      ['string', 'x'],
      ['uuid', 'y'],
    )
    const result = await select('SELECT * FROM t')
    expect(result).toEqual({
      columnNames: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'],
      columnTypes: types,
      rows: [
        [null, null, null, null, null, null, null, null, null, null],
        [
          1,
          '9223372036854775807',
          0.1,
          1.5,
          true,
          '2026-01-02T03:04:05.678Z',
          new Uint8Array([1, 2]),
          '{"a":1}',
          'x',
          'y',
        ],
      ],
    })
  })

  test('columns of the same name are all there, in order', async () => {
    expect(await select('SELECT 1 AS a, 2 AS a')).toEqual({
      columnNames: ['a', 'a'],
      columnTypes: [Type.Int32, Type.Int32],
      rows: [[1, 2]],
    })
  })

  test.each<[string, string, number, unknown[]]>([
    ['integers that fit', '(1), (NULL), (9007199254740991)', Type.Int32, [1, null, 9_007_199_254_740_991]],
    ['integers that do not fit', '(1), (9007199254740993)', Type.Int64, [1, '9007199254740993']],
    ['integers and fractions', '(NULL), (1), (1.5)', Type.Double, [null, 1, 1.5]],
    ['text after nulls', "(NULL), (NULL), ('x')", Type.Text, [null, null, 'x']],
    ['bytes', "(NULL), (x'01')", Type.Bytes, [null, new Uint8Array([1])]],
    ['text and numbers', "(1), ('x'), (1.5)", Type.UnknownNumber, [1, 'x', 1.5]],
    ['nulls only', '(NULL)', Type.Int32, [null]],
  ])('an expression is typed by all its values: %s', async (_, values, type, expected) => {
    const result = await select(`SELECT column1 FROM (VALUES ${values})`)
    expect(result.columnTypes).toEqual([type])
    expect(result.rows.flat()).toEqual(expected)
  })

  test('a column declared INTEGER that holds wide or fractional values is typed so that none is cut', async () => {
    await adapter.executeScript('CREATE TABLE t (wide INTEGER, fraction INTEGER)')
    await run('INSERT INTO t VALUES (9007199254740993, 1.5)')
    expect(await select('SELECT * FROM t')).toMatchObject({
      columnTypes: [Type.Int64, Type.Double],
      rows: [['9007199254740993', 1.5]],
    })
  })

  test('JSON that SQLite keeps as a number comes back as JSON text', async () => {
    await adapter.executeScript('CREATE TABLE t (j JSONB)')
    for (const json of ['1', '1.5', '"1"', 'null', '[1]'])
      await run('INSERT INTO t VALUES (?)', ['json', json])
    expect((await rows('SELECT j FROM t')).flat()).toEqual(['1', '1.5', '"1"', 'null', '[1]'])
  })

  test('instants written as text by SQL are understood, in UTC where they name no zone', async () => {
    await adapter.executeScript('CREATE TABLE t (at DATETIME)')
    const texts = [
      '2026-01-02 03:04:05',
      '2026-01-02T03:04:05.678+02:00',
      '2026-01-02',
      '2026-01-02 03:04:05Z',
    ]
    for (const text of texts) await run('INSERT INTO t VALUES (?)', ['string', text])
    expect((await rows('SELECT at FROM t')).flat()).toEqual([
      '2026-01-02T03:04:05.000Z',
      '2026-01-02T01:04:05.678Z',
      '2026-01-02T00:00:00.000Z',
      '2026-01-02T03:04:05.000Z',
    ])
  })

  test('a DATETIME column that holds no instant is an error, not a wrong instant', async () => {
    await adapter.executeScript("CREATE TABLE t (at DATETIME); INSERT INTO t VALUES ('soon')")
    await expect(select('SELECT at FROM t')).rejects.toMatchObject({
      cause: {
        kind: 'InconsistentColumnData',
        cause: 'Column `at` is declared DATETIME, but holds a value that is no instant.',
      },
    })
  })

  test('executeRaw counts rows that changed, and none for what changes no rows', async () => {
    await adapter.executeScript('CREATE TABLE t (a INTEGER)')
    expect(await run('INSERT INTO t VALUES (1), (2), (3)')).toBe(3)
    expect(await run('CREATE TABLE u (a INTEGER)')).toBe(0)
    expect(await run('WITH x AS (SELECT 1) SELECT * FROM x')).toBe(0)
    expect(await run('WITH x AS (SELECT 2 AS a) DELETE FROM t WHERE a IN (SELECT a FROM x)')).toBe(1)
    expect(await run('UPDATE t SET a = 9 RETURNING a')).toBe(2)
    expect(await run('DELETE FROM t WHERE a = 100')).toBe(0)
  })

  test('INSERT … RETURNING through queryRaw returns its rows', async () => {
    await adapter.executeScript('CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)')
    expect(await rows("INSERT INTO t (a) VALUES ('x'), ('y') RETURNING id, a")).toEqual([
      [1, 'x'],
      [2, 'y'],
    ])
    expect(await select("INSERT INTO t (a) VALUES ('z')")).toEqual({
      columnNames: [],
      columnTypes: [],
      rows: [],
    })
    expect(await rows('SELECT count(*) FROM t')).toEqual([[3]])
  })
})

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
    const count = await connections.transaction((session) => {
      session.script('CREATE TABLE t (a INTEGER, at DATETIME); INSERT INTO t VALUES (1, 0)')
      session.execute(statement('INSERT INTO t VALUES (?, ?)', ['int', 2], ['datetime', new Date(1)]))
      return session.rows('SELECT count(*) AS count FROM t')[0]?.['count']
    })
    expect(count).toBe(2)
    expect(await connections.rows('SELECT a, at FROM t WHERE a > ?', [1])).toEqual([
      { a: 2, at: '1970-01-01T00:00:00.001Z' },
    ])
  })

  test('or not at all, tables included', async () => {
    const failure = new Error('stop')
    const work = connections.transaction((session) => {
      session.script('CREATE TABLE t (a)')
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
  test.skipIf(process.platform === 'win32')('a file system without write-ahead logging is refused', () => {
    const db = new DatabaseSync(`file:${join(folder, 'other.db')}?vfs=unix-dotfile`)
    expect(() => configureWriter(db, 'other.db')).toThrow(
      'Cannot open the SQLite database other.db: its file system has no write-ahead logging (network file systems often have none), without which acknowledged writes could be lost.',
    )
    db.close()
  })

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
      const file = join(folder, name, 'logs.db')
      await asNobody(async () => {
        const made = await open(file)
        await made.script('CREATE TABLE t (a)')
        await made.close()
      })
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
