/** How long what is asked of a database may take, in milliseconds. */
export interface Timeouts {
  /** To wait for a connection of Postgres, free or new. */
  readonly connectMs: number
  /** To wait for the turn of a transaction. */
  readonly turnMs: number
  readonly statementMs: number
  readonly transactionMs: number
  /** How long a connection may say nothing while it is asked: longer than a statement, which the database ends itself. */
  readonly silenceMs: number
}

const MAX_CONNECT_MS = 2_000
const MIN_CONNECT_MS = 500
const MAX_STATEMENT_MS = 30_000
const MAX_SILENCE_MARGIN_MS = 2_000
const HOUR_MS = 3_600_000
const DEFAULT_REQUEST_MS = 15_000

/**
 * Times that nest in the time of a request: to wait for a connection and then for a statement that the database gives up
 * takes less than that, so that the caller hears of it from us, and nothing goes on for one who has been answered.
 * @param requestMs the time of a request, 15 seconds unless given
 */
export function timeoutsWithin(requestMs = DEFAULT_REQUEST_MS): Timeouts {
  const statementMs = Math.floor(Math.min(MAX_STATEMENT_MS, (requestMs * 2) / 3))
  return {
    connectMs: Math.floor(Math.max(MIN_CONNECT_MS, Math.min(MAX_CONNECT_MS, requestMs / 5))),
    turnMs: statementMs,
    statementMs,
    transactionMs: statementMs,
    silenceMs: Math.floor(statementMs + Math.min(MAX_SILENCE_MARGIN_MS, requestMs / 10)),
  }
}

/** The times of maintenance, whose statements may take an hour. */
export const UNHURRIED: Timeouts = {
  connectMs: 5_000,
  turnMs: 10_000,
  statementMs: HOUR_MS,
  transactionMs: HOUR_MS,
  silenceMs: HOUR_MS + 2_000,
}
