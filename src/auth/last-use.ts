import type { Database } from '../database/port.ts'
import { type Clock, MINUTE_MS, SECOND_MS } from '../kernel/clock.ts'
import { type Running, every } from '../kernel/lifecycle.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'

/** How often uses are written, and so how far `lastUsedAt` may be behind. */
export const WRITE_INTERVAL_MS = MINUTE_MS
const WRITTEN_AT_ONCE = 500

/** How long the end of the process waits for the last uses to be written. */
const LAST_WRITE_MS = 2 * SECOND_MS

/** Notes when keys were used: in memory at once, in the database once a minute. */
export interface LastUses {
  note(keyId: string): void
  /** Begins to write; `stop` writes what is noted by then. */
  start(): Running
}

/**
 * No request waits for a write or fails by it. A process that is killed loses a minute of uses. While the database takes
 * none, the latest use of each key is kept, and of a row of failures one is logged.
 */
export function createLastUses(
  database: Pick<Database, 'execute' | 'dialect'>,
  { clock, logger }: { clock: Clock; logger: Logger },
): LastUses {
  const noted = new Map<string, number>()
  let isFailing = false

  async function write(): Promise<void> {
    const uses = [...noted].map(([keyId, atMs]) => ({ keyId, atMs }))
    try {
      for (let start = 0; start < uses.length; start += WRITTEN_AT_ONCE) {
        const batch = uses.slice(start, start + WRITTEN_AT_ONCE)
        await database.execute(database.dialect.noteUses(batch))
        for (const { keyId, atMs } of batch) if (noted.get(keyId) === atMs) noted.delete(keyId)
      }
      isFailing = false
    } catch (error) {
      if (!isFailing) logFailure(error, { task: 'last use of keys' }, logger)
      isFailing = true
    }
  }

  return {
    note: (keyId) => void noted.set(keyId, clock.now()),
    start: () => {
      const writing = every(WRITE_INTERVAL_MS, 'last use of keys', write, { clock, logger })
      return {
        stop: async () => {
          const waiting = new AbortController()
          const written = writing.stop().then(write)
          await Promise.race([written, clock.sleep(LAST_WRITE_MS, waiting.signal)])
          waiting.abort()
        },
      }
    },
  }
}
