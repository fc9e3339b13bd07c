import type { Pool } from 'pg'
import type { Clock } from '../../kernel/clock.ts'
import { translateFailure, unavailable } from '../failures.ts'
import type { Database } from '../port.ts'
import type { Sql } from '../sql.ts'
import type { Timeouts } from '../timeouts.ts'
import type { createStatementNames } from './statement-names.ts'
import { inTransaction } from './transactions.ts'

export interface WritingOptions extends Pick<Timeouts, 'transactionMs'> {
  /** The names of statements are those of a connection, whoever uses it. */
  readonly nameOf: ReturnType<typeof createStatementNames>
  readonly clock: Clock
}

/**
 * Transactions past Prisma: it writes parameters as JSON, bytes as base64, and reads them again before the driver has
 * them, which for a batch of logs is a tenth of what the service does with it.
 */
export function createWriting(
  pool: Pool,
  { nameOf, transactionMs, clock }: WritingOptions,
): Database['writing'] {
  return async (work) => {
    const over = new AbortController()
    try {
      return await inTransaction(pool, async (client) => {
        let isLate = false
        void clock.sleep(transactionMs, over.signal).then(() => (isLate = true))
        const run = async (statement: Sql) => {
          // It would be committed on its own, or with what somebody else does on this connection.
          if (over.signal.aborted) throw new Error('a statement came after the end of its transaction')
          if (isLate) throw unavailable(new Error(`a transaction took longer than ${transactionMs} ms`))
          const { text, values } = statement
          return client.query({ name: nameOf({ sql: text }), text, values })
        }
        try {
          return await work({
            query: async <Row>(statement: Sql) => (await run(statement)).rows as Row[],
            execute: async (statement) => (await run(statement)).rowCount ?? 0,
          })
        } finally {
          over.abort()
        }
      })
    } catch (error) {
      throw translateFailure(error)
    }
  }
}
