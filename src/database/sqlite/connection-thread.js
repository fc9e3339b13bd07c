// @ts-check
// The thread of one connection. It runs what it is sent, in order, and answers each. JavaScript: see statements.js.
import { parentPort, workerData } from 'node:worker_threads'
import { DatabaseSync } from '@photostructure/sqlite'
import { createStatements } from './statements.js'

/**
 * @typedef {import('./statements.js').Value} Value
 * @typedef {ReturnType<typeof createStatements>} Statements
 * @typedef {(
 *   | { do: 'open' | 'close' }
 *   | { do: 'all', sql: string, values: readonly Value[] }
 *   | { do: 'run', sql: string, values: readonly Value[], changesRows: boolean }
 *   | { do: 'exec', sql: string }
 * )} Order
 * @typedef {{ message: string, code?: unknown, errcode?: unknown }} Failure what the driver threw
 * @typedef {{ id: number } & Order} Request
 * @typedef {{ id: number, isTransaction: boolean, result?: unknown, failure?: Failure }} Answer
 */

/** @type {Statements | undefined} */
let statements

/** @param {Order} order */
function obey(order) {
  if (order.do === 'open') {
    const { path } = /** @type {{ path: string }} */ (workerData)
    statements = createStatements(new DatabaseSync(path, { timeout: 0 }))
    return undefined
  }
  if (!statements) throw new Error('database is not open')
  switch (order.do) {
    case 'all':
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
  try {
    answer = { result: obey(order) }
  } catch (error) {
    const { message, code, errcode } = /** @type {Error & Partial<Failure>} */ (error)
    answer = { failure: { message, code, errcode } }
  }
  parentPort?.postMessage({ id, isTransaction: statements?.isTransaction() ?? false, ...answer })
})
