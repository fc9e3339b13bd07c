import type { Database } from '../database/port.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { type Running, every } from '../kernel/lifecycle.ts'
import type { Logger } from '../kernel/logger.ts'
import type { AnyLog, LogKind } from './kind.ts'

/** How much longer than usual merging may pause, in milliseconds. */
const MAX_PAUSE_MS = 4 * SECOND_MS

/** Looks after the counts. They are exact without it; reads are quicker with it. */
export interface CountKeeper {
  /** Merges all that is noted now. */
  merge(signal?: AbortSignal): Promise<void>
  /** Every day from the first to the last that has logs or counts, counted from 1970-01-01 UTC. */
  days(): Promise<number[]>
  /** How many counts of a day differ from what its logs come to: 0, unless somebody else wrote to the database. */
  miscounted(day: number): Promise<number>
  /** Counts a day anew from its logs. Writers wait meanwhile. */
  recount(day: number): Promise<void>
  /** Merges now and again `intervalMs` later, or some seconds more where it takes long; `onMerged` is called each time that it went well. */
  start(intervalMs: number, onMerged?: () => void): Running
}

export function createCountKeeper<Log extends AnyLog, Filter>(
  database: Database,
  { table }: LogKind<Log, Filter>,
  { clock, logger }: { clock: Clock; logger: Logger },
): CountKeeper {
  const { dialect } = database

  async function merge(signal?: AbortSignal): Promise<void> {
    for (;;) {
      if (signal?.aborted || !(await database.storage.mergeCounts(table))) return
      await clock.sleep(0)
    }
  }

  async function days(): Promise<number[]> {
    const [row] = await database.query<{ first: number | null; last: number | null }>(
      dialect.countedDays(table),
    )
    const { first = null, last = null } = row ?? {}
    if (first === null || last === null) return []
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  }

  async function miscounted(day: number): Promise<number> {
    const [row] = await database.query<{ wrong: number | bigint }>(dialect.miscounted(table, day))
    return Number(row?.wrong)
  }

  async function recount(day: number): Promise<void> {
    await database.storage.prepare(table, [day])
    await database.transaction(async (tx) => {
      for (const statement of [...dialect.lockCounts(table), ...dialect.recount(table, day)])
        await tx.execute(statement)
    })
  }

  return {
    days,
    miscounted,
    recount,
    merge,
    start: (intervalMs, onMerged = () => undefined) =>
      every(
        intervalMs,
        'counts',
        async (signal) => {
          const startMs = clock.steadyMs()
          await merge(signal)
          onMerged()
          // A merge changes each count once: the more there is to merge, the less often it pays.
          const pauseMs = Math.min(2 * (clock.steadyMs() - startMs), MAX_PAUSE_MS)
          if (pauseMs > 0) await clock.sleep(pauseMs, signal)
        },
        { clock, logger },
      ),
  }
}
