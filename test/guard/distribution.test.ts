import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'

const PAGE = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/scaling.md'), 'utf8')
const distributed = [...PAGE.matchAll(/create_distributed_table\('(\w+)', 'user_id'/g)].map(
  ([, name]) => name,
)

interface UniqueIndex {
  readonly table: string
  readonly isPartition: boolean
  readonly hasUser: boolean
}

/** Unique indexes, primary keys included, by the table that a partition is of. */
const UNIQUE_INDEXES = `
  SELECT coalesce(h.inhparent, i.indrelid)::regclass::text AS table, h.inhparent IS NOT NULL AS "isPartition",
    EXISTS (
      SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attname = 'user_id'
        AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    ) AS "hasUser"
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid LEFT JOIN pg_inherits h ON h.inhrelid = i.indrelid
  WHERE i.indisunique AND c.relnamespace = current_schema()::regnamespace`

it('tables can be distributed by user as docs/scaling.md says', async () => {
  const app = await startTestApp('postgres')
  const value = { userId: 'u1', platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
  await app.connectionLogs.record([{ value: { ...value, eventId: 'event-1' }, at: '' }])
  const client = new pg.Client({ connectionString: app.url })
  await client.connect()
  try {
    const { rows } = await client.query<UniqueIndex>(UNIQUE_INDEXES)
    const withUser = rows.filter(({ table }) => distributed.includes(table))
    expect(
      withUser.filter(({ hasUser }) => !hasUser),
      'a key without user_id cannot be distributed',
    ).toEqual([])
    expect(new Set(withUser.map(({ table }) => table))).toEqual(new Set(distributed))
    expect(distributed).toHaveLength(4)

    // Partitions are made while the service runs.
    const partitioned = withUser.filter(({ isPartition }) => isPartition).map(({ table }) => table)
    expect([...new Set(partitioned)].sort()).toEqual([
      'connection_log_counts',
      'connection_log_event_ids',
      'connection_logs',
    ])

    // The control: these stay in one place, and the page names each.
    const others = rows.filter(({ table }) => !distributed.includes(table))
    expect(others.filter(({ hasUser }) => hasUser)).toEqual([])
    expect(
      [...new Set(others.map(({ table }) => table))].filter((table) => !PAGE.includes(`\`${table}\``)),
    ).toEqual([])
    expect(others.map(({ table }) => table)).toContain('api_keys')
  } finally {
    await client.end()
  }
})

it('no table refers to another one by a foreign key, as docs/scaling.md says', async () => {
  const app = await startTestApp('postgres')
  const client = new pg.Client({ connectionString: app.url })
  await client.connect()
  try {
    const { rows } = await client.query(
      `SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace`,
    )
    expect(rows).toEqual([])
  } finally {
    await client.end()
  }
})
