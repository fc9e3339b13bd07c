import { DatabaseSync } from '@photostructure/sqlite'
import pg from 'pg'
import { connlog } from './connlog.mjs'
import { prepareForService } from './fill.mjs'
import { COLUMNS, TABLE } from './rows.mjs'

const BATCH = 5_000

/** As SQLite keeps them: instants as milliseconds, JSON as text. */
const selected = ({ name, type }) =>
  type === 'instant'
    ? `(extract(epoch from ${name}) * 1000)::bigint`
    : type === 'json'
      ? `${name}::text`
      : name

/**
 * Copies all logs of a filled Postgres into a new SQLite file, oldest first, so that both databases hold the same.
 * @param {string} postgresUrl
 * @param {string} path of the file
 */
export async function fillSqlite(postgresUrl, path) {
  await connlog(`file:${path}`, ['migrate'])
  const db = new DatabaseSync(path)
  const client = new pg.Client({ connectionString: postgresUrl })
  await client.connect()
  try {
    // The file is worth nothing until all of it is there.
    db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; BEGIN IMMEDIATE')
    const insert = db.prepare(
      `INSERT INTO ${TABLE} (${COLUMNS.map(({ name }) => name).join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`,
    )
    await client.query('BEGIN')
    await client.query(
      `DECLARE logs CURSOR FOR SELECT ${COLUMNS.map(selected).join(', ')} FROM ${TABLE} ORDER BY created_at`,
    )
    for (;;) {
      const { rows } = await client.query({ text: `FETCH ${BATCH} FROM logs`, rowMode: 'array' })
      if (rows.length === 0) break
      for (const row of rows)
        // The driver would bind a number of more than 32 bits as a float.
        insert.run(...row.map((cell, index) => (COLUMNS[index].type === 'instant' ? BigInt(cell) : cell)))
    }
    db.exec('COMMIT')
  } finally {
    await client.end()
    db.close()
  }
  await prepareForService(`file:${path}`)
}
