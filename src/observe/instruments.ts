import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { RecordResult } from '../connections/tallied.ts'
import { ERROR_STATUS, type ErrorCode } from '../kernel/errors.ts'

/** From a page out of memory to the end of a request's time, in seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15]

/** How an operation ended: well, without its client, which had left, or with the code that its caller read. */
export type OperationOutcome = 'ok' | 'aborted' | Lowercase<ErrorCode>
export const OUTCOMES = Object.fromEntries(
  Object.keys(ERROR_STATUS).map((code) => [code, code.toLowerCase()]),
) as Readonly<Record<ErrorCode, OperationOutcome>>

/** What is counted as it happens. Series are made once and then found by one look-up. */
export interface Instruments {
  answered(route: string, method: string, status: number, seconds: number | undefined): void
  operated(operation: string, outcome: OperationOutcome, seconds: number): void
  recorded(result: RecordResult, logs: number): void
  committed(seconds: number): void
  cleanedUp(result: 'ok' | 'failed', round?: { readonly deleted: number; readonly seconds: number }): void
  merged(): void
  lineLogged(level: 'warn' | 'error'): void
}

/** @param nowSeconds the present instant in seconds since the epoch */
export function createInstruments(registry: Registry, nowSeconds: () => number): Instruments {
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    remembered(new Counter({ name, help, labelNames, registers: [registry] }))
  const histogram = (name: string, help: string, labelNames: readonly string[]) =>
    remembered(new Histogram({ name, help, labelNames, buckets: SECONDS, registers: [registry] }))
  const gauge = (name: string, help: string) => {
    const made = new Gauge({ name, help, registers: [registry] })
    // Not 0 but absent, until there is something to tell.
    made.remove()
    return made
  }

  const requests = counter('connlog_http_requests_total', 'Requests that were answered.', [
    'route',
    'method',
    'status',
  ])
  const requestSeconds = histogram(
    'connlog_http_request_duration_seconds',
    'Time until the answer began, streams of lines left out.',
    ['route'],
  )
  const operations = counter(
    'connlog_graphql_operations_total',
    'GraphQL operations that passed the gate, by name and by the code of the first error.',
    ['operation', 'outcome'],
  )
  const operationSeconds = histogram(
    'connlog_graphql_operation_duration_seconds',
    'Time of GraphQL operations; of subscriptions, until they began.',
    ['operation'],
  )
  const records = counter('connlog_logs_recorded_total', 'Logs that were sent to be stored.', ['result'])
  const commits = histogram(
    'connlog_commit_duration_seconds',
    'Time of the transactions that store logs, durable on disk.',
    [],
  )
  const cleanups = counter('connlog_cleanups_total', 'Rounds of deleting expired logs.', ['result'])
  const deleted = counter('connlog_logs_deleted_total', 'Expired logs that were deleted.', [])
  const cleanupSeconds = gauge('connlog_cleanup_duration_seconds', 'Time of the last good round of cleanup.')
  const cleanupAt = gauge('connlog_cleanup_last_success_timestamp_seconds', 'When cleanup last ended well.')
  const mergedAt = gauge(
    'connlog_counts_last_merge_timestamp_seconds',
    'When notes were last merged into the counts.',
  )
  const lines = counter('connlog_log_lines_total', 'Lines that the service wrote about itself.', ['level'])

  // At 0 from the start, so that the first of them shows as an increase.
  for (const result of ['created', 'duplicate', 'rejected', 'failed']) records(result).inc(0)
  for (const result of ['ok', 'failed']) cleanups(result).inc(0)
  for (const level of ['warn', 'error']) lines(level).inc(0)
  deleted().inc(0)
  commits()

  return {
    answered: (route, method, status, seconds) => {
      requests(route, method, String(status)).inc()
      if (seconds !== undefined) requestSeconds(route).observe(seconds)
    },
    operated: (operation, outcome, seconds) => {
      operations(operation, outcome).inc()
      operationSeconds(operation).observe(seconds)
    },
    recorded: (result, logs) => records(result).inc(logs),
    committed: (seconds) => commits().observe(seconds),
    cleanedUp: (result, round) => {
      cleanups(result).inc()
      if (!round) return
      deleted().inc(round.deleted)
      cleanupSeconds.set(round.seconds)
      cleanupAt.set(nowSeconds())
    },
    merged: () => mergedAt.set(nowSeconds()),
    lineLogged: (level) => lines(level).inc(),
  }
}

/** Series by their labels. Only labels that are bounded may come here. */
function remembered<Series>(metric: {
  labels(...values: string[]): Series
}): (...values: string[]) => Series {
  const made = new Map<string, Series>()
  return (...values) => {
    const key = values.join('\n')
    let series = made.get(key)
    if (series === undefined) {
      series = metric.labels(...values)
      made.set(key, series)
    }
    return series
  }
}
