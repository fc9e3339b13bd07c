import type { PoolClient } from 'pg'
import { DAY } from '../count-table.ts'
import type { LogTable } from '../dialect.ts'
import { type Partition, partitionsOf, startOf } from './storage.ts'

/**
 * The planner's statistics hold values of rows: users, error codes, words. ANALYZE replaces them, but leaves those of
 * a table without rows as they are. So such a table is analyzed with a blank row in it, which nobody else ever sees.
 */
export async function forgetStatistics(client: PoolClient, table: LogTable): Promise<void> {
  const plain = [table.counts.deltas, 'api_keys', 'audit_log'].map((name) => ({ parent: name, name, day: 0 }))
  const all = [...(await partitionsOf(client, [table.name, table.eventIds, table.counts.name])), ...plain]
  await client.query('BEGIN')
  try {
    const blank: (Partition & { place: string })[] = []
    for (const one of all) {
      // Statistics of words are those of an index, which holds the logs with words alone.
      const rows = one.parent === table.name ? `"${one.name}" WHERE terms IS NOT NULL` : `"${one.name}"`
      const { rowCount } = await client.query(`SELECT 1 FROM ${rows} LIMIT 1`)
      if (rowCount === 0) blank.push({ ...one, place: await addBlankRow(client, one) })
    }
    const parents = [...new Set(blank.map(({ parent }) => parent))].filter((parent) =>
      all.every((one) => one.parent !== parent || blank.some(({ name }) => name === one.name)),
    )
    for (const name of new Set([...blank.map((one) => one.name), ...parents]))
      await client.query(`ANALYZE "${name}"`)
    for (const { name, place } of blank)
      await client.query(`DELETE FROM "${name}" WHERE ctid = $1::tid`, [place])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

/** @returns where it stands */
async function addBlankRow(client: PoolClient, { name, day }: Partition): Promise<string> {
  const { rows: columns } = await client.query<{ column: string; type: string }>(
    `SELECT attname AS column, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
    [`"${name}"`],
  )
  const values = columns.map(({ column, type }) => {
    if (type === 'text') return "''"
    if (type === 'json') return "'{}'"
    if (type === 'boolean') return 'FALSE'
    if (type.startsWith('timestamp')) return `'${startOf(day)}'`
    return String(column === 'day' ? day : column === 'start' ? day * DAY : 0)
  })
  const { rows } = await client.query<{ place: string }>(
    `INSERT INTO "${name}" (${columns.map(({ column }) => `"${column}"`).join(', ')})
     VALUES (${values.join(', ')}) RETURNING ctid::text AS place`,
  )
  const [row] = rows
  if (!row) throw new TypeError('the blank row is not there')
  return row.place
}
