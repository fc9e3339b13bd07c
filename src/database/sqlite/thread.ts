import { Worker } from 'node:worker_threads'
import type { RawResult, WritableConnection } from './session.ts'
import type { Answer, Order, Request } from './writer-thread.js'

/** A connection in a thread of its own, so that what it does, flushes to the disk included, holds up nobody here. */
export interface SqliteThread extends WritableConnection {
  readonly isOpen: () => boolean
  /** Closes the connection and ends the thread. May be called more than once. */
  readonly close: () => Promise<void>
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** @throws what the driver throws */
export async function openThread(path: string): Promise<SqliteThread> {
  const worker = new Worker(new URL('./writer-thread.js', import.meta.url), { workerData: { path } })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let isTransaction = false
  let isOpen = true

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
    isOpen = false
    isTransaction = false
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }

  async function ask(order: Order): Promise<unknown> {
    if (!isOpen) throw closed()
    const id = ++lastId
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.ref()
      worker.postMessage({ id, ...order } satisfies Request)
    })
  }

  const close = async (): Promise<void> => {
    if (!isOpen) return
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
    await worker.terminate()
    throw error
  }
  return {
    all: async (sql, values) => (await ask({ do: 'all', sql, values })) as RawResult,
    run: async (sql, values, changesRows) => (await ask({ do: 'run', sql, values, changesRows })) as number,
    exec: async (sql) => void (await ask({ do: 'exec', sql })),
    isTransaction: () => isTransaction,
    isOpen: () => isOpen,
    close,
  }
}

/** In the driver's own words, so that it is taken for what it is. */
const closed = () => Object.assign(new Error('database is not open'), { code: 'ERR_INVALID_STATE' })
