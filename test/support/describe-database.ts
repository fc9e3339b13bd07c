import pg from 'pg'
import type { SqliteConnections } from '../../src/database/sqlite/connections.ts'

/** Tables with their columns, and indexes with theirs, as lines of text. */
export async function describeSqlite(connections: SqliteConnections): Promise<string[]> {
  const columns = await connections.rows(
    `SELECT m.name AS "table", c.name, upper(c.type) AS type, c."notnull" AS required, c.pk FROM sqlite_master m, pragma_table_xinfo(m.name) c
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> '_prisma_migrations'`,
  )
  const indexes = await connections.rows(
    `SELECT m.name, group_concat(c.name, ', ') AS columns FROM sqlite_master m, pragma_index_info(m.name) c
     WHERE m.type = 'index' AND m.name NOT LIKE 'sqlite_%' GROUP BY m.name`,
  )
  return [
    ...columns.map(
      (column) =>
        `${String(column['table'])}.${String(column['name'])} ${String(column['type'])} required=${String(column['required'])} key=${String(column['pk'])}`,
    ),
    ...indexes.map(({ name, columns: names }) => `${String(name)} (${String(names)})`),
  ].sort()
}

/** The same for Postgres; partitions, being made from their parents, are left out. */
export async function describePostgres(url: string): Promise<string[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const { rows: columns } = await client.query<{ line: string }>(
      `SELECT format('%s.%s %s required=%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull) AS line
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
       WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = current_schema()::regnamespace
         AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> '_prisma_migrations'`,
    )
    const { rows: indexes } = await client.query<{ line: string }>(
      `SELECT format('%s%s (%s)', i.relname, CASE WHEN x.indisunique THEN ' unique' ELSE '' END,
         (SELECT string_agg(coalesce(a.attname, 'expression'), ', ' ORDER BY k.place)
          FROM unnest(x.indkey[0:x.indnkeyatts - 1]) WITH ORDINALITY AS k(number, place)
          LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number AND k.number > 0)) AS line
       FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
       WHERE t.relnamespace = current_schema()::regnamespace AND NOT t.relispartition AND t.relname <> '_prisma_migrations'`,
    )
    return [...columns, ...indexes].map(({ line }) => line).sort()
  } finally {
    await client.end()
  }
}
