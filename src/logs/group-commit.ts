import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Group, GroupOutcome, Outcome } from './append.ts'

/**
 * Lets groups of logs that come at the same time share one transaction, and so one flush to the disk, which costs far
 * more than the logs. None is acknowledged before the COMMIT of its transaction.
 */
export interface GroupCommit<Log> {
  /**
   * @returns one outcome for each log, in order
   * @throws {AppError} CONFLICT if one of the group conflicts; SERVICE_UNAVAILABLE if too much is waiting already or
   *   the database cannot take it, and then nothing of the group is stored
   */
  append(group: Group<Log>): Promise<readonly Outcome<Log>[]>
  /** How many logs wait for the database, those that it has under way included. */
  pendingLogs(): number
}

/** How long the first of a flush waits for others, in milliseconds. */
const GATHER_MS = 1

/** Most logs that share a flush. */
const MAX_SHARED_LOGS = 500

/** A group of as many logs gains little by sharing, and would keep the others waiting: it is stored on its own. */
const OWN_FLUSH_LOGS = 100

/** Most logs that may wait for the database, those that it has under way included. */
const MAX_PENDING_LOGS = 20_000

const RETRY_AFTER_SECONDS = 1

interface Waiting<Log> {
  readonly group: Group<Log>
  readonly settle: (outcome: GroupOutcome<Log> | { readonly failure: unknown }) => void
}

export interface GroupCommitOptions {
  readonly clock: Clock
  readonly maxPendingLogs?: number
}

/** @param store stores groups in one transaction, each for itself; see `appendGroups` */
export function createGroupCommit<Log>(
  store: (groups: readonly Group<Log>[]) => Promise<GroupOutcome<Log>[]>,
  { clock, maxPendingLogs = MAX_PENDING_LOGS }: GroupCommitOptions,
): GroupCommit<Log> {
  let waiting: Waiting<Log>[] = []
  let pendingLogs = 0
  let isFlushing = false

  async function flush(entries: readonly Waiting<Log>[]): Promise<void> {
    try {
      const outcomes = await store(entries.map(({ group }) => group))
      for (const [index, { settle }] of entries.entries())
        settle(outcomes[index] ?? { failure: new TypeError('a group of logs has no outcome') })
    } catch (failure) {
      // A fault that one of them causes is its own: the others are not to suffer.
      if (!(failure instanceof AppError) && entries.length > 1)
        for (const entry of entries) await flush([entry])
      else for (const { settle } of entries) settle({ failure })
    }
  }

  async function flushAll(): Promise<void> {
    isFlushing = true
    while (waiting.length > 0) {
      await clock.sleep(GATHER_MS)
      let logs = 0
      const next = waiting.findIndex(({ group }) => (logs += group.length) > MAX_SHARED_LOGS)
      const taken = next === -1 ? waiting : waiting.slice(0, Math.max(1, next))
      waiting = waiting.slice(taken.length)
      await flush(taken)
    }
    isFlushing = false
  }

  return {
    pendingLogs: () => pendingLogs,
    append: async (group) => {
      if (pendingLogs > 0 && pendingLogs + group.length > maxPendingLogs) throw tooMuchWaiting()
      pendingLogs += group.length
      try {
        const outcome = await new Promise<Parameters<Waiting<Log>['settle']>[0]>((settle) => {
          if (group.length >= OWN_FLUSH_LOGS) void flush([{ group, settle }])
          else {
            waiting.push({ group, settle })
            if (!isFlushing) void flushAll()
          }
        })
        if (outcome instanceof AppError) throw outcome
        if ('failure' in outcome) throw outcome.failure
        return outcome
      } finally {
        pendingLogs -= group.length
      }
    },
  }
}

const tooMuchWaiting = () =>
  new AppError(
    'SERVICE_UNAVAILABLE',
    'More is waiting to be stored than the database can take now. Nothing of this was stored. Try again soon.',
    { retryAfterSeconds: RETRY_AFTER_SECONDS },
  )
