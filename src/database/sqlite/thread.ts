import { Worker } from 'node:worker_threads'
import type { BoundValue } from './bound-values.ts'
import type { RawResult, WritableConnection } from './session.ts'
import type { Answer, Order, Request } from './connection-thread.js'

/** A connection in a thread of its own, so that what it does, flushes to the disk included, holds up nobody here. */
export interface SqliteThread extends WritableConnection {
  /** Runs a statement, which ends with SQLITE_INTERRUPT where it asks whether it is still wanted and is not. */
  readonly all: (sql: string, values: readonly BoundValue[], limits?: StatementLimits) => Promise<RawResult>
  readonly isOpen: () => boolean
  /** Closes the connection and ends the thread. May be called more than once. */
  readonly close: () => Promise<void>
  /** The same where it can be used no more. */
  readonly abandon: () => Promise<void>
}

/** Limits that end a statement early. */
export interface StatementLimits {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * @param onLost called once the thread has ended though nobody closed it, or was abandoned. It is not begun anew: what
 *   became of the lock on the file that it held nobody knows before the process ends
 * @throws what the driver throws
 */
export async function openThread(path: string, onLost: () => void = () => undefined): Promise<SqliteThread> {
  const cancelled = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const worker = new Worker(new URL('./connection-thread.js', import.meta.url), {
    workerData: { path, cancelled },
  })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let isTransaction = false
  let isOpen = true
  let isClosing = false

  worker.on('message', ({ id, failure, result, ...state }: Answer) => {
    isTransaction = state.isTransaction
    const { resolve, reject } = waiting.get(id) ?? {}
    waiting.delete(id)
    // While nothing is asked of it, the thread is no reason for the process to go on.
    if (waiting.size === 0) worker.unref()
    if (failure) {
      const { message, ...codes } = failure
      reject?.(Object.assign(new Error(message), codes))
    } else resolve?.(result)
  })
  worker.on('error', fail)
  worker.on('exit', () => fail(closed()))

  function fail(error: Error): void {
    const isLost = isOpen && !isClosing
    isOpen = false
    isTransaction = false
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
    if (isLost) onLost()
  }

  async function ask(order: Order, signal?: AbortSignal): Promise<unknown> {
    if (!isOpen) throw closed()
    const id = ++lastId
    const cancel = () => void Atomics.store(cancelled, 0, id)
    if (signal?.aborted) cancel()
    signal?.addEventListener('abort', cancel)
    try {
      return await sent(id, order)
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  function sent(id: number, order: Order): Promise<unknown> {
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.ref()
      worker.postMessage({ id, ...order } satisfies Request)
    })
  }

  const close = async (): Promise<void> => {
    if (!isOpen) return
    isClosing = true
    try {
      await ask({ do: 'close' })
    } finally {
      isOpen = false
      isTransaction = false
      await worker.terminate()
    }
  }

  try {
    await ask({ do: 'open' })
  } catch (error) {
    isClosing = true
    await worker.terminate()
    throw error
  }
  return {
    all: async (sql, values, { signal, timeoutMs } = {}) =>
      (await ask(
        { do: 'all', sql, values, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
        signal,
      )) as RawResult,
    run: async (sql, values, changesRows) => (await ask({ do: 'run', sql, values, changesRows })) as number,
    exec: async (sql) => void (await ask({ do: 'exec', sql })),
    isTransaction: () => isTransaction,
    isOpen: () => isOpen,
    close,
    abandon: async () => {
      await close()
      onLost()
    },
  }
}

/** In the driver's own words, so that it is taken for what it is. */
export const closed = () => Object.assign(new Error('database is not open'), { code: 'ERR_INVALID_STATE' })
