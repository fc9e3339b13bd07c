import { deltasOf } from '../database/count-table.ts'
import type { Claim, Row } from '../database/dialect.ts'
import type { Database, Queryable } from '../database/port.ts'
import type { Sql } from '../database/sql.ts'
import { MINUTE_MS, dayOf } from '../kernel/clock.ts'
import { AppError, show } from '../kernel/errors.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'
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

/** Logs of which all are stored or none. */
export type Group<Log> = readonly NewLog<Log>[]

/** What became of a log. `duplicate`: its event was stored before, and `log` is what was stored first. */
export interface Outcome<Log> {
  readonly is: 'created' | 'duplicate'
  readonly log: Log
}

/** What became of a group: an outcome for each log, in order; or CONFLICT with its first log that conflicts. */
export type GroupOutcome<Log> = readonly Outcome<Log>[] | AppError

/**
 * Requests for one event within this time of midnight UTC are remembered under both days, so that two of them, one
 * on either side, meet on at least one unique key. Covers clocks of several processes that differ by less.
 */
const MIDNIGHT_OVERLAP_MS = 2 * MINUTE_MS

/** Logs that go into one statement. Others have their turn in between. */
const LOGS_AT_ONCE = 1_000

/** Characters of logs that go into one statement: to write and to send more takes more than some milliseconds. */
const MAX_STATEMENT_LENGTH = 2_000_000

const MAX_TRIES = 5

/** Somebody else stored one of the events in between: what is known has to be asked again. */
class Raced extends Error {}

/**
 * Stores groups of logs in one short transaction and resolves once it is committed. An event id that is known already
 * is not stored again. Groups fare each for itself, a later one as if the earlier ones were stored.
 * @param horizon asked anew for each try
 * @returns one outcome for each group, in order
 * @throws {AppError} SERVICE_UNAVAILABLE, and then nothing is stored
 */
export async function appendGroups<Log extends AnyLog, Filter>(
  database: Database,
  kind: LogKind<Log, Filter>,
  groups: readonly Group<Log>[],
  horizon: () => Horizon,
  yieldIfLong: YieldIfLong,
): Promise<GroupOutcome<Log>[]> {
  const { dialect } = database
  const logs = groups.flat()
  if (logs.length === 0) return groups.map(() => [])
  const slices = slicesOf(groups)
  const areNamed = logs.some(({ eventIds }) => eventIds.length > 0)
  /** Then what stores it counts it too. */
  const isOneSlice = slices.length === 1
  // Nearly always all of them are new. Made here, so that nobody waits for a transaction in which this is computed.
  const first = await insertion(slices[0] ?? [])
  for (let tries = 1; ; tries += 1) {
    const asOf = horizon()
    await database.storage.prepare(kind.table, [
      ...new Set(logs.map(({ log }) => dayOf(log.createdAt))),
      ...(areNamed ? receiptDays(asOf.nowMs) : []),
    ])
    try {
      if (areNamed || !isOneSlice) return await database.writing((tx) => appendOnce(tx, asOf))
      await executeTogether(database, first.statements)
      return groups.map((group) => group.map(created))
    } catch (error) {
      if (!(error instanceof Raced) && !database.storage.lacksPart(error)) throw error
      if (tries === MAX_TRIES) throw tooMuchAtOnce()
    }
  }

  async function appendOnce(tx: Queryable, asOf: Horizon): Promise<GroupOutcome<Log>[]> {
    const outcomes: GroupOutcome<Log>[] = []
    const stored: Row[] = []
    let storing = Promise.resolve()
    for (const [index, slice] of slices.entries()) {
      // Made while the database stores the slice before.
      const allOfIt = index === 0 ? first : await insertion(slice)
      await storing
      const known = await knownLogs(tx, slice.flat(), asOf)
      const fresh: NewLog<Log>[] = []
      for (const group of slice) outcomes.push(await sortOut(group, known, fresh))
      if (fresh.length === 0) continue
      const { rows, statements } = fresh.length === slice.flat().length ? allOfIt : await insertion([fresh])
      stored.push(...rows)
      storing = store(tx, fresh, statements, asOf)
      // Whoever waits for it hears of its failure; nobody may be waiting yet.
      storing.catch(() => undefined)
    }
    const counting = isOneSlice ? [] : dialect.count(kind.table.counts, deltasOf(kind.table, stored, 1))
    await storing
    for (const statement of counting) await tx.execute(statement)
    return outcomes
  }

  async function store(
    tx: Queryable,
    fresh: readonly NewLog<Log>[],
    statements: readonly Sql[],
    asOf: Horizon,
  ): Promise<void> {
    await claim(tx, fresh, asOf)
    for (const statement of statements) await tx.execute(statement)
  }

  /** Tells a group's new logs from those that are there; adds the new ones to `known` and `fresh`. */
  async function sortOut(
    group: Group<Log>,
    known: Map<string, Log>,
    fresh: NewLog<Log>[],
  ): Promise<GroupOutcome<Log>> {
    const added = new Map<string, Log>()
    const outcomes: Outcome<Log>[] = []
    const own: NewLog<Log>[] = []
    for (const item of group) {
      const names = item.eventIds.map((eventId) => nameOf(item.log, eventId))
      const namesakes = new Set(names.map((name) => added.get(name) ?? known.get(name)))
      namesakes.delete(undefined)
      const [first] = namesakes
      if (first === undefined) {
        own.push(item)
        for (const name of names) added.set(name, item.log)
        outcomes.push(created(item))
        continue
      }
      // To compare large logs takes long.
      await yieldIfLong()
      if (namesakes.size > 1 || !isSame(first, item)) return conflict(item)
      outcomes.push({ is: 'duplicate', log: first })
    }
    for (const [name, log] of added) known.set(name, log)
    fresh.push(...own)
    return outcomes
  }

  function isSame(first: Log, { log, createdAtGiven }: NewLog<Log>): boolean {
    return kind.sameEvent(first, log) && (!createdAtGiven || first.createdAt === log.createdAt)
  }

  /** The logs that bear the wanted event ids already, by tenant and event id. */
  async function knownLogs(
    tx: Queryable,
    logs: readonly NewLog<Log>[],
    asOf: Horizon,
  ): Promise<Map<string, Log>> {
    const wanted = logs.flatMap(({ log, eventIds }) =>
      eventIds.map((eventId) => ({ userId: log.userId ?? '', eventId })),
    )
    const taken = await tx.query<{ user_id: string; event_id: string; log: string }>(
      dialect.taken(kind.table, wanted, expiryCutoffMs(asOf)),
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
      await yieldIfLong()
      const log = kind.fromRow(JSON.parse(text) as Row)
      known.set(name(user_id, log.id), log)
    }
    for (const { user_id, event_id, log: text } of taken) {
      await yieldIfLong()
      const log = kind.fromRow(JSON.parse(text) as Row)
      // One log under two names has to be one object.
      known.set(name(user_id, event_id), known.get(name(user_id, log.id)) ?? log)
    }
    return known
  }

  async function claim(tx: Queryable, fresh: readonly NewLog<Log>[], asOf: Horizon): Promise<void> {
    const days = receiptDays(asOf.nowMs)
    const claims = fresh.flatMap(({ log, eventIds }) =>
      eventIds.flatMap((eventId) =>
        days.map((day): Claim => ({
          userId: log.userId ?? '',
          eventId,
          day,
          logId: log.id,
          createdAt: log.createdAt,
        })),
      ),
    )
    if (claims.length === 0) return
    const granted = await tx.execute(dialect.claim(kind.table, claims, expiryCutoffMs(asOf)))
    if (granted < claims.length) throw new Raced()
  }

  async function insertion(groups: readonly Group<Log>[]) {
    const rows: Row[] = []
    for (const { log } of groups.flat()) {
      await yieldIfLong()
      rows.push(kind.toRow(log))
    }
    const deltas = isOneSlice ? deltasOf(kind.table, rows, 1) : []
    const parts = partsOf(rows)
    const statements: Sql[] = []
    for (const [index, part] of parts.entries()) {
      await yieldIfLong()
      statements.push(...dialect.append(kind.table, part, index === parts.length - 1 ? deltas : []))
    }
    return { rows, statements }
  }
}

/** Rows that go into one statement, whose values are written as one text. */
function partsOf(rows: readonly Row[]): Row[][] {
  const parts: Row[][] = [[]]
  let room = MAX_STATEMENT_LENGTH
  for (const row of rows) {
    const length = lengthOf(row)
    const last = parts.at(-1)
    if (last && (last.length === 0 || length <= room)) last.push(row)
    else {
      parts.push([row])
      room = MAX_STATEMENT_LENGTH
    }
    room -= length
  }
  return parts
}

/** About how many characters a row has. */
function lengthOf(row: Row): number {
  let length = 0
  for (const value of Object.values(row))
    if (typeof value === 'string') length += value.length
    else if (typeof value === 'object' && value !== null) length += JSON.stringify(value).length
  return length
}

/** Groups that go into one statement together, but for {@link partsOf}. */
function slicesOf<Log>(groups: readonly Group<Log>[]): Group<Log>[][] {
  const slices: Group<Log>[][] = []
  let room = 0
  for (const group of groups) {
    if (slices.length === 0 || group.length > room) {
      slices.push([])
      room = LOGS_AT_ONCE
    }
    slices.at(-1)?.push(group)
    room -= group.length
  }
  return slices
}

const created = <Log>({ log }: NewLog<Log>): Outcome<Log> => ({ is: 'created', log })

/** Runs statements of which all or none may take effect. */
async function executeTogether(database: Database, statements: readonly Sql[]): Promise<void> {
  const [only, ...more] = statements
  if (only && more.length === 0) await database.execute(only)
  else
    await database.writing(async (tx) => {
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
