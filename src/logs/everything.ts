import type { Dialect, LogTable, Place } from '../database/dialect.ts'
import type { Sql } from '../database/sql.ts'
import type { Read } from './query.ts'

export interface EverythingOptions<Log> {
  readonly read: Read
  readonly table: LogTable
  readonly pageSize: number
  /** The conditions of the query as they are now: what has expired since the last page is left out. */
  readonly where: (bound: Sql) => Sql
  readonly parse: (logs: string | undefined) => Log[]
  readonly placeOf: (log: Log) => Place
}

/**
 * Pages of all logs that a query matches, oldest first: those that were committed when the first page was asked for,
 * each once, whatever is recorded meanwhile. Logs that go while this lasts are missing if their page has not come yet.
 * No transaction is held open between pages.
 */
export async function* everything<Log>(
  dialect: Dialect,
  { read, table, pageSize, where, parse, placeOf }: EverythingOptions<Log>,
): AsyncGenerator<Log[], void, undefined> {
  const [taken] = await read<{ snapshot: string }>(dialect.snapshot(table))
  if (!taken) throw new TypeError('the database gave no snapshot')
  const bound = dialect.within(taken.snapshot)
  for (let after: Place | undefined; ;) {
    const request = { table, where: where(bound), after, limit: pageSize }
    const [row] = await read<{ logs: string }>(dialect.next(request))
    const logs = parse(row?.logs)
    const last = logs.at(-1)
    if (last) yield logs
    if (!last || logs.length < pageSize) return
    after = placeOf(last)
  }
}
