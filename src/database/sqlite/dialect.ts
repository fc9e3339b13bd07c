import { type CountDelta, type CountTable, MINUTE, SPANS, countedColumns } from '../count-table.ts'
import { type BreakdownDialect, breakdowns } from '../breakdown.ts'
import { countedParts, inOrder, isShallow, usersSize } from '../counted.ts'
import type { Claim, Column, Dialect, LogTable, PageRequest, Position, Row } from '../dialect.ts'
import { sqliteErasing } from './erasing.ts'
import { followingBy } from './following.ts'
import { sqliteRewriting } from './rewriting.ts'
import { jsonBytes } from './json-parameter.ts'
import { IS_RUNNING } from './statements.js'
import { recounting } from '../recount.ts'
import { type Sql, empty, join, raw, sql } from '../sql.ts'
import { createRowText } from '../shape.ts'

/** Instants are integers; the driver would bind a plain number as a float. */
const instant = (ms: number) => sql`${BigInt(ms)}`

/** Values as a JSON parameter. */
const json = (values: unknown) => sql`CAST(${jsonBytes(values)} AS TEXT)`

/** To be said before all other bounds of time: SQLite enters an index by the first one, though it be far off. */
const beside = ({ createdAt, id }: Position, side: 'older' | 'newer', orAt?: 'or at') =>
  sql`(created_at, id) ${raw((side === 'older' ? '<' : '>') + (orAt ? '=' : ''))} (${instant(createdAt)}, ${id})`

/**
 * Asks once in a thousand rows, since a call of a function of ours takes as long as reading several of them. The number of
 * a row is part of each index, so that rows are counted which the other conditions pass over.
 */
const whileWanted = (rowid: string) => raw(`(${rowid} & 1023 OR ${IS_RUNNING}())`)

const counting: BreakdownDialect = {
  anyOf: (column, values) => sqliteDialect.anyOf(column, values),
  minuteStart: (minute) => sql`(${minute}) * 60000`,
  nested: (table, condition) => ({ join: sql`CROSS JOIN ${table} AS c`, where: condition }),
  hasDeltas: false,
  jsonRows: (columns, rows) =>
    sql`SELECT json_group_array(${raw(columns.length === 1 ? columns.join('') : `json_array(${columns.join(', ')})`)}) AS rows FROM (${rows}) AS j`,
  integers: (names, rows) => sql`
    SELECT ${raw(names.map((name, index) => `value ->> ${index} AS ${name}`).join(', '))}
    FROM json_each(${JSON.stringify(rows)})`,
  minuteOf: (instant) => sql`(${instant}) / 60000`,
  instant: (ms) => sqliteDialect.instant(ms),
  everyone: sql`TRUE`,
}

const counted = countedParts(counting)

/**
 * SQLite: rows go in as one JSON parameter, pages come out as one JSON text. Parameters are taken apart by jsonb_each,
 * which halves the time of json_each: that writes each row as text again, and every `->>` parses it anew.
 */
export const sqliteDialect: Dialect = {
  instant,

  // Others may have written an instant as text, as SQLite's own functions do.
  hasCome: (column, nowMs) => {
    const ms = sql`CASE typeof(${column}) WHEN 'integer' THEN ${column} WHEN 'real' THEN ${column} WHEN 'text' THEN unixepoch(${column}) * 1000 END`
    return sql`(${column} IS NOT NULL AND NOT coalesce(${ms} > ${instant(nowMs)}, FALSE))`
  },

  anyOf: (column, values) => {
    if (values.length === 0) return sql`FALSE`
    if (values.length === 1) return sql`${column} = ${values[0]}`
    return sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`
  },

  everyone: sql`TRUE`,

  whileWanted: [whileWanted('position')],

  hasTerms: (table, prefixes) => {
    const query = prefixes.map((prefix) => `"${prefix}" *`).join(' AND ')
    const terms = raw(table.terms)
    return sql`position IN (SELECT rowid FROM ${terms} WHERE ${terms} MATCH ${query} AND ${whileWanted('rowid')})`
  },

  page: (request) =>
    sql`SELECT (SELECT count(*) FROM ${raw(request.table.name)} WHERE ${request.where}) AS total, (${textOf(request, inOrder(request))}) AS logs`,

  countedPage: (request) => {
    const { limit, skip, where, table } = request
    const parts = counted.pieces(request)
    let page = inOrder(request)
    if (!isShallow(request)) {
      const logs = raw(table.name)
      const keys = sql`
        SELECT position FROM leaves AS p CROSS JOIN ${logs} WHERE ${counted.inMinute(sql`p.start`)} AND ${where}
        ORDER BY created_at DESC, id DESC LIMIT ${limit} OFFSET ${skip} - coalesce((SELECT min(before) FROM leaves), ${skip})`
      parts.push(...counted.leaves(request), sql`keys AS MATERIALIZED (${keys})`)
      page = sql`SELECT * FROM ${logs} WHERE position IN (SELECT position FROM keys) ORDER BY created_at DESC, id DESC`
    }
    return sql`
      WITH ${join(parts, ', ')}
      SELECT (${counted.total}) AS total, ${request.sized ? sql`(${usersSize(request, sqliteDialect)}) AS size,` : empty} (${textOf(request, page)}) AS logs`
  },

  ...recounting(counting),

  ...breakdowns(counting),

  ...sqliteErasing,

  ...sqliteRewriting,

  ...followingBy((table, more) => sql`json_object(${pairs(table)}${raw(more)})`),

  // A transaction has the writer for itself.
  lockCounts: () => [],
  lockKeysOf: () => [],

  countedTotal: (request) =>
    sql`WITH ${join(counted.pieces(request), ', ')} SELECT (${counted.total}) AS total`,

  slice: ({ table, where, from, toward, limit, withBehind }) => {
    const logs = raw(table.name)
    const ahead = from ? sql`${beside(from, toward)} AND ${where}` : where
    const behind =
      withBehind && from
        ? sql`EXISTS (SELECT 1 FROM ${logs} WHERE ${beside(from, toward === 'older' ? 'newer' : 'older', 'or at')} AND ${where})`
        : sql`FALSE`
    const order = raw(toward === 'older' ? 'DESC' : 'ASC')
    const rows = sql`SELECT * FROM ${logs} WHERE ${ahead} ORDER BY created_at ${order}, id ${order} LIMIT ${limit}`
    return sql`SELECT (${jsonArray(table, rows)}) AS logs, ${behind} AS behind`
  },

  edge: ({ table, where, from, toward, rows }) => {
    const ahead = from ? sql`${beside(from, toward)} AND ${where}` : where
    const order = raw(toward === 'older' ? 'DESC' : 'ASC')
    return sql`SELECT created_at + 0 AS created_ms, id FROM ${raw(table.name)} WHERE ${ahead}
      ORDER BY created_at ${order}, id ${order} LIMIT 1 OFFSET ${rows - 1}`
  },

  ofRow: {
    anyOf: (column, values) => sqliteDialect.anyOf(sql`+${column}`, values),
    hasTerms: (_, prefixes) =>
      join(
        prefixes.map((prefix) => sql`instr(' ' || terms, ${` ${prefix}`}) > 0`),
        ' AND ',
      ),
  },

  // One writer at a time numbers the logs in the order of their commits, and uses no number twice.
  snapshot: (table) =>
    sql`SELECT CAST(coalesce(max(position), 0) AS text) AS snapshot FROM ${raw(table.name)}`,

  within: (snapshot) => sql`position <= ${BigInt(snapshot)}`,

  next: ({ table, where, after, limit }) => {
    const rest = after
      ? sql`(created_at, id, user_id) > (${instant(after.createdAt)}, ${after.id}, ${after.userId}) AND ${where}`
      : where
    const rows = sql`SELECT * FROM ${raw(table.name)} WHERE ${rest} ORDER BY created_at, id, user_id LIMIT ${limit}`
    return sql`SELECT (${jsonArray(table, rows)}) AS logs`
  },

  beside,

  rows: (table, where) =>
    jsonArray(table, sql`SELECT * FROM ${raw(table.name)} WHERE ${where} ORDER BY position`),

  append: (table, rows, deltas) => {
    const names = raw(table.columns.map(({ name }) => name).join(', '))
    const cells = raw(table.columns.map((_, index) => `value ->> ${index}`).join(', '))
    const values = json(rows.map((row) => table.columns.map((column) => sent(column, row))))
    return [
      sql`INSERT INTO ${raw(table.name)} (${names}) SELECT ${cells} FROM jsonb_each(${values})`,
      ...sqliteDialect.count(table.counts, deltas),
    ]
  },

  count: (table, deltas) => {
    if (deltas.length === 0) return []
    const add = addTo(table, deltas)
    return deltas.some(({ total }) => total < 0) ? [add, removeEmpty(table, deltas)] : [add]
  },

  taken: (table, wanted, afterMs) => sql`
    SELECT e.user_id, e.event_id, json_object(${pairs(table, 'l.')}) AS log
    FROM jsonb_each(${json(wanted.map(({ userId, eventId }) => [userId, eventId]))}) AS w
    CROSS JOIN ${raw(table.eventIds)} AS e ON e.user_id = w.value ->> 0 AND e.event_id = w.value ->> 1
    CROSS JOIN ${raw(table.name)} AS l ON l.user_id = e.user_id AND l.created_at = e.created_at AND l.id = e.log_id
    WHERE e.created_at > ${instant(afterMs)}`,

  stored: (table, keys) => sql`
    SELECT w.value ->> 0 AS user_id, json_object(${pairs(table, 'l.')}) AS log
    FROM jsonb_each(${json(keys.map(({ userId, createdAt, id }) => [userId, createdAt, id]))}) AS w
    CROSS JOIN ${raw(table.name)} AS l
      ON l.user_id = w.value ->> 0 AND l.created_at = w.value ->> 1 AND l.id = w.value ->> 2`,

  claim: (table, claims, afterMs) => {
    const eventIds = raw(table.eventIds)
    return sql`
      INSERT INTO ${eventIds} (user_id, event_id, day, log_id, created_at)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM jsonb_each(${claimRows(claims)})
      WHERE TRUE
      ON CONFLICT (user_id, event_id, day) DO UPDATE SET log_id = excluded.log_id, created_at = excluded.created_at
        WHERE ${eventIds}.created_at <= ${instant(afterMs)}`
  },

  // Who has the writer has it alone.
  tryCleanup: () => sql`SELECT TRUE AS free`,

  deleteExpired: (table, throughMs, limit) => {
    const logs = raw(table.name)
    return sql`
      DELETE FROM ${logs} WHERE position IN (
        SELECT position FROM ${logs} WHERE created_at <= ${instant(throughMs)} ORDER BY created_at, id LIMIT ${limit}
      ) RETURNING ${raw(
        countedColumns(table)
          // An expression, so that an instant comes back as the number it is.
          .map(({ name, property, type }) => `${name}${type === 'instant' ? ' + 0' : ''} AS "${property}"`)
          .join(', '),
      )}`
  },

  deleteEventIds: (table, day, limit) => {
    const eventIds = raw(table.eventIds)
    return sql`
      DELETE FROM ${eventIds} WHERE rowid IN (
        SELECT rowid FROM ${eventIds} WHERE day < ${day} ORDER BY day LIMIT ${limit}
      )`
  },

  noteUses: (uses) => sql`
    UPDATE api_keys SET last_used_at = u.value ->> 1
    FROM json_each(${JSON.stringify(uses.map(({ keyId, atMs }) => [keyId, atMs]))}) AS u
    WHERE api_keys.id = u.value ->> 0
      AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < u.value ->> 1)`,

  now: () => sql`SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now_ms`,
}

const jsonArray = (table: LogTable, rows: Sql): Sql =>
  sql`SELECT json_group_array(json_object(${pairs(table)})) AS logs FROM (${rows})`

const textOf = ({ table, shape }: PageRequest, rows: Sql): Sql =>
  shape ? joined(rowText(table, shape), rows) : jsonArray(table, rows)

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
  json(claims.map(({ userId, eventId, day, logId, createdAt }) => [userId, eventId, day, logId, createdAt]))

/** In the order of the primary key. */
const keysOf = ({ group, detail }: CountTable) => ['user_id', 'everyone', 'span', detail, 'start', group]

/** One writer at a time: what it adds goes into the counts themselves. */
function addTo(table: CountTable, deltas: readonly CountDelta[]): Sql {
  const numbers = ['total', ...table.cells.map(({ name }) => name)]
  const keys = keysOf(table)
  const values = [
    ...keys.map((_, index) => `value ->> ${index}`),
    ...numbers.map((name) => `coalesce(value ->> '$[${keys.length}].${name}', 0)`),
  ]
  const rows = lifted(deltas).map(({ key, total, cells }) => [...key, { total, ...cells }])
  const added = numbers.map((name) => `${name} = ${table.name}.${name} + excluded.${name}`)
  return sql`INSERT INTO ${raw(table.name)} (${raw([...keys, ...numbers].join(', '))})
    SELECT ${raw(values.join(', '))} FROM jsonb_each(${json(rows)}) WHERE TRUE
    ON CONFLICT (${raw(keys.join(', '))}) DO UPDATE SET ${raw(added.join(', '))}`
}

/** What has come down to nothing goes. */
function removeEmpty(table: CountTable, deltas: readonly CountDelta[]): Sql {
  const keys = keysOf(table)
  const named = keys.map((_, index) => `value ->> ${index}`).join(', ')
  const rows = lifted(deltas).map(({ key }) => key)
  return sql`DELETE FROM ${raw(table.name)} WHERE total = 0
    AND (${raw(keys.join(', '))}) IN (SELECT ${raw(named)} FROM jsonb_each(${json(rows)}))`
}

interface Lifted {
  readonly key: readonly (string | number)[]
  total: number
  readonly cells: Record<string, number>
}

/** The rows that deltas change: those of the user and of everyone, for each span; a user's stand together, as on the pages. */
function lifted(deltas: readonly CountDelta[]): Lifted[] {
  const rows: Lifted[] = []
  const ofEveryone = new Map<string, Lifted>()
  let ofUser = new Map<string, Lifted>()
  let user: string | undefined
  for (const delta of [...deltas].sort((a, b) => (a.userId < b.userId ? -1 : a.userId > b.userId ? 1 : 0))) {
    const { userId, start, group, detail } = delta
    if (userId !== user) {
      rows.push(...ofUser.values())
      ofUser = new Map()
      user = userId
    }
    for (const span of SPANS) {
      if (span === MINUTE && detail !== '') continue
      const from = start - (start % span)
      const period = `${span} ${from} ${group} ${detail}`
      add(ofUser, period, delta, () => [userId, 0, span, detail, from, group])
      add(ofEveryone, period, delta, () => ['', 1, span, detail, from, group])
    }
  }
  rows.push(...ofUser.values(), ...ofEveryone.values())
  return rows
}

function add(
  rows: Map<string, Lifted>,
  period: string,
  { total, cells }: CountDelta,
  key: () => Lifted['key'],
): void {
  let row = rows.get(period)
  if (!row) rows.set(period, (row = { key: key(), total: 0, cells: {} }))
  row.total += total
  for (const name in cells) row.cells[name] = (row.cells[name] ?? 0) + (cells[name] ?? 0)
}
