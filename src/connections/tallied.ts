import { AppError } from '../kernel/errors.ts'
import type { ConnectionLogs } from './connection-logs.ts'
import type { Recorded } from './event.ts'

/** `rejected`: for what they hold, or beside others that were; `failed`: the database could not take them. */
export const RECORD_RESULTS = ['created', 'duplicate', 'rejected', 'failed'] as const
export type RecordResult = (typeof RECORD_RESULTS)[number]

/** The same logs, telling how many of those that are sent are stored, were there already, or are not stored. */
export function tallied(
  logs: ConnectionLogs,
  tell: (result: RecordResult, logs: number) => void,
): ConnectionLogs {
  function tally(outcomes: readonly (Recorded | AppError)[]): void {
    let [created, rejected] = [0, 0]
    for (const outcome of outcomes) {
      if (outcome instanceof AppError) rejected += 1
      else if (outcome.created) created += 1
    }
    const duplicates = outcomes.length - created - rejected
    if (created > 0) tell('created', created)
    if (duplicates > 0) tell('duplicate', duplicates)
    if (rejected > 0) tell('rejected', rejected)
  }

  return {
    ...logs,
    record: async (sent) => {
      try {
        const recorded = await logs.record(sent)
        tally(recorded)
        return recorded
      } catch (error) {
        // All or nothing.
        tell(resultOf(error), sent.length)
        throw error
      }
    },
    recordEach: async (sent) => {
      try {
        const outcomes = await logs.recordEach(sent)
        tally(outcomes)
        return outcomes
      } catch (error) {
        tell(resultOf(error), sent.length)
        throw error
      }
    },
  }
}

const resultOf = (error: unknown): RecordResult =>
  error instanceof AppError && error.status < 500 ? 'rejected' : 'failed'
