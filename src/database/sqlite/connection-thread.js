// @ts-check
// The thread of one connection. It runs what it is sent, in order, and answers each. JavaScript: see statements.js.
// A statement ends early where it calls `is_running()`, if its request was cancelled or has run for `timeoutMs`: the
// driver has no way to interrupt a statement from outside.
import { parentPort, workerData } from 'node:worker_threads'
import { DatabaseSync } from '@photostructure/sqlite'
import { IS_RUNNING, createStatements } from './statements.js'

/**
 * @typedef {import('./statements.js').Value} Value
 * @typedef {ReturnType<typeof createStatements>} Statements
 * @typedef {(
 *   | { do: 'open' | 'close' }
 *   | { do: 'all', sql: string, values: readonly Value[], timeoutMs?: number }
 *   | { do: 'run', sql: string, values: readonly Value[], changesRows: boolean }
 *   | { do: 'exec', sql: string }
 * )} Order
 * @typedef {{ message: string, code?: unknown, errcode?: unknown }} Failure what the driver threw
 * @typedef {{ id: number } & Order} Request
 * @typedef {{ id: number, isTransaction: boolean, result?: unknown, failure?: Failure }} Answer
 */

/** The path of the file, and the id of the last request that was cancelled, which the main thread writes. */
const { path, cancelled } = /** @type {{ path: string, cancelled: Int32Array }} */ (workerData)

/** @type {Statements | undefined} */
let statements

/** The request that runs, and when its time is over. */
const running = { id: 0, endsAt: Infinity }

function isRunning() {
  const isCancelled = Atomics.load(cancelled, 0) === running.id
  if (!isCancelled && performance.now() < running.endsAt) return 1
  // As the driver reports SQLITE_INTERRUPT.
  throw Object.assign(new Error('interrupted'), { code: 'ERR_SQLITE_ERROR', errcode: 9 })
}

/** @param {Order} order */
function obey(order) {
  if (order.do === 'open') {
    const db = new DatabaseSync(path, { timeout: 0 })
    db.function(IS_RUNNING, isRunning)
    statements = createStatements(db)
    return undefined
  }
  if (!statements) throw new Error('database is not open')
  switch (order.do) {
    case 'all':
      running.endsAt = order.timeoutMs === undefined ? Infinity : performance.now() + order.timeoutMs
      return statements.all(order.sql, order.values)
    case 'run':
      return statements.run(order.sql, order.values, order.changesRows)
    case 'exec':
      return statements.exec(order.sql)
    case 'close':
      return statements.close()
  }
}

parentPort?.on('message', (/** @type {Request} */ { id, ...order }) => {
  /** @type {Partial<Answer>} */
  let answer
  // Shared memory holds 32 bits of it.
  running.id = id | 0
  try {
    answer = { result: obey(order) }
  } catch (error) {
    const { message, code, errcode } = /** @type {Error & Partial<Failure>} */ (error)
    answer = { failure: { message, code, errcode } }
  }
  parentPort?.postMessage({ id, isTransaction: statements?.isTransaction() ?? false, ...answer })
})
