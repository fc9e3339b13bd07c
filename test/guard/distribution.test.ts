import pg from 'pg'
import { expect, it } from 'vitest'
import { createTestDatabase } from '../support/databases.ts'

const TABLES = [
  'connection_logs',
  'connection_log_event_ids',
  'connection_log_counts',
  'connection_log_count_deltas',
]

it('has user_id in every unique index of the tables that docs/scaling.md distributes', async () => {
  const database = await createTestDatabase('postgres')
  const client = new pg.Client({ connectionString: database.url })
  try {
    await client.connect()
    const { rows } = await client.query<{ table: string; distributed: boolean }>(
      `SELECT i.indrelid::regclass::text AS table, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid
         AND a.attname = 'user_id' AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) AS distributed
       FROM pg_index i WHERE i.indisunique AND i.indrelid = ANY ($1::regclass[])`,
      [['api_keys', ...TABLES]],
    )
    const byTable = rows.map(({ table, distributed }) => `${table} ${distributed}`).sort()
    // api_keys, which stays in one place, shows that the test can tell.
    expect([...new Set(byTable)]).toEqual(['api_keys false', ...TABLES.map((name) => `${name} true`).sort()])
  } finally {
    await client.end()
    await database.drop()
  }
})
