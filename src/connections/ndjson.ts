import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { type JsonLimits, readJsonText } from '../kernel/json-text.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'
import type { ConnectionLogs } from './connection-logs.ts'
import { type Ingested, type Item, ingest } from './ingest.ts'
import { type Line, lineFault, linesOf, withPauses } from './lines.ts'

/** What became of a line. Lines count from 1. */
export type LineResult =
  | { readonly line: number; readonly result: 'accepted' | 'duplicate'; readonly id: string }
  | { readonly line: number; readonly result: 'rejected'; readonly error: string }

/** What became of the lines of a stream. */
export interface IngestSummary {
  /** Stored now. */
  readonly accepted: number
  /** Stored before. */
  readonly duplicates: number
  readonly rejected: number
  /** Why lines were rejected, the first {@link MAX_REPORTED} of them. Lines count from 1. */
  readonly errors: readonly { readonly line: number; readonly error: string }[]
}

export const MAX_REPORTED = 1_000

/** More than a log that is accepted can have: most are in `metadata`, whose bytes are limited. */
const LINE_LIMITS: JsonLimits = { maxDepth: 64, maxValues: 10_000 }

export interface IngestParts {
  readonly clock: Clock
  readonly yieldIfLong: YieldIfLong
}

type Source = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/**
 * Stores newline-delimited JSON line by line; blank lines are passed over. Some batches are held in memory, however
 * long the stream; where it pauses, what has come so far is stored. Lines that were counted as accepted are committed, whatever happens to the rest of the stream.
 * @param onProgress is called after each batch is committed
 * @throws whatever the source throws; {@link AppError} SERVICE_UNAVAILABLE if the database cannot go on. What had been
 *   committed before, `onProgress` was told of.
 */
export async function ingestLines(
  source: Source,
  logs: ConnectionLogs,
  parts: IngestParts,
  onProgress?: (soFar: IngestSummary) => void,
): Promise<IngestSummary> {
  const summary = { accepted: 0, duplicates: 0, rejected: 0, errors: [] as { line: number; error: string }[] }
  for await (const batch of ingestEachLine(source, logs, parts)) {
    for (const result of batch) {
      if (result.result === 'rejected') {
        summary.rejected += 1
        if (summary.errors.length < MAX_REPORTED)
          summary.errors.push({ line: result.line, error: result.error })
      } else if (result.result === 'duplicate') summary.duplicates += 1
      else summary.accepted += 1
    }
    onProgress?.(summary)
  }
  return summary
}

/** As {@link ingestLines}, telling what became of each line as soon as that is committed, in order. */
export async function* ingestEachLine(
  source: Source,
  logs: ConnectionLogs,
  { clock, yieldIfLong }: IngestParts,
): AsyncGenerator<LineResult[], void> {
  for await (const batch of ingest(itemsOf(withPauses(source, clock), yieldIfLong), logs, clock.steadyMs))
    yield batch.map(lineResult)
}

type LineItem = Item & { readonly line: number }

function lineResult(ingested: Ingested<LineItem>): LineResult {
  const { line } = ingested.item
  return ingested.result === 'rejected'
    ? { line, result: ingested.result, error: ingested.error }
    : { line, result: ingested.result, id: ingested.id }
}

async function* itemsOf(
  source: AsyncIterable<Uint8Array | 'pause'> | Iterable<Uint8Array>,
  yieldIfLong: YieldIfLong,
): AsyncGenerator<LineItem | 'pause'> {
  for await (const line of linesOf(source)) {
    if (line !== 'pause') await yieldIfLong()
    const item = line === 'pause' ? line : await itemOf(line, yieldIfLong)
    if (item) yield item
  }
}

async function itemOf(
  { line, bytes, content }: Line,
  yieldIfLong: YieldIfLong,
): Promise<LineItem | undefined> {
  if (content.is !== 'text') return { line, bytes: 0, error: lineFault(content) }
  if (content.text.trim() === '') return undefined
  try {
    const value = await readJsonText(content.text, { ...LINE_LIMITS, what: 'the line', yieldIfLong })
    return { line, bytes, sent: { value, at: '' } }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { line, bytes: 0, error: error.message }
  }
}
