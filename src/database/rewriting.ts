import type { LogTable } from './dialect.ts'
import type { Sql } from './sql.ts'

/** The search terms that a stored log is to have. */
export interface NewTerms {
  readonly userId: string
  readonly createdAt: number
  readonly id: string
  readonly terms: string | null
}

/** Statements that change the search terms of stored logs, and nothing else of them. */
export interface Rewriting {
  /**
   * One row `{ free }`: whether this transaction may rewrite terms. Of several processes one at a time may; the right ends
   * with the transaction, however that ends.
   */
  tryRewriteTerms(): Sql
  /** Sets the terms of these logs where they differ; of a log that is gone, nothing. Belongs into one transaction. */
  rewriteTerms(table: LogTable, logs: readonly NewTerms[]): Sql[]
}
