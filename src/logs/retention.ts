import { deltasOf } from '../database/count-table.ts'
import type { Row } from '../database/dialect.ts'
import type { Database, Dropped, ExpiredThrough } from '../database/port.ts'
import { sql } from '../database/sql.ts'
import { type Clock, DAY_MS, MINUTE_MS, SECOND_MS, dayOf } from '../kernel/clock.ts'
import { type Running, every } from '../kernel/lifecycle.ts'
import type { Logger } from '../kernel/logger.ts'
import { type Batch, inBatches } from './batches.ts'
import type { AnyLog, LogKind } from './kind.ts'
import { expiryCutoffMs } from './query.ts'
import { createTrustedTime } from './trusted-time.ts'

export interface CleanupResult {
  /** How many logs were deleted, or would be with `dryRun`. */
  readonly deleted: number
  readonly dryRun: boolean
  /** Whether another process was cleaning up, so that the rest was left to it. */
  readonly isElsewhere: boolean
  /** Logs created up to and including this instant have expired. Milliseconds since the epoch. */
  readonly cutoffMs: number
}

export interface CleanupRound {
  readonly deleted: number
  readonly tookMs: number
}

/** Deletes what has expired. Reads never show it, so nothing depends on when this runs. */
export interface Retention {
  cleanup(options?: { dryRun?: boolean; signal?: AbortSignal }): Promise<CleanupResult>
  /** Cleans up, and makes room for the days to come, now and every `intervalMs`; each round is told of as it ends. */
  start(intervalMs: number, onRound?: (round: CleanupRound | 'failed') => void): Running
}

/** Event ids are kept a little longer than any log of their day, see MIDNIGHT_OVERLAP_MS and MAX_AHEAD_MS. */
const EVENT_ID_MARGIN_MS = 10 * MINUTE_MS

/** A service makes room for today and as many days more. */
export const DAYS_AHEAD = 2

/** How long a transaction of a cleanup should take, in milliseconds: others who write may have to wait for it. */
const BATCH_MS = 20

/** How often a day in use is tried, and the pause in between, in milliseconds, in which whoever waited has its turn. */
const DROP_TRIES = 3
const DROP_PAUSE_MS = 250

export interface RetentionOptions {
  readonly clock: Clock
  /** For how many days logs are kept, asked before each round. */
  readonly keptDays: () => Promise<number>
  readonly logger: Logger
}

export function createRetention<Log extends AnyLog, Filter>(
  database: Database,
  kind: LogKind<Log, Filter>,
  { clock, keptDays, logger }: RetentionOptions,
): Retention {
  const { dialect, storage } = database
  const { table } = kind
  const trustedTime = createTrustedTime(clock, (aheadMs) =>
    logger.warn(
      { aheadSeconds: Math.round(aheadMs / SECOND_MS) },
      'the clock has jumped ahead: nothing is deleted by the new time until it has lasted for a day',
    ),
  )

  /** The earlier of both clocks: whichever is wrong, nothing inside the window is deleted. */
  async function now(): Promise<number> {
    const [row] = await database.query<{ now_ms: number | bigint }>(dialect.now())
    const databaseMs = Number(row?.now_ms)
    if (!Number.isFinite(databaseMs)) throw new TypeError('the database did not tell the time')
    return Math.min(trustedTime(), databaseMs)
  }

  /** How many logs have expired, by the counts. */
  async function countExpired(throughMs: number): Promise<number> {
    const [row] = await database.query<{ total: number | bigint }>(
      dialect.countedTotal({
        table,
        where: sql`created_at <= ${dialect.instant(throughMs)} AND ${dialect.everyone}`,
        selection: { users: 'everyone', fromMs: 0, beforeMs: throughMs + 1 },
      }),
    )
    return Number(row?.total)
  }

  /**
   * Deletes at most `limit` expired logs and takes them out of the counts, both or neither.
   * @returns undefined where another process is at it
   */
  const deleteSome = (throughMs: number, limit: number): Promise<Batch | undefined> =>
    database.transaction(async (tx) => {
      const startMs = clock.steadyMs()
      const [turn] = await tx.query<{ free: boolean | number }>(dialect.tryCleanup())
      if (!turn?.free) return undefined
      const gone = await tx.query<Row>(dialect.deleteExpired(table, throughMs, limit))
      for (const statement of dialect.count(table.counts, deltasOf(table, gone, -1)))
        await tx.execute(statement)
      return { rows: gone.length, tookMs: clock.steadyMs() - startMs }
    })

  /** Deletes at most `limit` event ids of the days before `day`. */
  async function forgetSome(day: number, limit: number): Promise<Batch> {
    const startMs = clock.steadyMs()
    const rows = await database.execute(dialect.deleteEventIds(table, day, limit))
    return { rows, tookMs: clock.steadyMs() - startMs }
  }

  /** Drops what has expired as a whole. A day in use is often free again in a moment, and far cheaper dropped than deleted. */
  async function dropDays(through: ExpiredThrough, signal: AbortSignal | undefined): Promise<Dropped> {
    let logs = 0
    for (let tries = 1; ; tries += 1) {
      const dropped = await storage.dropExpired(table, through)
      logs += dropped.logs
      if (dropped.inUse.length === 0 || dropped.isElsewhere || tries === DROP_TRIES || signal?.aborted)
        return { ...dropped, logs }
      await clock.sleep(DROP_PAUSE_MS, signal)
    }
  }

  async function deleteExpired(
    cutoffMs: number,
    signal: AbortSignal | undefined,
  ): Promise<{ deleted: number; isElsewhere: boolean }> {
    const eventIdsBeforeDay = dayOf(cutoffMs - EVENT_ID_MARGIN_MS)
    const dropped = await dropDays({ logsThroughMs: cutoffMs, eventIdsBeforeDay }, signal)
    if (dropped.inUse.length > 0)
      logger.info({ parts: dropped.inUse }, 'days that have expired are still being read: dropped later')
    if (dropped.isElsewhere) return { deleted: dropped.logs, isElsewhere: true }
    const batches = { clock, batchMs: BATCH_MS, signal }
    const { rows, isElsewhere } = await inBatches((limit) => deleteSome(cutoffMs, limit), batches)
    if (!isElsewhere) await inBatches((limit) => forgetSome(eventIdsBeforeDay, limit), batches)
    return { deleted: dropped.logs + rows, isElsewhere }
  }

  const cleanup: Retention['cleanup'] = async ({ dryRun = false, signal } = {}) => {
    const cutoffMs = expiryCutoffMs({ retentionMs: (await keptDays()) * DAY_MS, nowMs: await now() })
    const result = dryRun
      ? { deleted: await countExpired(cutoffMs), isElsewhere: false }
      : await deleteExpired(cutoffMs, signal)
    return { ...result, dryRun, cutoffMs }
  }

  async function round(signal: AbortSignal): Promise<number> {
    const today = dayOf(clock.now())
    await storage.prepare(
      table,
      Array.from({ length: DAYS_AHEAD + 1 }, (_, ahead) => today + ahead),
    )
    const { deleted } = await cleanup({ signal })
    if (deleted > 0) logger.info({ deleted }, 'expired logs deleted')
    return deleted
  }

  return {
    cleanup,
    start: (intervalMs, onRound = () => undefined) =>
      every(
        intervalMs,
        'cleanup',
        async (signal) => {
          const startMs = clock.steadyMs()
          try {
            const deleted = await round(signal)
            onRound({ deleted, tookMs: clock.steadyMs() - startMs })
          } catch (error) {
            if (!signal.aborted) onRound('failed')
            throw error
          }
        },
        { clock, logger },
      ),
  }
}
