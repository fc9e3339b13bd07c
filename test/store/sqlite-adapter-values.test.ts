import { ColumnTypeEnum as Type, type ArgScalarType } from '@prisma/driver-adapter-utils'
import { describe, expect, test } from 'vitest'
import { adapter, rows, run, select, useNewAdapters } from '../support/sqlite-adapter.ts'

useNewAdapters()

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
