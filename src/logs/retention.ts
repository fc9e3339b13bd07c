import { deltasOf } from '../database/count-table.ts'
import type { Row } from '../database/dialect.ts'
import type { Database } from '../database/port.ts'
import { type Clock, MINUTE_MS, dayOf } from '../kernel/clock.ts'
import { type Running, every } from '../kernel/lifecycle.ts'
import type { Logger } from '../kernel/logger.ts'
import type { AnyLog, LogKind } from './kind.ts'
import { expiryCutoffMs } from './query.ts'

export interface CleanupResult {
  /** How many logs were deleted, or would be with `dryRun`. */
  readonly deleted: number
  readonly dryRun: boolean
  /** Logs created up to and including this instant have expired. Milliseconds since the epoch. */
  readonly cutoffMs: number
}

/** Deletes what has expired. Reads never show it, so nothing depends on when this runs. */
export interface Retention {
  cleanup(options?: { dryRun?: boolean; signal?: AbortSignal }): Promise<CleanupResult>
  /** Cleans up, and makes room for the days to come, now and every `intervalMs`. */
  start(intervalMs: number): Running
}

/** Small enough that SQLite, whose deletes hold up the process, is back within some milliseconds. */
const BATCH_SIZE = 500

/** Event ids are kept a little longer than any log of their day, see MIDNIGHT_OVERLAP_MS and MAX_AHEAD_MS. */
const EVENT_ID_MARGIN_MS = 10 * MINUTE_MS

/** A service makes room for today and as many days more. */
export const DAYS_AHEAD = 2

export function createRetention<Log extends AnyLog, Filter>(
  database: Database,
  kind: LogKind<Log, Filter>,
  { clock, retentionMs, logger }: { clock: Clock; retentionMs: number; logger: Logger },
): Retention {
  const { dialect, storage } = database
  const { table } = kind

  /** The earlier of both clocks: whichever is wrong, nothing inside the window is deleted. */
  async function now(): Promise<number> {
    const [row] = await database.query<{ now_ms: number | bigint }>(dialect.now())
    const databaseMs = Number(row?.now_ms)
    if (!Number.isFinite(databaseMs)) throw new TypeError('the database did not tell the time')
    return Math.min(clock.now(), databaseMs)
  }

  /** Repeats `work`, which tells how many rows it has deleted, until there are no more. */
  async function inBatches(work: () => Promise<number>, signal: AbortSignal | undefined): Promise<number> {
    for (let deleted = 0; ;) {
      const changed = await work()
      deleted += changed
      if (changed < BATCH_SIZE || signal?.aborted) return deleted
      await clock.sleep(0)
    }
  }

  /** Deletes some expired logs and takes them out of the counts, both or neither. */
  const deleteSome = (throughMs: number): Promise<number> =>
    database.transaction(async (tx) => {
      const gone = await tx.query<Row>(dialect.deleteExpired(table, throughMs, BATCH_SIZE))
      for (const statement of dialect.count(table.counts, deltasOf(table, gone, -1)))
        await tx.execute(statement)
      return gone.length
    })

  const cleanup: Retention['cleanup'] = async ({ dryRun = false, signal } = {}) => {
    const nowMs = await now()
    const cutoffMs = expiryCutoffMs({ nowMs, retentionMs })
    const eventIdsBeforeDay = dayOf(cutoffMs - EVENT_ID_MARGIN_MS)
    if (dryRun) {
      const [row] = await database.query<{ expired: number | bigint }>(dialect.countExpired(table, cutoffMs))
      return { deleted: Number(row?.expired), dryRun, cutoffMs }
    }
    const dropped = await storage.dropExpired(table, { logsThroughMs: cutoffMs, eventIdsBeforeDay })
    const deleted = await inBatches(() => deleteSome(cutoffMs), signal)
    await inBatches(
      () => database.execute(dialect.deleteEventIds(table, eventIdsBeforeDay, BATCH_SIZE)),
      signal,
    )
    return { deleted: dropped + deleted, dryRun, cutoffMs }
  }

  return {
    cleanup,
    start: (intervalMs) =>
      every(
        intervalMs,
        'cleanup',
        async (signal) => {
          const today = dayOf(clock.now())
          await storage.prepare(
            table,
            Array.from({ length: DAYS_AHEAD + 1 }, (_, ahead) => today + ahead),
          )
          const { deleted } = await cleanup({ signal })
          if (deleted > 0) logger.info({ deleted }, 'expired logs deleted')
        },
        { clock, logger },
      ),
  }
}
