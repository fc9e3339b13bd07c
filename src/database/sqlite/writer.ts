import { DriverAdapterError } from '@prisma/driver-adapter-utils'
import { misuse } from './failures.ts'
import { createPatience, type PatienceOptions } from './patience.ts'
import type { SqliteSession } from './session.ts'
import type { SqliteThread } from './thread.ts'
import { createTransaction, type SqliteTransaction } from './transaction.ts'
import { createWriteQueue } from './write-queue.ts'

export interface TransactionOptions {
  /**
   * The work drops and rebuilds tables. Foreign keys are off while it runs, since DROP TABLE would delete what
   * refers to the table; all are checked before COMMIT (a scan of the whole database).
   */
  readonly rewritesTables?: boolean
}

/** The one connection that writes. Its callers take turns, and none ever finds it inside another's transaction. */
export interface SqliteWriter {
  /** Runs `work`, one statement, in its turn. May run it again if another process holds the lock. */
  readonly write: <T>(work: (session: SqliteSession) => Promise<T>) => Promise<T>
  /** Runs the statements of a script in their turn, each on its own, as soon as no other process holds the lock. */
  readonly script: (sql: string) => Promise<void>
  /** Begins a transaction in its turn, and keeps the turn until the caller ends it. */
  readonly begin: (options?: TransactionOptions) => Promise<SqliteTransaction>
  /** Waits for its turn and runs `work` as the last one. */
  readonly finish: (work: () => Promise<void>) => Promise<void>
}

export function createWriter(
  thread: SqliteThread,
  session: SqliteSession,
  options: PatienceOptions,
): SqliteWriter {
  const queue = createWriteQueue()
  const patience = createPatience(options)

  async function begin({ rewritesTables = false }: TransactionOptions = {}): Promise<SqliteTransaction> {
    const retry = patience.ask()
    const leave = await queue.enter()
    const giveBack = async (): Promise<void> => {
      try {
        await leaveTransaction(thread)
        if (rewritesTables) await enforceForeignKeys(thread)
      } finally {
        leave()
      }
    }
    try {
      if (rewritesTables) await session.script('PRAGMA foreign_keys = OFF')
      await retry(() => session.script('BEGIN IMMEDIATE'))
    } catch (error) {
      await giveBack()
      throw error
    }
    return createTransaction({
      session,
      isInside: thread.isTransaction,
      end: async (statement) => {
        try {
          if (statement === 'ROLLBACK') return
          if (rewritesTables) await requireForeignKeys(session)
          await patience.ask()(() => session.script('COMMIT'))
        } finally {
          await giveBack()
        }
      },
    })
  }

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const leave = await queue.enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }

  return {
    begin,
    write: async (work) => {
      const retry = patience.ask()
      return inTurn(async () => {
        try {
          return await retry(() => outsideTransaction(thread, () => work(session)))
        } finally {
          await leaveTransaction(thread)
        }
      })
    },
    script: async (sql) => {
      const retry = patience.ask()
      await inTurn(async () => {
        try {
          // Only the wait for the lock may be repeated: the first statements of a script may have been committed.
          await retry(() => session.script('BEGIN IMMEDIATE; ROLLBACK'))
          await outsideTransaction(thread, () => session.script(sql))
        } finally {
          await leaveTransaction(thread)
          await enforceForeignKeys(thread) // a script that failed half-way may have left them off
        }
      })
    },
    finish: async (work) => {
      await inTurn(work)
    },
  }
}

/** Runs `work`, and refuses it afterwards if it has begun a transaction that the next caller would join. */
async function outsideTransaction<T>(thread: SqliteThread, work: () => Promise<T>): Promise<T> {
  const result = await work()
  if (!thread.isTransaction()) return result
  throw misuse('BEGIN and SAVEPOINT outside of a transaction: use `$transaction`. It has been rolled back.')
}

/** Leaves the connection outside of any transaction; or, should even ROLLBACK fail, closed, so that nobody joins it. */
async function leaveTransaction(thread: SqliteThread): Promise<void> {
  if (!thread.isTransaction()) return
  try {
    await thread.exec('ROLLBACK')
  } catch {
    if (thread.isTransaction()) await thread.abandon()
  }
}

async function enforceForeignKeys(thread: SqliteThread): Promise<void> {
  if (thread.isOpen()) await thread.exec('PRAGMA foreign_keys = ON')
}

async function requireForeignKeys(session: SqliteSession): Promise<void> {
  if ((await session.rows('PRAGMA foreign_key_check')).length === 0) return
  throw new DriverAdapterError({ kind: 'ForeignKeyConstraintViolation', constraint: { foreignKey: {} } })
}
