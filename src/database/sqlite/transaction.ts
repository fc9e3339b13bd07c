import { DriverAdapterError } from '@prisma/driver-adapter-utils'
import type { SqliteSession } from './session.ts'

/** A transaction that holds the writer from BEGIN to its end, which the caller must bring about. */
export interface SqliteTransaction {
  /** The writer, for this transaction only: after its end every call throws TransactionAlreadyClosed. */
  readonly session: SqliteSession
  /** Makes all of it durable, or throws and has undone all of it. */
  readonly commit: () => Promise<void>
  /** Undoes all of it. Harmless when the transaction has ended already. */
  readonly rollback: () => Promise<void>
}

export interface TransactionParts {
  readonly session: SqliteSession
  /** Whether SQLite itself is inside a transaction. */
  readonly isInside: () => boolean
  /** Runs COMMIT or ROLLBACK, waiting for locks, and gives the writer back whatever comes of it. */
  readonly end: (statement: 'COMMIT' | 'ROLLBACK') => Promise<void>
}

/**
 * SQLite ends a transaction by itself on some failures (a full disk, an I/O error, ON CONFLICT ROLLBACK). What runs
 * after that would be committed one by one, outside of any transaction; so each statement first makes sure.
 */
export function createTransaction({ session, isInside, end }: TransactionParts): SqliteTransaction {
  let isOpen = true

  function requireOpen(): void {
    if (isOpen && isInside()) return
    const cause = isOpen
      ? 'SQLite has rolled the transaction back because of an earlier failure in it.'
      : 'The transaction has been committed or rolled back before.'
    throw new DriverAdapterError({ kind: 'TransactionAlreadyClosed', cause })
  }

  function guarded<A extends unknown[], R>(work: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      requireOpen()
      return work(...args)
    }
  }

  async function rollback(): Promise<void> {
    if (!isOpen) return
    isOpen = false
    await end('ROLLBACK')
  }

  return {
    session: {
      query: guarded(session.query),
      execute: guarded(session.execute),
      script: guarded(session.script),
      rows: guarded(session.rows),
    },
    commit: async () => {
      try {
        requireOpen()
      } catch (error) {
        await rollback()
        throw error
      }
      isOpen = false
      await end('COMMIT')
    },
    rollback,
  }
}
