import { formatInstant } from '../../kernel/instant.ts'
import { countedColumns } from '../count-table.ts'
import { type BreakdownDialect, breakdowns } from '../breakdown.ts'
import { countedParts, inOrder, isShallow, usersSize } from '../counted.ts'
import type { Column, Dialect, LogTable, PageRequest, Position } from '../dialect.ts'
import { erasingBy } from './erasing.ts'
import { followingBy, isOwn } from './following.ts'
import { CLEANUP_LOCK, PARTITION_LOCK, lockOfKeys } from './locks.ts'
import { postgresRewriting } from './rewriting.ts'
import { OUTER_FIRST, storingBy } from './storing.ts'
import { recounting } from '../recount.ts'
import { type Sql, empty, join, raw, sql } from '../sql.ts'
import { createRowText } from '../shape.ts'

const epochMs = (expression: Sql) => sql`(extract(epoch from ${expression}) * 1000)::bigint`

/**
 * The predicate of the index over all users, so that the index serves those who say it and nobody else. The planner would
 * take it for the logs of one user too, where few users have most of the logs, and read everybody's.
 */
const everyone = sql`length(id) > 0`

/** With a bound of the instant alone: where there are several, Postgres does not enter an index by a pair. */
const beside = ({ createdAt, id }: Position, side: 'older' | 'newer', orAt?: 'or at') => {
  const [place, instant] = [
    sql`(${postgresDialect.instant(createdAt)}, ${id})`,
    postgresDialect.instant(createdAt),
  ]
  const than = side === 'older' ? '<' : '>'
  return sql`((created_at, id) ${raw(orAt ? `${than}=` : than)} ${place} AND created_at ${raw(`${than}=`)} ${instant})`
}

const counting: BreakdownDialect = {
  anyOf: (column, values) => postgresDialect.anyOf(column, values),
  minuteStart: (minute) => sql`to_timestamp((${minute}) * 60)`,
  nested: (table, condition) => ({
    join: sql`CROSS JOIN LATERAL (SELECT * FROM ${table} AS c WHERE ${condition} ${OUTER_FIRST}) AS c`,
    where: sql`TRUE`,
  }),
  hasDeltas: true,
  jsonRows: (columns, rows) =>
    sql`SELECT coalesce(json_agg(${raw(columns.length === 1 ? columns.join('') : `json_build_array(${columns.join(', ')})`)}), '[]')::text AS rows FROM (${rows}) AS j`,
  integers: (names, rows) => sql`
    SELECT ${raw(names.map((name, index) => `(v ->> ${index})::integer AS ${name}`).join(', '))}
    FROM json_array_elements(${JSON.stringify(rows)}::json) AS v`,
  minuteOf: (instant) => sql`floor(extract(epoch from ${instant}) / 60)::integer`,
  instant: (ms) => postgresDialect.instant(ms),
  everyone,
}

const counted = countedParts(counting)

/** Postgres: pages come out as one JSON text. */
export const postgresDialect: Dialect = {
  instant: (ms) => sql`${formatInstant(ms)}::timestamptz`,

  hasCome: (column, nowMs) =>
    sql`(${column} IS NOT NULL AND NOT (isfinite(${column}) AND ${column} > ${postgresDialect.instant(nowMs)}))`,

  anyOf: (column, values) => {
    if (values.length === 0) return sql`FALSE`
    if (values.length === 1) return sql`${column} = ${values[0]}`
    // The second half lets the planner prove that a partial index serves, whatever the list holds.
    return sql`(${column} = ANY(${values}::text[]) AND ${column} IS NOT NULL)`
  },

  everyone,

  // The server ends a statement itself, by statement_timeout.
  whileWanted: [],

  hasTerms: (_, prefixes) => {
    const query = prefixes.map((prefix) => `'${prefix}':*`).join(' & ')
    return sql`(terms IS NOT NULL AND array_to_tsvector(string_to_array(terms, ' ')) @@ ${query}::tsquery)`
  },

  page: (request) =>
    sql`SELECT (SELECT count(*) FROM ${raw(request.table.name)} WHERE ${request.where}) AS total, (${textOf(request, inOrder(request))}) AS logs`,

  countedPage: (request) => {
    const { limit, skip, where, table } = request
    const parts = counted.pieces(request)
    let page = inOrder(request)
    if (!isShallow(request)) {
      parts.push(...counted.leaves(request))
      // Of each leaf the logs that are on the page, by the order of the index; a leaf lies in one partition.
      page = sql`
        SELECT l.* FROM leaves AS p CROSS JOIN LATERAL (
          SELECT * FROM ${raw(table.name)} WHERE ${where} AND ${counted.inMinute(sql`p.start`)}
          ORDER BY created_at DESC, id DESC
          LIMIT ${limit}::bigint + least(${skip}::bigint - p.before, 0) OFFSET greatest(${skip}::bigint - p.before, 0)
        ) AS l
        ORDER BY l.created_at DESC, l.id DESC`
    }
    return sql`
      WITH ${join(parts, ', ')}
      SELECT (${counted.total}) AS total, ${request.sized ? sql`(${usersSize(request, postgresDialect)}) AS size,` : empty} (${textOf(request, page)}) AS logs`
  },

  ...recounting(counting),

  ...breakdowns(counting),

  ...erasingBy((column, of) => selected(column, of)),

  ...followingBy((table) => selection(table)),

  ...postgresRewriting,

  // No merge, and no writer that has not noted what it wrote.
  lockCounts: ({ counts }) => [
    sql`SELECT pg_advisory_xact_lock(${raw(PARTITION_LOCK)})`,
    sql`LOCK TABLE ${raw(counts.deltas)} IN SHARE ROW EXCLUSIVE MODE`,
  ],

  lockKeysOf: (userId) => [sql`SELECT pg_advisory_xact_lock(${lockOfKeys(userId)})`],

  countedTotal: (request) =>
    sql`WITH ${join(counted.pieces(request), ', ')} SELECT (${counted.total}) AS total`,

  slice: ({ table, where, from, toward, limit, withBehind }) => {
    const logs = raw(table.name)
    const ahead = from ? sql`${where} AND ${beside(from, toward)}` : where
    const behind =
      withBehind && from
        ? sql`EXISTS (SELECT 1 FROM ${logs} WHERE ${where} AND ${beside(from, toward === 'older' ? 'newer' : 'older', 'or at')})`
        : sql`FALSE`
    const order = raw(toward === 'older' ? 'DESC' : 'ASC')
    const rows = sql`SELECT ${selection(table)} FROM ${logs} WHERE ${ahead} ORDER BY created_at ${order}, id ${order} LIMIT ${limit}`
    return sql`SELECT (${jsonArray(rows)}) AS logs, ${behind} AS behind`
  },

  edge: ({ table, where, from, toward, rows }) => {
    const ahead = from ? sql`${where} AND ${beside(from, toward)}` : where
    const order = raw(toward === 'older' ? 'DESC' : 'ASC')
    return sql`SELECT ${epochMs(sql`created_at`)} AS created_ms, id FROM ${raw(table.name)} WHERE ${ahead}
      ORDER BY created_at ${order}, id ${order} LIMIT 1 OFFSET ${rows - 1}`
  },

  ofRow: {
    // The bounds of the place decide about the partitions, and the planner within them.
    anyOf: (column, values) => postgresDialect.anyOf(column, values),
    hasTerms: (_, prefixes) =>
      join(
        prefixes.map((prefix) => sql`strpos(' ' || terms, ${` ${prefix}`}) > 0`),
        ' AND ',
      ),
  },

  snapshot: () => sql`SELECT pg_current_snapshot()::text AS snapshot`,

  // The position is the transaction that stored the log. A log that came with a dump of another server, whose transactions
  // have nothing to do with ours, was there before.
  within: (snapshot) => sql`(
    pg_visible_in_snapshot(position::text::xid8, ${snapshot}::pg_snapshot)
    OR NOT ${isOwn()})`,

  next: ({ table, where, after, limit }) => {
    const from = after && postgresDialect.instant(after.createdAt)
    const rest = from
      ? sql`${where} AND (created_at, id, user_id) > (${from}, ${after.id}, ${after.userId}) AND created_at >= ${from}`
      : where
    const rows = sql`SELECT ${selection(table)} FROM ${raw(table.name)} WHERE ${rest} ORDER BY created_at, id, user_id LIMIT ${limit}`
    return sql`SELECT (${jsonArray(rows)}) AS logs`
  },

  beside,

  rows: (table, where) =>
    jsonArray(sql`SELECT ${selection(table)} FROM ${raw(table.name)} WHERE ${where} ORDER BY position, id`),

  ...storingBy({ instant: (ms) => postgresDialect.instant(ms), selection: (table) => selection(table) }),

  tryCleanup: () => sql`SELECT pg_try_advisory_xact_lock(${raw(CLEANUP_LOCK)}) AS free`,

  deleteExpired: (table, throughMs, limit) => {
    const logs = raw(table.name)
    return sql`
      DELETE FROM ${logs} AS l
      USING (
        SELECT user_id, created_at, id FROM ${logs} WHERE created_at <= ${postgresDialect.instant(throughMs)}
        AND ${everyone} ORDER BY created_at, id LIMIT ${limit} FOR UPDATE SKIP LOCKED
      ) AS d
      WHERE l.user_id = d.user_id AND l.created_at = d.created_at AND l.id = d.id
        AND l.created_at <= ${postgresDialect.instant(throughMs)}
      RETURNING ${raw(
        countedColumns(table)
          .map((column) => selected(column, 'l.'))
          .join(', '),
      )}`
  },

  // Whole days are dropped with their partition.
  deleteEventIds: (table) => sql`DELETE FROM ${raw(table.eventIds)} WHERE FALSE`,

  noteUses: (uses) => {
    const rows = JSON.stringify(uses.map(({ keyId, atMs }) => ({ id: keyId, at: formatInstant(atMs) })))
    const used = sql`json_to_recordset(${rows}::json) AS u(id text, at timestamptz)`
    // Locked in order, so that no two processes wait for each other.
    return sql`
      WITH locked AS (SELECT k.id, u.at FROM api_keys AS k JOIN ${used} ON k.id = u.id ORDER BY k.id FOR UPDATE OF k)
      UPDATE api_keys AS k SET last_used_at = l.at FROM locked AS l
      WHERE k.id = l.id AND (k.last_used_at IS NULL OR k.last_used_at < l.at)`
  },

  now: () => sql`SELECT ${epochMs(sql`clock_timestamp()`)} AS now_ms`,
}

const selection = (table: LogTable) =>
  raw(
    readable(table)
      .map((column) => selected(column))
      .join(', '),
  )

const readable = (table: LogTable) => table.columns.filter(({ writeOnly }) => !writeOnly)

const selected = ({ name, property, type }: Column, of = '') =>
  `${type === 'instant' ? `(extract(epoch from ${of}${name}) * 1000)::bigint` : of + name} AS "${property}"`

const jsonArray = (rows: Sql) => sql`SELECT coalesce(json_agg(r), '[]')::text AS logs FROM (${rows}) AS r`

const textOf = ({ table, shape }: PageRequest, rows: Sql): Sql =>
  shape ? joined(rowText(table, shape), rows) : jsonArray(sql`SELECT ${selection(table)} FROM (${rows}) AS p`)

const rowText = createRowText({
  quoted: (text) => `to_json(${text})::text`,
  json: (column) => `${column}::text`,
  member: (column, name) => `(${column} -> '${name}')::text`,
  instant: (column) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
})

/** The texts of rows as one JSON array; null if any of them is. Materialized, lest each text be made twice. */
const joined = (text: Sql, rows: Sql) => sql`
  WITH texts AS MATERIALIZED (SELECT ${text} AS text FROM (${rows}) AS r)
  SELECT CASE WHEN count(*) = count(text) THEN '[' || coalesce(string_agg(text, ','), '') || ']' END FROM texts`
