import type { Principal } from '../auth/principal.ts'
import { sightOf } from '../auth/sight.ts'
import type { Shape } from '../database/shape.ts'
import { AppError, badInput } from '../kernel/errors.ts'
import { createIdMint } from '../kernel/ids.ts'
import { type OffsetPagination, paginationOf } from '../kernel/offset-page.ts'
import { idSchema, parseInput } from '../kernel/text.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'
import type { NewLog, Outcome } from '../logs/append.ts'
import type { GroupCommit } from '../logs/group-commit.ts'
import { createCursorCodec } from '../logs/cursor.ts'
import { type Read, createQuery } from '../logs/query.ts'
import type { CleanupResult, Retention } from '../logs/retention.ts'
import type { LogStore } from '../logs/store.ts'
import {
  type ConnectionLogSlice,
  type CursorPagingInput,
  parseCursorPaging,
  toConnection,
} from './by-cursor.ts'
import {
  type ErasureInput,
  type ErasureOptions,
  type ErasureParts,
  type ErasureReceipt,
  eraseConnectionLogs,
} from './erase.ts'
import type { ConnectionLog, Platforms, Recorded } from './event.ts'
import { type ConnectionFilter, type ConnectionFilterInput, parseConnectionFilter } from './filter.ts'
import type { After, ConnectionLogStream, Following, Pace } from './follow.ts'
import { createRecordParser } from './input.ts'
import { type PagingInput, parseDays, parsePaging } from './paging.ts'
import { type Sent, newConnectionLog } from './record.ts'
import { type ConnectionStats, type StatsInput, connectionStats } from './stats.ts'

export interface ConnectionLogPage {
  readonly logs: ConnectionLog[]
  readonly pagination: OffsetPagination
}

/** The same page with its logs as the text of a JSON array. */
export interface ConnectionLogPageText {
  readonly logs: string
  readonly pagination: OffsetPagination
}

/**
 * Connection logs as one key reaches them: the only way to the store. Whatever comes back is of the key's own user unless
 * it is a service key. Scopes are asked for at the doors, by what fields and routes say that they need.
 */
export interface ConnectionLogs {
  page(filter: ConnectionFilterInput, paging: PagingInput): Promise<ConnectionLogPage>
  /** The same page as text, each log in a shape; null if a log on it cannot be written so, and {@link page} has to do. */
  pageText(
    filter: ConnectionFilterInput,
    paging: PagingInput,
    shape: Shape,
  ): Promise<ConnectionLogPageText | null>
  stats(filter: ConnectionFilterInput, input: StatsInput): Promise<ConnectionStats>
  byCursor(filter: ConnectionFilterInput, paging: CursorPagingInput): Promise<ConnectionLogSlice>
  /**
   * All logs that match, oldest first, in pages of some hundred: those that are there when the first page is asked for,
   * each once, whatever is recorded meanwhile; less what expires or is deleted before its page comes.
   * @param last as `days` of {@link page}; all that is kept if absent
   */
  everything(
    filter: ConnectionFilterInput,
    last?: Pick<PagingInput, 'days'>,
  ): AsyncGenerator<ConnectionLog[], void, undefined>
  get(id: string): Promise<ConnectionLog | null>
  /**
   * Logs that match as they are recorded, from this moment on; with `after`, all that were recorded since, once each and
   * in order, and then those to come.
   * @throws {AppError} CURSOR_EXPIRED; RATE_LIMITED where the key has too many streams
   */
  follow(filter: ConnectionFilterInput, after?: After, pace?: Pace): Promise<ConnectionLogStream>
  /** The cursor of this moment, for {@link follow}. */
  feedCursor(): Promise<string>
  /** Stores all of them or, at the first wrong or conflicting one, none. At most {@link MAX_BATCH}. */
  record(sent: readonly Sent[]): Promise<Recorded[]>
  /** Stores each that can be stored; an error stands in the place of each that cannot. */
  recordEach(sent: readonly Sent[]): Promise<(Recorded | AppError)[]>
  cleanup(dryRun: boolean): Promise<CleanupResult>
  /** Erases a user or an account without a trace; see {@link eraseConnectionLogs}. */
  erase(input: ErasureInput, options?: ErasureOptions): Promise<ErasureReceipt>
}

/** Most logs that one request stores together. */
export const MAX_BATCH = 1_000

export interface ConnectionLogsOptions extends ErasureParts {
  readonly store: LogStore<ConnectionLog, ConnectionFilter>
  /** Where lists of logs are stored, over the same store. */
  readonly commits: GroupCommit<ConnectionLog>
  readonly retention: Retention
  readonly platforms: Platforms
  readonly following: Following
  /** How statements are run for one who asks, until the signal is aborted; at once if it is undefined. */
  readonly readFor?: (principal: Principal, signal?: () => AbortSignal) => Read | undefined
  readonly retentionMs: number
  readonly yieldIfLong: YieldIfLong
  /** The secret from which the keys of cursors are derived; the same for every process on the database. */
  readonly cursorSecret: () => Promise<string>
}

/** @returns a function from who asks to what they may reach */
export function createConnectionLogs({
  store,
  commits,
  retention,
  platforms,
  following,
  readFor,
  erasure,
  keys,
  clock,
  retentionMs,
  yieldIfLong,
  cursorSecret,
}: ConnectionLogsOptions): (principal: Principal, signal?: () => AbortSignal) => ConnectionLogs {
  const mintId = createIdMint()
  const parse = createRecordParser(platforms)
  const horizon = () => ({ nowMs: clock.now(), retentionMs })

  return (principal, signal) => {
    const sight = sightOf(principal)
    const read = readFor?.(principal, signal)

    function checkedFilter(input: ConnectionFilterInput): ConnectionFilter {
      const filter = parseConnectionFilter(input)
      if (filter.userId !== undefined && sight.only === 'user') {
        throw new AppError(
          'FORBIDDEN',
          'Expected `filter.userId` to come with a service key, got the key of a user.',
        )
      }
      return filter
    }

    function checkedPage(filter: ConnectionFilterInput, paging: PagingInput) {
      const checked = checkedFilter(filter)
      const range = parsePaging(paging, checked.createdAfter, retentionMs)
      return { range, query: createQuery(sight, checked, horizon(), range.lastMs, read) }
    }

    return {
      page: async (filter, paging) => {
        const { query, range } = checkedPage(filter, paging)
        const { logs, total } = await store.page(query, range)
        return { logs, pagination: paginationOf(total, range) }
      },

      pageText: async (filter, paging, shape) => {
        const { query, range } = checkedPage(filter, paging)
        const { logs, total } = await store.pageText(query, range, shape)
        return logs === null ? null : { logs, pagination: paginationOf(total, range) }
      },

      stats: async (filter, { interval, timeZone, ...input }) => {
        const { query } = checkedPage(filter, input)
        const asked = { days: input.days, interval: interval ?? 'day', timeZone: timeZone ?? 'UTC' }
        return connectionStats(store, query, asked, clock.now())
      },

      byCursor: async (filter, paging) => {
        const asOf = horizon()
        const cursors = createCursorCodec(await cursorSecret(), sight)
        const query = createQuery(sight, checkedFilter(filter), asOf, undefined, read)
        const range = parseCursorPaging(paging, cursors, asOf)
        const slice = await store.slice(query, range)
        return { ...toConnection(slice, range, cursors), totalCount: () => store.count(query) }
      },

      everything: async function* (filter, { days } = {}) {
        const checked = checkedFilter(filter)
        const sinceMs = typeof days === 'number' ? clock.now() - parseDays(days, retentionMs) : -Infinity
        yield* store.everything(() => {
          const asOf = horizon()
          return createQuery(sight, checked, asOf, asOf.nowMs - sinceMs, read)
        })
      },

      get: async (id) => {
        return store.get(createQuery(sight, {}, horizon(), undefined, read), parseInput(idSchema, id, 'id'))
      },

      follow: async (filter, after, pace) =>
        following.follow(principal, sight, checkedFilter(filter), after, pace),

      feedCursor: () => following.cursor(sight),

      record: async (sent) => {
        if (sent.length > MAX_BATCH)
          throw badInput('events', `a list of at most ${MAX_BATCH} logs`, sent.length)
        const context = { principal, mintId, parse, ...horizon() }
        const logs: NewLog<ConnectionLog>[] = []
        for (const one of sent) {
          await yieldIfLong()
          logs.push(newConnectionLog(one, context))
        }
        return (await commits.append(logs)).map(recorded)
      },

      recordEach: async (sent) => {
        const context = { principal, mintId, parse, ...horizon() }
        const checked: (NewLog<ConnectionLog> | AppError)[] = []
        for (const one of sent) {
          await yieldIfLong()
          checked.push(orError(() => newConnectionLog(one, context)))
        }
        const good = checked.filter((log): log is NewLog<ConnectionLog> => !(log instanceof AppError))
        const outcomes = (
          await store.append(
            good.map((log) => [log]),
            horizon,
          )
        ).values()
        return checked.map((log) => {
          const outcome = log instanceof AppError ? log : outcomes.next().value
          if (outcome instanceof AppError) return outcome
          const [only] = outcome ?? []
          return only ? recorded(only) : new AppError('INTERNAL', 'This log was not stored.')
        })
      },

      cleanup: (dryRun) => retention.cleanup({ dryRun }),

      erase: async (input, options) => {
        const receipt = await eraseConnectionLogs(principal, input, { erasure, keys, clock }, options)
        following.forget()
        return receipt
      },
    }
  }
}

const recorded = ({ log, is }: Outcome<ConnectionLog>): Recorded => ({ log, created: is === 'created' })

function orError<T>(work: () => T): T | AppError {
  try {
    return work()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}
