import { AppError } from '../../kernel/errors.ts'
import { toAdapterError } from './failures.ts'
import type { SqliteConnection } from './session.ts'
import { type SqliteThread, type StatementLimits, closed } from './thread.ts'

/** Threads that only read. A statement goes to one that is free; when all are busy, it waits in the order of arrival. */
export interface SqliteReaders {
  /**
   * Runs `work` on a free thread, if the caller still waits for it by then.
   * @throws {AppError} SERVICE_UNAVAILABLE where the caller has gone before
   */
  use<T>(
    work: (connection: Pick<SqliteConnection, 'all'>) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T>
  /** Closes all threads when their statements have ended; whatever still waits fails with ConnectionClosed. */
  close(): Promise<void>
}

export interface SqliteReadersOptions {
  /** Most threads. One is opened when none is free, so a command that reads little has one. */
  readonly most: number
  /** After how long a statement that scans is interrupted. */
  readonly timeoutMs: number
  readonly open: () => Promise<SqliteThread>
}

interface Waiting {
  readonly start: (thread: SqliteThread) => void
  readonly fail: (error: unknown) => void
}

export function createReaders({ most, timeoutMs, open }: SqliteReadersOptions): SqliteReaders {
  const threads = new Set<SqliteThread>()
  const free: SqliteThread[] = []
  const waiting = new Set<Waiting>()
  const opening = new Set<Promise<void>>()
  let isClosed = false

  /** The thread that was used last, whose memory holds the pages that were read last. */
  function freeThread(): SqliteThread | undefined {
    for (let thread = free.pop(); thread; thread = free.pop()) {
      if (thread.isOpen()) return thread
      threads.delete(thread)
    }
    return undefined
  }

  function release(thread: SqliteThread): void {
    if (!thread.isOpen()) threads.delete(thread)
    else {
      const [next] = waiting
      if (next) {
        waiting.delete(next)
        next.start(thread)
      } else free.push(thread)
    }
    if (waiting.size > 0) openAnother()
  }

  function openAnother(): void {
    // While more threads open than statements wait, no other is needed.
    if (isClosed || threads.size + opening.size >= most || opening.size >= waiting.size) return
    const opened = open()
      .then(
        (thread) => {
          threads.add(thread)
          release(thread)
        },
        (error: unknown) => {
          // Other threads serve the waiting statements. Without any, they would wait forever.
          if (threads.size === 0) failAll(error)
        },
      )
      .finally(() => opening.delete(opened))
    opening.add(opened)
  }

  function failAll(error: unknown): void {
    for (const one of waiting) one.fail(error)
    waiting.clear()
  }

  function acquire(signal: AbortSignal | undefined): Promise<SqliteThread> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(one)
        reject(over())
      }
      const done = () => signal?.removeEventListener('abort', leave)
      const one: Waiting = {
        start: (thread) => {
          done()
          resolve(thread)
        },
        fail: (error) => {
          done()
          // oxlint-disable-next-line prefer-promise-reject-errors -- the error of a thread
          reject(error)
        },
      }
      waiting.add(one)
      signal?.addEventListener('abort', leave)
      openAnother()
    })
  }

  return {
    use: async (work, signal) => {
      if (signal?.aborted) throw over()
      if (isClosed) throw toAdapterError(closed())
      const thread = freeThread() ?? (await acquire(signal))
      const limits: StatementLimits = { signal, timeoutMs }
      try {
        return await work({ all: (sql, values) => thread.all(sql, values, limits) })
      } finally {
        release(thread)
      }
    },
    close: async () => {
      isClosed = true
      failAll(toAdapterError(closed()))
      await Promise.allSettled(opening)
      await Promise.allSettled([...threads].map((thread) => thread.close()))
    },
  }
}

/** Nobody reads it. */
const over = () => new AppError('SERVICE_UNAVAILABLE', 'The request is over.')
