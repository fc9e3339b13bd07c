import { DAY, MINUTE, SPANS } from './count-table.ts'
import { type CountingDialect, cellCounts } from './counted.ts'
import type { LogTable } from './dialect.ts'
import { DAY_MS } from '../kernel/clock.ts'
import { type Sql, empty, join, raw, sql } from './sql.ts'

/** Statements that hold the counts of a day against its logs, which they read whole. */
export interface Recounting {
  /** One row `{ first, last }`: the first and the last day that has logs or counts; null where there are none. */
  countedDays(table: LogTable): Sql
  /** One row `{ wrong }`: how many counts of a day, kept and noted, differ from what its logs come to. */
  miscounted(table: LogTable, day: number): Sql
  /** Counts a day anew. Nobody else may count meanwhile; the statements belong into one transaction. */
  recount(table: LogTable, day: number): Sql[]
}

export function recounting(dialect: CountingDialect): Recounting {
  const keysOf = ({ counts }: LogTable) => [
    'user_id',
    'everyone',
    'span',
    'start',
    counts.group,
    counts.detail,
  ]
  const numbersOf = ({ counts }: LogTable) => ['total', ...counts.cells.map(({ name }) => name)]
  const ofDay = (day: number) => sql`start >= ${day * DAY} AND start < ${(day + 1) * DAY}`

  /** From minutes, counted or noted, to the counts of user and everyone for each span. */
  const lifted = (table: LogTable, minutes: Sql) => {
    const { group, detail } = table.counts
    const spans = join(
      SPANS.map((span) => sql`SELECT ${raw(String(span))} AS span`),
      ' UNION ALL ',
    )
    const sums = numbersOf(table).map((name) => `sum(m.${name}) AS ${name}`)
    return sql`
      SELECT CASE WHEN e.everyone THEN '' ELSE m.user_id END AS user_id, e.everyone, s.span, m.start - m.start % s.span AS start,
        m.${raw(group)}, m.${raw(detail)}, ${raw(sums.join(', '))}
      FROM (${minutes}) AS m
      CROSS JOIN (SELECT FALSE AS everyone UNION ALL SELECT TRUE) AS e CROSS JOIN (${spans}) AS s
      WHERE m.${raw(detail)} = '' OR s.span > ${raw(String(MINUTE))}
      GROUP BY 1, 2, 3, 4, 5, 6`
  }

  /** What the counts of a day have to be. */
  const right = (table: LogTable, day: number) => {
    const { group, detail, cells } = table.counts
    const start = dialect.minuteOf(sql`created_at`)
    const minutes = (code: Sql, condition: Sql) => sql`
      SELECT user_id, ${start} AS start, ${raw(group)}, ${code} AS ${raw(detail)}, count(*) AS total, ${raw(cellCounts(cells).join(', '))}
      FROM ${raw(table.name)}
      WHERE created_at >= ${dialect.instant(day * DAY_MS)} AND created_at < ${dialect.instant((day + 1) * DAY_MS)}${condition}
      GROUP BY 1, 2, 3, 4`
    return lifted(
      table,
      sql`${minutes(sql`''`, empty)} UNION ALL ${minutes(raw(detail), sql` AND ${raw(detail)} <> ''`)}`,
    )
  }

  const kept = (table: LogTable, day: number) => {
    const numbers = numbersOf(table)
    const names = raw([...keysOf(table), ...numbers].join(', '))
    const sums = (name: string) => `sum(${name})`
    const counts = sql`SELECT ${names} FROM ${raw(table.counts.name)} WHERE ${ofDay(day)}`
    const notes = sql`SELECT * FROM ${raw(table.counts.deltas)} WHERE ${ofDay(day)}`
    const all = dialect.hasDeltas ? sql`${counts} UNION ALL ${lifted(table, notes)}` : counts
    return sql`SELECT ${raw(keysOf(table).join(', '))}, ${raw(numbers.map(sums).join(', '))} FROM (${all}) AS k
      GROUP BY ${raw(keysOf(table).join(', '))} HAVING sum(total) <> 0`
  }

  return {
    countedDays: (table) => sql`
      SELECT CAST(min(day) AS INTEGER) AS first, CAST(max(day) AS INTEGER) AS last FROM (
        SELECT start / ${raw(String(DAY))} AS day FROM ${raw(table.counts.name)}
        WHERE user_id = '' AND everyone = TRUE AND span = ${raw(String(DAY))}
        UNION ALL SELECT ${dialect.minuteOf(sql`min(created_at)`)} / ${raw(String(DAY))} FROM ${raw(table.name)} WHERE ${dialect.everyone}
        UNION ALL SELECT ${dialect.minuteOf(sql`max(created_at)`)} / ${raw(String(DAY))} FROM ${raw(table.name)} WHERE ${dialect.everyone}
      ) AS d`,

    miscounted: (table, day) => sql`
      WITH kept AS MATERIALIZED (${kept(table, day)}), logs AS MATERIALIZED (${right(table, day)})
      SELECT count(*) AS wrong FROM (
        SELECT * FROM (SELECT * FROM kept EXCEPT SELECT * FROM logs) AS a
        UNION ALL SELECT * FROM (SELECT * FROM logs EXCEPT SELECT * FROM kept) AS b
      ) AS w`,

    recount: (table, day) => [
      sql`DELETE FROM ${raw(table.counts.name)} WHERE ${ofDay(day)}`,
      ...(dialect.hasDeltas ? [sql`DELETE FROM ${raw(table.counts.deltas)} WHERE ${ofDay(day)}`] : []),
      sql`INSERT INTO ${raw(table.counts.name)} (${raw([...keysOf(table), ...numbersOf(table)].join(', '))}) ${right(table, day)}`,
    ],
  }
}
