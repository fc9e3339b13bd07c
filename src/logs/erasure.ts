import type { Sight } from '../auth/sight.ts'
import { deltasOf } from '../database/count-table.ts'
import type { Row } from '../database/dialect.ts'
import type { LogName, Scrubbing } from '../database/erasing.ts'
import type { Database, Queryable } from '../database/port.ts'
import { type Sql, join, raw, sql } from '../database/sql.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AnyLog, LogKind } from './kind.ts'

/** Which logs are to go, expired ones included. With an empty filter, whatever else is kept of the user goes too. */
export interface Erased<Filter> {
  readonly sight: Sight
  readonly filter: Filter
  /** Whether these are all logs of the user in sight. */
  readonly isWholeUser: boolean
}

export interface ErasedNumbers {
  readonly logs: number
  /** Remembered event ids, of which a log may have up to four: two names, and a day on either side of midnight. */
  readonly eventIds: number
}

/**
 * Takes logs away without a trace: the logs, what they have added to the counts, the memory of their event ids. It goes
 * by batches, each in one transaction, so that it may be ended at any moment and begun again.
 */
export interface Erasure<Filter> {
  /** How much there is to erase now. */
  measure(erased: Erased<Filter>): Promise<ErasedNumbers>
  /**
   * Erases all that was stored before it was called, and what is stored meanwhile as far as it meets it.
   * @param signal ends it after the batch under way
   */
  erase(erased: Erased<Filter>, signal?: AbortSignal): Promise<ErasedNumbers>
  /** Cleans the space up in which erased rows have stood. */
  scrub(): Promise<Scrubbing>
}

/** Small enough that others who write to SQLite wait some ten milliseconds. */
const BATCH_SIZE = 250

export function createErasure<Log extends AnyLog, Filter>(
  database: Database,
  kind: LogKind<Log, Filter>,
  clock: Clock,
): Erasure<Filter> {
  const { dialect, eraser } = database
  const { table } = kind

  const whereOf = ({ sight, filter }: Erased<Filter>): Sql =>
    join(
      [
        ...(sight.only === 'user' ? [sql`user_id = ${sight.userId}`] : []),
        ...kind.where(filter, dialect, sight),
      ],
      ' AND ',
    )

  async function countOf(query: Sql): Promise<number> {
    const [row] = await database.query<{ found: number | bigint }>(query)
    return Number(row?.found)
  }

  const countLogs = (where: Sql) =>
    countOf(sql`SELECT count(*) AS found FROM ${raw(table.name)} WHERE ${where}`)

  /** Deletes some logs, their names and what they add to the counts, all or nothing. */
  const eraseSome = (where: Sql): Promise<ErasedNumbers> =>
    eraser.transaction(async (tx) => {
      const gone = await tx.query<Row>(dialect.deleteMatching(table, where, BATCH_SIZE))
      if (gone.length === 0) return { logs: 0, eventIds: 0 }
      for (const statement of dialect.count(table.counts, deltasOf(table, gone, -1)))
        await tx.execute(statement)
      return {
        logs: gone.length,
        eventIds: await executeAll(tx, dialect.forgetNames(table, gone.flatMap(namesOf))),
      }
    })

  async function eraseLogs(where: Sql, signal: AbortSignal | undefined): Promise<ErasedNumbers> {
    const sum = { logs: 0, eventIds: 0 }
    for (;;) {
      if (signal?.aborted) return sum
      const some = await eraseSome(where)
      sum.logs += some.logs
      sum.eventIds += some.eventIds
      // A cleanup or another erasure may have taken what this batch had waited for, while there is more.
      if (some.logs === 0 && (await countLogs(where)) === 0) return sum
      await clock.sleep(0)
    }
  }

  /** Event ids of a user whose logs have gone before, by a cleanup or an erasure that was interrupted. */
  async function eraseOrphans(userId: string, signal: AbortSignal | undefined): Promise<number> {
    for (let sum = 0; ;) {
      const forgotten = await eraser.transaction((tx) =>
        executeAll(tx, dialect.forgetOrphans(table, userId, BATCH_SIZE)),
      )
      sum += forgotten
      if (forgotten === 0 || signal?.aborted) return sum
      await clock.sleep(0)
    }
  }

  return {
    measure: async (erased) => {
      const where = whereOf(erased)
      const ofLogs = sql`
        SELECT count(*) AS found FROM (SELECT user_id, event_id, id FROM ${raw(table.name)} WHERE ${where}) AS l
        JOIN ${raw(table.eventIds)} AS e ON e.user_id = l.user_id AND e.event_id IN (l.id, l.event_id) AND e.log_id = l.id`
      const { sight, isWholeUser } = erased
      return {
        logs: await countLogs(where),
        eventIds: await countOf(
          isWholeUser && sight.only === 'user'
            ? sql`SELECT count(*) AS found FROM ${raw(table.eventIds)} WHERE user_id = ${sight.userId}`
            : ofLogs,
        ),
      }
    },

    erase: async (erased, signal) => {
      const { logs, eventIds } = await eraseLogs(whereOf(erased), signal)
      const userId = erased.isWholeUser && erased.sight.only === 'user' ? erased.sight.userId : undefined
      const orphans = userId === undefined ? 0 : await eraseOrphans(userId, signal)
      if (!signal?.aborted) await eraser.clearCounts(table, userId)
      return { logs, eventIds: eventIds + orphans }
    },

    scrub: () => eraser.scrub(table),
  }
}

/** A log has claimed at most its event id and its own id. */
function namesOf(row: Row): LogName[] {
  const { id, eventId, userId } = row
  const logId = String(id)
  return [logId, ...(typeof eventId === 'string' && eventId !== logId ? [eventId] : [])].map((name) => ({
    userId: String(userId),
    eventId: name,
    logId,
  }))
}

/** @returns how many rows the last statement has changed */
async function executeAll(tx: Queryable, statements: readonly Sql[]): Promise<number> {
  let changed = 0
  for (const statement of statements) changed = await tx.execute(statement)
  return changed
}
