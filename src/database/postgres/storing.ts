import type { CountDelta, CountTable } from '../count-table.ts'
import type { Claim, Dialect, LogTable, Row } from '../dialect.ts'
import { type Sql, empty, raw, sql } from '../sql.ts'
import { arrayOf, instants, integers, rowsOf, texts } from './arrays.ts'

/**
 * Keeps the planner from turning a lateral join round. Of rows that come as parameters it does not know how many there are,
 * and of a new database nothing at all: then it would join by the user alone.
 */
export const OUTER_FIRST = sql`OFFSET 0`

/**
 * What stores logs, with their event ids and counts. Rows go in as arrays, one for each column.
 * @param selection the columns of a log as they are read
 */
export function storingBy({
  instant,
  selection,
}: Pick<Dialect, 'instant'> & { readonly selection: (table: LogTable) => Sql }): Pick<
  Dialect,
  'append' | 'count' | 'taken' | 'stored' | 'claim'
> {
  /** Joins the log with a key, as `r`. */
  const logOf = (table: LogTable, userId: Sql, createdAt: Sql, id: Sql) => sql`
    CROSS JOIN LATERAL (
      SELECT ${selection(table)} FROM ${raw(table.name)} AS l
      WHERE l.user_id = ${userId} AND l.created_at = ${createdAt} AND l.id = ${id} ${OUTER_FIRST}
    ) AS r`

  return {
    append: (table, rows, deltas) => {
      const names = raw(table.columns.map(({ name }) => name).join(', '))
      // One statement, so that a batch needs no transaction around it.
      const noted = deltas.length === 0 ? empty : sql`WITH noted AS (${note(table.counts, deltas)})`
      return [
        sql`${noted} INSERT INTO ${raw(table.name)} (${names}) SELECT ${names} FROM ${input(table, rows)}`,
      ]
    },

    count: (table, deltas) => (deltas.length === 0 ? [] : [note(table, deltas)]),

    taken: (table, wanted, afterMs) => {
      const names = rowsOf('w', {
        user_id: texts(wanted.map(({ userId }) => userId)),
        event_id: texts(wanted.map(({ eventId }) => eventId)),
      })
      return sql`
        SELECT w.user_id, w.event_id, row_to_json(r)::text AS log
        FROM ${names}
        CROSS JOIN LATERAL (
          SELECT log_id, created_at FROM ${raw(table.eventIds)} AS e
          WHERE e.user_id = w.user_id AND e.event_id = w.event_id
            AND e.created_at > ${instant(afterMs)} ${OUTER_FIRST}
        ) AS e
        ${logOf(table, sql`w.user_id`, sql`e.created_at`, sql`e.log_id`)}`
    },

    stored: (table, keys) => {
      const wanted = rowsOf('w', {
        user_id: texts(keys.map(({ userId }) => userId)),
        id: texts(keys.map(({ id }) => id)),
        created_at: instants(keys.map(({ createdAt }) => createdAt)),
      })
      return sql`
        SELECT w.user_id, row_to_json(r)::text AS log
        FROM ${wanted}
        ${logOf(table, sql`w.user_id`, sql`w.created_at`, sql`w.id`)}`
    },

    claim: (table, claims, afterMs) => sql`
      INSERT INTO ${raw(table.eventIds)} AS e (user_id, event_id, day, log_id, created_at)
      SELECT user_id, event_id, day, log_id, created_at
      FROM ${claimRows(claims)}
      ORDER BY user_id, event_id, day
      ON CONFLICT (user_id, event_id, day) DO UPDATE SET log_id = excluded.log_id, created_at = excluded.created_at
        WHERE e.created_at <= ${instant(afterMs)}`,
  }
}

const input = ({ columns }: LogTable, rows: readonly Row[]): Sql =>
  rowsOf(
    'input',
    Object.fromEntries(
      columns.map(({ name, property, type }) => [
        name,
        arrayOf(
          type,
          rows.map((row) => row[property] ?? null),
        ),
      ]),
    ),
  )

const claimRows = (claims: readonly Claim[]): Sql =>
  rowsOf('c', {
    user_id: texts(claims.map(({ userId }) => userId)),
    event_id: texts(claims.map(({ eventId }) => eventId)),
    day: integers(claims.map(({ day }) => day)),
    log_id: texts(claims.map(({ logId }) => logId)),
    created_at: instants(claims.map(({ createdAt }) => createdAt)),
  })

/** Writers only ever touch rows of their own transaction, so that none waits for another. */
function note(table: CountTable, deltas: readonly CountDelta[]): Sql {
  const columns = {
    user_id: texts(deltas.map(({ userId }) => userId)),
    start: integers(deltas.map(({ start }) => start)),
    [table.group]: texts(deltas.map(({ group }) => group)),
    [table.detail]: texts(deltas.map(({ detail }) => detail)),
    total: integers(deltas.map(({ total }) => total)),
    ...Object.fromEntries(
      table.cells.map(({ name }) => [name, integers(deltas.map(({ cells }) => cells[name] ?? 0))]),
    ),
  }
  const names = raw(Object.keys(columns).join(', '))
  return sql`INSERT INTO ${raw(table.deltas)} (${names}) SELECT ${names} FROM ${rowsOf('delta', columns)}`
}
