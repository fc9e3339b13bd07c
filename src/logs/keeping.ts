import { claimRetention, readRetention, rememberedRetention } from '../database/instance.ts'
import type { Database } from '../database/port.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { type Running, every } from '../kernel/lifecycle.ts'
import type { Logger } from '../kernel/logger.ts'

/** How often a service says how long it keeps logs; several times before its word runs out. */
const CLAIM_INTERVAL_MS = 15 * SECOND_MS

export const DEFAULT_RETENTION_DAYS = 7

/** How long logs are kept: what this process was told, and what the services of the database have agreed on. */
export interface Keeping {
  /** After how many days a log expires, to this process. */
  readonly days: number
  /** What the database remembered when it was opened; undefined if no service ever said. */
  readonly rememberedDays: number | undefined
  /** For how many days nothing may be deleted: as long as anybody keeps it. */
  keptDays(): Promise<number>
  /** Speaks for a service, from now on until stopped. */
  start(): Promise<Running>
}

/** @param days what the settings say; if they say nothing, what the database remembers, else the default */
export async function createKeeping(
  database: Database,
  { days: given, clock, logger }: { days: number | undefined; clock: Clock; logger: Logger },
): Promise<Keeping> {
  const remembered = await rememberedRetention(database)
  const days = given ?? remembered?.days ?? DEFAULT_RETENTION_DAYS
  let isService = false
  let toldOf = days

  async function claim(): Promise<number> {
    const kept = await claimRetention(database, days, clock.now())
    if (kept > days && toldOf !== kept)
      logger.warn(
        { retentionDays: days, keptDays: kept },
        'another service on this database has a longer RETENTION_DAYS: nothing is deleted before that',
      )
    toldOf = kept
    return kept
  }

  return {
    days,
    rememberedDays: remembered?.days,

    keptDays: async () => {
      if (isService) return claim()
      return Math.max(days, (await readRetention(database))?.days ?? 0)
    },

    start: async () => {
      const before = await readRetention(database)
      if (before && before.days !== days)
        logger.warn(
          { retentionDays: days, beforeDays: before.days },
          before.isFresh
            ? 'RETENTION_DAYS is not what a service on this database has said within the last minute: give all of them the same'
            : 'RETENTION_DAYS is not what it was on this database',
        )
      toldOf = before?.isFresh ? before.days : days
      isService = true
      await claim()
      return every(CLAIM_INTERVAL_MS, 'retention', async () => void (await claim()), { clock, logger })
    },
  }
}
