import type { PoolClient } from 'pg'
import { type CountTable, MINUTE, SPANS } from '../count-table.ts'

/** What sums of so many notes take of memory, and no disk; of all processes one at a time makes them. */
const MEMORY = '64MB'

/**
 * Takes what writers have noted and adds it to the counts of the user and of everyone, for each span. One statement,
 * so that every read sees either the notes or the counts that they went into. Of several processes one at a time may
 * call it: it alone changes counts, so nobody waits for a row of them.
 * @param limit how many notes are taken at most; each changes up to twelve counts
 * @returns how many were taken
 */
export async function mergeCounts(client: PoolClient, table: CountTable, limit: number): Promise<number> {
  const { name, deltas, group, detail, cells } = table
  const numbers = ['total', ...cells.map((cell) => cell.name)]
  const keys = `user_id, everyone, span, start, ${group}, ${detail}`
  await client.query(`SET LOCAL work_mem = '${MEMORY}'`)
  const { rows } = await client.query<{ taken: string }>(`
    WITH taken AS (
      DELETE FROM ${deltas} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${deltas} LIMIT ${limit})) RETURNING *
    ), merged AS (
      INSERT INTO ${name} AS c (${[keys, ...numbers].join(', ')})
      SELECT CASE WHEN everyone THEN '' ELSE user_id END AS user_id, everyone, span, start - start % span AS start,
        ${group}, ${detail}, ${numbers.map((number) => `sum(${number})`).join(', ')}
      FROM taken
        CROSS JOIN (VALUES (FALSE), (TRUE)) AS e(everyone)
        CROSS JOIN (VALUES ${SPANS.map((span) => `(${span})`).join(', ')}) AS s(span)
      WHERE ${detail} = '' OR span > ${MINUTE}
      GROUP BY 1, 2, 3, 4, 5, 6
      ON CONFLICT (${keys}) DO UPDATE SET ${numbers.map((number) => `${number} = c.${number} + excluded.${number}`).join(', ')}
    )
    SELECT count(*) AS taken FROM taken`)
  return Number(rows[0]?.taken)
}
