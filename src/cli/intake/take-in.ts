import type { ConnectionLogs } from '../../connections/connection-logs.ts'
import { type Ingested, type Items, ingest } from '../../connections/ingest.ts'
import { parseInstant } from '../../kernel/instant.ts'
import type { LogItem } from './items.ts'
import type { Report } from './report.ts'

export interface TakeInOptions {
  readonly logs: ConnectionLogs
  readonly report: Report
  readonly steadyMs: () => number
  /** The instant up to which logs have expired, where these are counted apart from those that are rejected. */
  readonly cutoffMs?: () => number
  /** Called after each batch is committed. */
  readonly onProgress: () => void
}

/** Records items and reports what became of them. */
export async function takeIn(
  items: Items<LogItem>,
  { logs, report, steadyMs, cutoffMs, onProgress }: TakeInOptions,
): Promise<void> {
  function note(ingested: Ingested<LogItem>): void {
    const { name, isForeign, skipped, unknownPlatform } = ingested.item
    if (skipped) report.countSkipped(skipped)
    if (ingested.result !== 'rejected') report.add(ingested.result)
    else if (unknownPlatform !== undefined) report.rejectPlatform(unknownPlatform)
    else if (cutoffMs && hasExpired(ingested.item, cutoffMs())) report.expire()
    else report.reject(name, ingested.error, isForeign ? reasonOf(ingested.error) : ingested.error)
  }

  for await (const batch of ingest(items, logs, steadyMs)) {
    for (const ingested of batch) note(ingested)
    onProgress()
  }
}

/** What is wrong, without what was found and without instants: the same for each log that it is wrong with. */
const reasonOf = (sentence: string): string =>
  sentence.replace(/, got .*$/s, '').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '')

function hasExpired(item: LogItem, cutoffMs: number): boolean {
  if (!('sent' in item)) return false
  const { createdAt } = item.sent.value as { readonly createdAt?: unknown }
  const ms = typeof createdAt === 'string' ? parseInstant(createdAt) : undefined
  return ms !== undefined && ms <= cutoffMs
}
