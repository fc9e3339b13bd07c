import { AppError } from '../../kernel/errors.ts'
import type { Clock } from '../../kernel/clock.ts'
import { translateFailure } from '../failures.ts'
import type { LogTable } from '../dialect.ts'
import type { Eraser } from '../erasing.ts'
import type { Database, Transaction } from '../port.ts'
import { raw, sql } from '../sql.ts'
import type { SqliteConnections } from './connections.ts'

/** Pages of the index of words that are merged in one go: some milliseconds of the process. */
const MERGED_PAGES = 32

const TRIES = 20
const PAUSE_MS = 250

/**
 * Erasing from a file. What is deleted is overwritten with zeros, in pages that are still in use (FAST, which
 * {@link configureWriter} sets for good) and here in those that fall free as well. What SQLite has moved from page to
 * page before may still stand where it was; VACUUM alone writes the file anew.
 * @param mayVacuum whether others may be kept from writing for as long as that takes
 */
export function createEraser(
  connections: SqliteConnections,
  { transaction, clock, mayVacuum }: Pick<Database, 'transaction'> & { clock: Clock; mayVacuum: boolean },
): Eraser {
  return {
    transaction: overwriting,

    clearCounts: async ({ name, counts }, userId) => {
      if (userId === undefined) return
      await overwriting(async (tx) => {
        await tx.execute(sql`
          DELETE FROM ${raw(counts.name)} WHERE user_id = ${userId} AND NOT everyone
            AND NOT EXISTS (SELECT 1 FROM ${raw(name)} WHERE user_id = ${userId})`)
      })
    },

    scrub: async (table) => {
      await mergeTerms(table)
      const vacuumed =
        mayVacuum && (await succeeds(() => connections.execute({ sql: 'VACUUM', args: [], argTypes: [] })))
      const emptied = await emptyLog()
      const left = [
        ...(vacuumed ? [] : [mayVacuum ? NO_VACUUM : NOT_VACUUMED]),
        ...(emptied ? [] : [LOG_IN_USE]),
      ]
      return { scrubbed: left.length === 0, remark: left.join(' ') || null }
    },
  }

  /** The setting is the writer's, which is this transaction's alone until it ends. */
  function overwriting<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return transaction(async (tx) => {
      await tx.query(sql`PRAGMA secure_delete = ON`)
      try {
        return await work(tx)
      } finally {
        // Where that fails as well, the writer overwrites more than it has to.
        await tx.query(sql`PRAGMA secure_delete = FAST`).catch(() => undefined)
      }
    })
  }

  /** Writes the index of words anew without those of deleted logs, which until then are only marked. */
  async function mergeTerms({ terms }: LogTable): Promise<void> {
    const changes = () => sql`SELECT total_changes() AS changes`
    // A negative number begins a merge of all there is, a positive one goes on with it.
    for (let pages = -MERGED_PAGES; ; pages = MERGED_PAGES) {
      const isDone = await overwriting(async (tx) => {
        const [before] = await tx.query<{ changes: number | bigint }>(changes())
        await tx.execute(sql`INSERT INTO ${raw(terms)} (${raw(terms)}, rank) VALUES ('merge', ${pages})`)
        const [after] = await tx.query<{ changes: number | bigint }>(changes())
        // As SQLite's documentation has it: one change is the command itself.
        return Number(after?.changes) - Number(before?.changes) < 2
      })
      if (isDone) return
      await clock.sleep(0)
    }
  }

  /** Moves the write-ahead log into the file and empties it; others who read at the moment keep it from that. */
  async function emptyLog(): Promise<boolean> {
    for (let tries = 1; ; tries += 1) {
      const [row] = await connections.checkpoint()
      if (row?.['busy'] === 0) return true
      if (tries === TRIES) return false
      await clock.sleep(PAUSE_MS)
    }
  }
}

const NOT_VACUUMED =
  'What was deleted has been overwritten, but the file was not written anew, and may hold copies that SQLite made when it moved rows. `connlog erase` for the same, or VACUUM, removes them.'
const NO_VACUUM =
  'The file could not be written anew (VACUUM), which takes as much free space on the disk as the database has, and waits for others who write. Run the same again.'
const LOG_IN_USE =
  'The write-ahead log beside the file could not be emptied, because another process reads from it. Run the same again.'

/** Whether `work` ended, and not because the database could not take it now. */
async function succeeds(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (translateFailure(error) instanceof AppError) return false
    throw error
  }
}
