import type { Database } from '../database/port.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Running, every } from '../kernel/lifecycle.ts'
import type { Logger } from '../kernel/logger.ts'
import type { AnyLog, LogKind } from './kind.ts'

/** Looks after the counts. They are exact without it; reads are quicker with it. */
export interface CountKeeper {
  /** Merges all that is noted now. */
  merge(signal?: AbortSignal): Promise<void>
  /** Merges now and every `intervalMs`. */
  start(intervalMs: number): Running
}

export function createCountKeeper<Log extends AnyLog, Filter>(
  { storage }: Database,
  { table }: LogKind<Log, Filter>,
  { clock, logger }: { clock: Clock; logger: Logger },
): CountKeeper {
  async function merge(signal?: AbortSignal): Promise<void> {
    for (;;) {
      if (signal?.aborted || (await storage.mergeCounts(table)) === 0) return
      await clock.sleep(0)
    }
  }
  return { merge, start: (intervalMs) => every(intervalMs, 'counts', merge, { clock, logger }) }
}
