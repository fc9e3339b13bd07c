import type { Claim, Column, Dialect, LogTable, Row } from '../dialect.ts'
import { createRowText } from '../shape.ts'
import { type Sql, raw, sql } from '../sql.ts'

/** Instants are integers; the driver would bind a plain number as a float. */
const instant = (ms: number) => sql`${BigInt(ms)}`

/** SQLite: rows go in as one JSON parameter, pages come out as one JSON text. */
export const sqliteDialect: Dialect = {
  instant,

  anyOf: (column, values) => {
    if (values.length === 0) return sql`FALSE`
    if (values.length === 1) return sql`${column} = ${values[0]}`
    return sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`
  },

  hasTerms: (table, prefixes) => {
    const query = prefixes.map((prefix) => `"${prefix}" *`).join(' AND ')
    const terms = raw(table.terms)
    return sql`position IN (SELECT rowid FROM ${terms} WHERE ${terms} MATCH ${query})`
  },

  page: ({ table, where, limit, skip, shape }) => {
    const logs = raw(table.name)
    const page = sql`SELECT * FROM ${logs} WHERE ${where} ORDER BY created_at DESC, id DESC LIMIT ${limit} OFFSET ${skip}`
    const text = shape ? joined(rowText(table, shape), page) : jsonArray(table, page)
    return sql`SELECT (SELECT count(*) FROM ${logs} WHERE ${where}) AS total, (${text}) AS logs`
  },

  slice: ({ table, where, from, toward, limit }) => {
    const logs = raw(table.name)
    const ahead = from ? sql`${where} AND ${sqliteDialect.beside(from, toward)}` : where
    const behind = from
      ? sql`EXISTS (SELECT 1 FROM ${logs} WHERE ${where} AND NOT ${sqliteDialect.beside(from, toward)})`
      : sql`FALSE`
    const order = raw(toward === 'older' ? 'DESC' : 'ASC')
    const rows = sql`SELECT * FROM ${logs} WHERE ${ahead} ORDER BY created_at ${order}, id ${order} LIMIT ${limit}`
    return sql`SELECT (${jsonArray(table, rows)}) AS logs, ${behind} AS behind`
  },

  beside: ({ createdAt, id }, side) =>
    sql`(created_at, id) ${raw(side === 'older' ? '<' : '>')} (${instant(createdAt)}, ${id})`,

  rows: (table, where) =>
    jsonArray(table, sql`SELECT * FROM ${raw(table.name)} WHERE ${where} ORDER BY position`),

  append: (table, rows) => {
    const names = raw(table.columns.map(({ name }) => name).join(', '))
    const values = raw(table.columns.map((_, index) => `value ->> ${index}`).join(', '))
    const text = JSON.stringify(rows.map((row) => table.columns.map((column) => sent(column, row))))
    return sql`INSERT INTO ${raw(table.name)} (${names}) SELECT ${values} FROM json_each(${text})`
  },

  taken: (table, wanted, afterMs) => sql`
    SELECT e.user_id, e.event_id, json_object(${pairs(table, 'l.')}) AS log
    FROM json_each(${JSON.stringify(wanted.map(({ userId, eventId }) => [userId, eventId]))}) AS w
    CROSS JOIN ${raw(table.eventIds)} AS e ON e.user_id = w.value ->> 0 AND e.event_id = w.value ->> 1
    CROSS JOIN ${raw(table.name)} AS l ON l.user_id = e.user_id AND l.created_at = e.created_at AND l.id = e.log_id
    WHERE e.created_at > ${instant(afterMs)}`,

  stored: (table, keys) => sql`
    SELECT w.value ->> 0 AS user_id, json_object(${pairs(table, 'l.')}) AS log
    FROM json_each(${JSON.stringify(keys.map(({ userId, createdAt, id }) => [userId, createdAt, id]))}) AS w
    CROSS JOIN ${raw(table.name)} AS l
      ON l.user_id = w.value ->> 0 AND l.created_at = w.value ->> 1 AND l.id = w.value ->> 2`,

  claim: (table, claims, afterMs) => {
    const eventIds = raw(table.eventIds)
    return sql`
      INSERT INTO ${eventIds} (user_id, event_id, day, log_id, created_at)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(${claimRows(claims)})
      WHERE TRUE
      ON CONFLICT (user_id, event_id, day) DO UPDATE SET log_id = excluded.log_id, created_at = excluded.created_at
        WHERE ${eventIds}.created_at <= ${instant(afterMs)}
      RETURNING event_id`
  },

  countExpired: (table, throughMs) =>
    sql`SELECT count(*) AS expired FROM ${raw(table.name)} WHERE created_at <= ${instant(throughMs)}`,

  deleteExpired: (table, throughMs, limit) => {
    const logs = raw(table.name)
    return sql`
      DELETE FROM ${logs} WHERE position IN (
        SELECT position FROM ${logs} WHERE created_at <= ${instant(throughMs)} ORDER BY created_at, id LIMIT ${limit}
      )`
  },

  deleteEventIds: (table, day, limit) => {
    const eventIds = raw(table.eventIds)
    return sql`
      DELETE FROM ${eventIds} WHERE rowid IN (
        SELECT rowid FROM ${eventIds} WHERE day < ${day} ORDER BY day LIMIT ${limit}
      )`
  },

  now: () => sql`SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now_ms`,
}

const jsonArray = (table: LogTable, rows: Sql): Sql =>
  sql`SELECT json_group_array(json_object(${pairs(table)})) AS logs FROM (${rows})`

const rowText = createRowText({
  quoted: (text) => `json_quote(${text})`,
  json: (column) => column,
  member: (column, name) => `(${column} -> '$.${name}')`,
  instant: (column) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`,
})

/** The texts of rows as one JSON array; null if any of them is. Materialized, lest each text be made twice. */
const joined = (text: Sql, rows: Sql): Sql => sql`
  WITH texts AS MATERIALIZED (SELECT ${text} AS text FROM (${rows}))
  SELECT CASE WHEN count(*) = count(text) THEN '[' || coalesce(group_concat(text, ','), '') || ']' END FROM texts`

function pairs(table: LogTable, of = ''): Sql {
  const readable = table.columns.filter(({ writeOnly }) => !writeOnly)
  const texts = readable.map(
    ({ name, property, type }) => `'${property}', ${type === 'json' ? `json(${of}${name})` : of + name}`,
  )
  return raw(texts.join(', '))
}

function sent({ property, type }: Column, row: Row): unknown {
  const value = row[property] ?? null
  return type === 'json' && value !== null ? JSON.stringify(value) : value
}

const claimRows = (claims: readonly Claim[]) =>
  JSON.stringify(
    claims.map(({ userId, eventId, day, logId, createdAt }) => [userId, eventId, day, logId, createdAt]),
  )
