import { COST_PER_TOKEN, type Spending } from '../auth/rate-limit.ts'
import { STATEMENT } from '../graphql/cost.ts'
import type { Clock } from '../kernel/clock.ts'
import type { ConnectionLogs } from './connection-logs.ts'

/** Logs that are stored for one token of the rate limit. */
export const LOGS_PER_TOKEN = 250

/**
 * The same logs, where to record many takes more of the key's rate limit than to record one. The request itself has
 * paid for the first {@link LOGS_PER_TOKEN}. What was sent is counted, whatever becomes of it. Each event of a subscription
 * takes its points. A stream that has brought its key too far into debt pauses.
 * @param stopping ends all pauses
 */
export function metered(
  logs: ConnectionLogs,
  spending: Spending,
  { clock, stopping }: { readonly clock: Clock; readonly stopping: AbortSignal },
): ConnectionLogs {
  let sent = 0
  const count = (logsSent: number) => {
    const paid = tokensFor(sent)
    sent += logsSent
    if (tokensFor(sent) > paid) spending.charge(tokensFor(sent) - paid)
  }
  return {
    ...logs,
    follow: (filter, after) =>
      logs.follow(filter, after, {
        pause: (ended) => pauseWhileOwing(spending, clock, ended),
        isPausing: () => spending.pauseMs() > 0,
        given: () => spending.charge(Math.max(1, spending.points() - STATEMENT) / COST_PER_TOKEN),
      }),
    record: (batch) => {
      count(batch.length)
      return logs.record(batch)
    },
    recordEach: async (batch) => {
      await pauseWhileOwing(spending, clock, stopping)
      count(batch.length)
      return logs.recordEach(batch)
    },
  }
}

const tokensFor = (logs: number) => Math.max(1, Math.ceil(logs / LOGS_PER_TOKEN))

async function pauseWhileOwing({ pauseMs }: Spending, clock: Clock, over: AbortSignal): Promise<void> {
  for (let ms = pauseMs(); ms > 0 && !over.aborted; ms = pauseMs()) await clock.sleep(ms, over)
}
