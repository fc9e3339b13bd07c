import type { Place, Row } from '../database/dialect.ts'
import { raw, sql } from '../database/sql.ts'
import { ensureInstance } from '../database/instance.ts'
import type { Database } from '../database/port.ts'
import { readTermsState, writeTermsState } from '../database/terms-state.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import type { Running } from '../kernel/lifecycle.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import { type Batch, inBatches } from './batches.ts'
import type { AnyLog, LogKind } from './kind.ts'

/** How long a transaction should take, in milliseconds: on SQLite other writers wait for it. */
const BATCH_MS = 20

/** Pause after a failure, or where another process rewrites, in milliseconds. */
const RETRY_MS = 10 * SECOND_MS

/**
 * Rewrites the search terms of logs that an earlier version has stored, oldest first and in small transactions, each of
 * which notes how far it came. After a kill another process goes on from there. Searches may miss a log until its turn.
 */
export interface TermsRewriter {
  /** @returns whether all is done; otherwise another process is at it, or `signal` was aborted */
  rewrite(signal?: AbortSignal): Promise<boolean>
  /** How far it is; undefined where all is done, or no stored log can differ. */
  progress(): Promise<TermsProgress | undefined>
  /** Rewrites until all is done or it is stopped. */
  start(): Running
}

export interface TermsProgress {
  /** Logs that may still have terms of an earlier version. */
  readonly logs: number
  /** The first of them was created at this instant or later, in milliseconds; null if none has been rewritten yet. */
  readonly sinceMs: number | null
}

export function createTermsRewriter<Log extends AnyLog, Filter>(
  database: Database,
  { table, folding, toRow, fromRow }: LogKind<Log, Filter>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): TermsRewriter {
  const { dialect } = database
  /** Finer than what is noted in the database, in which no user is named. */
  let reached: Place | undefined

  const afterOf = (throughMs: number | null): Place | undefined => {
    if (throughMs === null) return undefined
    return reached && reached.createdAt >= throughMs ? reached : { createdAt: throughMs, id: '', userId: '' }
  }

  /** @returns undefined where another process is at it */
  async function rewriteSome(limit: number): Promise<Batch | undefined> {
    const startMs = clock.steadyMs()
    const rows = await database.writing(async (tx) => {
      const [turn] = await tx.query<{ free: boolean | number }>(dialect.tryRewriteTerms())
      if (!turn?.free) return undefined
      const { version, throughMs } = await readTermsState(tx)
      if (version === folding.version) return []
      const request = { table, where: dialect.everyone, after: afterOf(throughMs), limit }
      const [found] = await tx.query<{ logs: string }>(dialect.next(request))
      const stored = JSON.parse(found?.logs ?? '[]') as Row[]
      const unstable = stored.map(fromRow).filter((log) => !folding.isStable(log))
      const terms = unstable.map((log) => termsOf(toRow(log)))
      if (terms.length > 0)
        for (const statement of dialect.rewriteTerms(table, terms)) await tx.execute(statement)
      const last = stored.at(-1)
      await writeTermsState(
        tx,
        last === undefined || stored.length < limit
          ? { version: folding.version, throughMs: null }
          : { version, throughMs: placeOf(last).createdAt },
      )
      return stored
    })
    if (rows === undefined) return undefined
    // Not before the transaction has ended well.
    const last = rows.at(-1)
    if (last) reached = placeOf(last)
    return { rows: rows.length, tookMs: clock.steadyMs() - startMs }
  }

  const isDone = async () => (await readTermsState(database)).version === folding.version

  async function rewrite(signal?: AbortSignal): Promise<boolean> {
    if (await isDone()) return true
    await ensureInstance(database, clock.now())
    const { rows } = await inBatches(rewriteSome, { clock, batchMs: BATCH_MS, signal })
    if (!(await isDone())) return false
    if (rows > 0) logger.info({ logs: rows }, 'the search terms of stored logs have been rewritten')
    return true
  }

  async function progress(): Promise<TermsProgress | undefined> {
    const { version, throughMs } = await readTermsState(database)
    if (version === folding.version) return undefined
    const [row] = await database.query<{ logs: number | bigint }>(
      sql`SELECT count(*) AS logs FROM ${raw(table.name)}
        WHERE created_at >= ${dialect.instant(throughMs ?? 0)} AND octet_length(terms) <> length(terms)`,
    )
    const logs = Number(row?.logs)
    return logs === 0 ? undefined : { logs, sinceMs: throughMs }
  }

  async function untilDone(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await rewrite(signal)) return
      } catch (error) {
        if (!signal.aborted) logFailure(error, { task: 'search terms' }, logger)
      }
      await clock.sleep(RETRY_MS, signal)
    }
  }

  return {
    rewrite,
    progress,
    start: () => {
      const aborter = new AbortController()
      const running = untilDone(aborter.signal)
      return {
        stop: async () => {
          aborter.abort()
          await running
        },
      }
    },
  }
}

const placeOf = (row: Row): Place => ({
  createdAt: Number(row['createdAt']),
  id: String(row['id']),
  userId: String(row['userId']),
})

const termsOf = (row: Row) => ({ ...placeOf(row), terms: row['terms'] as string | null })
