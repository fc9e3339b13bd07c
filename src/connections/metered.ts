import type { ConnectionLogs } from './connection-logs.ts'

/** Logs that are stored for one token of the rate limit. */
export const LOGS_PER_TOKEN = 250

/**
 * The same logs, where to record many takes more of the key's rate limit than to record one. The request itself has
 * paid for the first {@link LOGS_PER_TOKEN}. What was sent is counted, whatever becomes of it.
 */
export function metered(logs: ConnectionLogs, charge: (tokens: number) => void): ConnectionLogs {
  let sent = 0
  const count = (logsSent: number) => {
    const paid = tokensFor(sent)
    sent += logsSent
    if (tokensFor(sent) > paid) charge(tokensFor(sent) - paid)
  }
  return {
    ...logs,
    record: (batch) => {
      count(batch.length)
      return logs.record(batch)
    },
    recordEach: (batch) => {
      count(batch.length)
      return logs.recordEach(batch)
    },
  }
}

const tokensFor = (logs: number) => Math.max(1, Math.ceil(logs / LOGS_PER_TOKEN))
