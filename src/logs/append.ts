import { deltasOf } from '../database/count-table.ts'
import type { Claim, Row } from '../database/dialect.ts'
import type { Database, Queryable } from '../database/port.ts'
import type { Sql } from '../database/sql.ts'
import { MINUTE_MS, dayOf } from '../kernel/clock.ts'
import { AppError, show } from '../kernel/errors.ts'
import type { AnyLog, LogKind } from './kind.ts'
import { type Horizon, expiryCutoffMs } from './query.ts'

/** A log to be stored, and the names it must be the only one of its tenant to bear: at most its event id and its id. */
export interface NewLog<Log> {
  readonly log: Log
  readonly eventIds: readonly string[]
  /** Whether the producer gave `createdAt`; only then must a repetition agree with it. */
  readonly createdAtGiven: boolean
  /** What the producer calls the event id, for the sentence of a conflict, and where in its batch the log stands. */
  readonly eventIdAt: string
  readonly index?: number | undefined
}

/** What became of a log. `conflict`: its event id belongs to a log that tells something else. */
export type Outcome<Log> =
  | { readonly is: 'created'; readonly log: Log }
  | { readonly is: 'duplicate'; readonly log: Log }
  | { readonly is: 'conflict'; readonly error: AppError }

export interface AppendOptions extends Horizon {
  /** All or nothing: a conflict throws CONFLICT and nothing is stored. Else each log fares for itself. */
  readonly atomic: boolean
}

/**
 * Requests for one event within this time of midnight UTC are remembered under both days, so that two of them, one
 * on either side, meet on at least one unique key. Covers clocks of several processes that differ by less.
 */
const MIDNIGHT_OVERLAP_MS = 2 * MINUTE_MS

const MAX_TRIES = 5

/** Somebody else stored one of the events in between: what is known has to be asked again. */
class Raced extends Error {}

/**
 * Stores logs in one short transaction and resolves once they are committed. An event id that is known already is
 * not stored again: the outcome carries the log that was stored first.
 * @returns one outcome for each log, in order
 * @throws {AppError} CONFLICT with the index of the first conflicting log, if `atomic`; SERVICE_UNAVAILABLE
 */
export async function appendLogs<Log extends AnyLog, Filter>(
  database: Database,
  kind: LogKind<Log, Filter>,
  logs: readonly NewLog<Log>[],
  options: AppendOptions,
): Promise<Outcome<Log>[]> {
  if (logs.length === 0) return []
  const days = [...new Set(logs.map(({ log }) => dayOf(log.createdAt))), ...receiptDays(options.nowMs)]
  await database.storage.prepare(kind.table, days)
  if (logs.every(({ eventIds }) => eventIds.length === 0)) {
    await executeTogether(database, insertion(logs.map(({ log }) => log)))
    return logs.map(({ log }) => ({ is: 'created', log }))
  }
  for (let tries = 1; ; tries += 1) {
    try {
      return await database.transaction((tx) => appendOnce(tx))
    } catch (error) {
      if (!(error instanceof Raced)) throw error
      if (tries === MAX_TRIES) throw tooMuchAtOnce()
    }
  }

  async function appendOnce(tx: Queryable): Promise<Outcome<Log>[]> {
    const known = await knownLogs(tx)
    const fresh: NewLog<Log>[] = []
    const outcomes = logs.map((item): Outcome<Log> => {
      const namesakes = new Set(item.eventIds.map((eventId) => known.get(nameOf(item.log, eventId))))
      namesakes.delete(undefined)
      const [first] = namesakes
      if (first === undefined) {
        fresh.push(item)
        for (const eventId of item.eventIds) known.set(nameOf(item.log, eventId), item.log)
        return { is: 'created', log: item.log }
      }
      const same =
        namesakes.size === 1 &&
        kind.sameEvent(first, item.log) &&
        (!item.createdAtGiven || first.createdAt === item.log.createdAt)
      if (same) return { is: 'duplicate', log: first }
      const error = conflict(item)
      if (options.atomic) throw error
      return { is: 'conflict', error }
    })
    await claim(tx, fresh)
    if (fresh.length > 0)
      for (const statement of insertion(fresh.map(({ log }) => log))) await tx.execute(statement)
    return outcomes
  }

  /** The logs that bear the wanted event ids already, by tenant and event id. */
  async function knownLogs(tx: Queryable): Promise<Map<string, Log>> {
    const { dialect } = database
    const wanted = logs.flatMap(({ log, eventIds }) =>
      eventIds.map((eventId) => ({ userId: log.userId ?? '', eventId })),
    )
    const taken = await tx.query<{ user_id: string; event_id: string; log: string }>(
      dialect.taken(kind.table, wanted, expiryCutoffMs(options)),
    )
    // An id that came with its log may be one that was minted here, and so was never claimed as an event id.
    const keys = logs.flatMap(({ log, eventIds }) =>
      eventIds.includes(log.id) ? [{ userId: log.userId ?? '', createdAt: log.createdAt, id: log.id }] : [],
    )
    const stored =
      keys.length === 0
        ? []
        : await tx.query<{ user_id: string; log: string }>(dialect.stored(kind.table, keys))
    const known = new Map<string, Log>()
    for (const { user_id, log: text } of stored) {
      const log = kind.fromRow(JSON.parse(text) as Row)
      known.set(name(user_id, log.id), log)
    }
    for (const { user_id, event_id, log: text } of taken) {
      const log = kind.fromRow(JSON.parse(text) as Row)
      // One log under two names has to be one object.
      known.set(name(user_id, event_id), known.get(name(user_id, log.id)) ?? log)
    }
    return known
  }

  async function claim(tx: Queryable, fresh: readonly NewLog<Log>[]): Promise<void> {
    const claims = fresh.flatMap(({ log, eventIds }) =>
      eventIds.flatMap((eventId) =>
        receiptDays(options.nowMs).map((day): Claim => ({
          userId: log.userId ?? '',
          eventId,
          day,
          logId: log.id,
          createdAt: log.createdAt,
        })),
      ),
    )
    if (claims.length === 0) return
    const granted = await tx.query(database.dialect.claim(kind.table, claims, expiryCutoffMs(options)))
    if (granted.length < claims.length) throw new Raced()
  }

  function insertion(fresh: readonly Log[]): Sql[] {
    const rows = fresh.map(kind.toRow)
    return database.dialect.append(kind.table, rows, deltasOf(kind.table, rows, 1))
  }
}

/** Runs statements of which all or none may take effect. */
async function executeTogether(database: Database, statements: readonly Sql[]): Promise<void> {
  const [only, ...more] = statements
  if (only && more.length === 0) await database.execute(only)
  else
    await database.transaction(async (tx) => {
      for (const statement of statements) await tx.execute(statement)
    })
}

const tooMuchAtOnce = () =>
  new AppError(
    'SERVICE_UNAVAILABLE',
    'Too many others send the same events at this moment. Nothing was stored. Try again soon.',
    { retryAfterSeconds: 1 },
  )

const receiptDays = (nowMs: number): number[] => [
  ...new Set([dayOf(nowMs - MIDNIGHT_OVERLAP_MS), dayOf(nowMs + MIDNIGHT_OVERLAP_MS)]),
]

const name = (userId: string, eventId: string) => `${userId}\u0000${eventId}`
const nameOf = (log: AnyLog, eventId: string) => name(log.userId ?? '', eventId)

function conflict({ eventIds: [eventId], eventIdAt, index }: NewLog<unknown>): AppError {
  return new AppError(
    'CONFLICT',
    `Expected \`${eventIdAt}\` to be new or to repeat the log that it was first sent with, got ${show(eventId)} with other content.`,
    index === undefined ? {} : { index },
  )
}
