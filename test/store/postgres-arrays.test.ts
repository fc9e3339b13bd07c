import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { arrayOf, instants, integers, rowsOf, texts } from '../../src/database/postgres/arrays.ts'
import { type Sql, raw, sql } from '../../src/database/sql.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'

/** As they would come from a driver that has no way of its own: Postgres parses texts. */
const literal = (value: string | null, type: string): Sql =>
  value === null ? sql`NULL::${raw(type)}` : sql`${value}::text::${raw(type)}`

describe('arrays in the binary format of Postgres', () => {
  let app: TestApp

  beforeAll(async () => {
    app = keep(await startTestApp('postgres'))
  })
  afterAll(() => app.stop())

  const firstOf = async (rows: Sql) =>
    (await app.database.query<{ rows: unknown }>(sql`SELECT json_agg(r) AS rows FROM ${rows} AS r`))[0]?.rows

  it.each([
    ['text', ['', 'a', null, 'naïve 😀 "quoted", {braced} \\ NULL', 'x'.repeat(100_000)]],
    ['json', [null, {}, { a: [1, null, 'ü"'] }, 'text', 0, [], false]],
    ['integer', [0, null, -1, 2_147_483_647, -2_147_483_648]],
    ['instant', [0, null, 1_767_323_045_678, -62_135_596_800_000, 253_402_300_799_999, 946_684_800_000]],
  ] as const)('%s arrives as it was sent', async (type, values) => {
    const name = type === 'instant' ? 'timestamptz' : type
    const expected = values.map((value) => {
      if (value === null) return null
      if (type === 'json') return JSON.stringify(value)
      return type === 'instant' ? new Date(Number(value)).toISOString() : `${value as string | number}`
    })
    for (const [index, value] of expected.entries()) {
      const [row] = await app.database.query<{ same: boolean }>(sql`
        SELECT a.v::text IS NOT DISTINCT FROM (${literal(value, name)})::text AS same
        FROM ${rowsOf('a', { v: arrayOf(type, values) })} OFFSET ${index} LIMIT 1`)
      expect([value, row?.same]).toEqual([value, true])
    }
  })

  it('columns lie side by side, in their order', async () => {
    const rows = rowsOf('a', { name: texts(['one', null]), day: integers([1, 2]), at: instants([0, 1]) })
    expect(await firstOf(sql`(SELECT a.* FROM ${rows})`)).toEqual([
      { name: 'one', day: 1, at: '1970-01-01T00:00:00+00:00' },
      { name: null, day: 2, at: '1970-01-01T00:00:00.001+00:00' },
    ])
  })

  it('no values are no rows', async () => {
    expect(
      await firstOf(sql`(SELECT a.* FROM ${rowsOf('a', { name: texts([]), day: integers([]) })})`),
    ).toBeNull()
  })

  it('a text with U+0000 is refused, not cut', async () => {
    await expect(
      app.database.query(sql`SELECT * FROM ${rowsOf('a', { v: texts(['a\0b']) })}`),
    ).rejects.toThrow(/0x00/)
  })
})
