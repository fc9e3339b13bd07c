import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { parseJson } from '../kernel/parse-json.ts'
import type { ConnectionLogs } from './connection-logs.ts'
import { type Line, linesOf, withPauses } from './lines.ts'
import type { Sent } from './record.ts'

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

export interface IngestOptions {
  /** Changes each value that is JSON before it is recorded, in the order in which they came. What it throws ends all. */
  readonly prepare?: (value: unknown) => unknown
  /** Called after each batch is committed. */
  readonly onProgress?: (soFar: IngestSummary) => void
}

export const MAX_REPORTED = 1_000

/** Lines that are stored together. The more there are, the fewer pages are written twice; the longer others wait. */
const MAX_BATCH_LINES = 5_000

/** Bytes of lines that are stored together: what a batch takes of memory, be the lines as long as they may. */
const MAX_BATCH_BYTES = 8_388_608

/** How long lines that come slowly, and without a pause, are collected, in milliseconds. */
const MAX_COLLECTING_MS = 250

/** While the database stores one batch, the next is read and checked. */
const MAX_BATCHES_UNDER_WAY = 2

type Source = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** A value to be stored, or why a line holds none; and what it takes of memory. */
type Item = { readonly line: number; readonly bytes: number } & (
  | { readonly sent: Sent }
  | { readonly error: string }
)

/**
 * Stores newline-delimited JSON line by line; blank lines are passed over. Some batches are held in memory, however
 * long the stream; where it pauses, what has come so far is stored. Lines that were counted as accepted are committed, whatever happens to the rest of the stream.
 * @throws whatever the source throws; {@link AppError} SERVICE_UNAVAILABLE if the database cannot go on. What had been
 *   committed before, `onProgress` was told of.
 */
export async function ingestLines(
  source: Source,
  logs: ConnectionLogs,
  clock: Clock,
  options: IngestOptions = {},
): Promise<IngestSummary> {
  return summarized(
    ingested(prepared(itemsOf(withPauses(source, clock)), options), logs, clock.steadyMs),
    options,
  )
}

/** The same for values that are parsed already, such as the logs of one of Late's pages, counted as lines from 1. */
export async function ingestValues(
  values: readonly unknown[],
  logs: ConnectionLogs,
  options: IngestOptions = {},
): Promise<IngestSummary> {
  const items = values.map((value, index) => ({ line: index + 1, bytes: 0, sent: { value, at: '' } }))
  return summarized(
    ingested(prepared(items, options), logs, () => 0),
    options,
  )
}

/** As {@link ingestLines}, telling what became of each line as soon as that is committed, in order. */
export function ingestEachLine(
  source: Source,
  logs: ConnectionLogs,
  clock: Clock,
): AsyncGenerator<LineResult[], void> {
  return ingested(itemsOf(withPauses(source, clock)), logs, clock.steadyMs)
}

async function summarized(
  results: AsyncIterable<LineResult[]>,
  { onProgress }: IngestOptions,
): Promise<IngestSummary> {
  const summary = { accepted: 0, duplicates: 0, rejected: 0, errors: [] as { line: number; error: string }[] }
  for await (const batch of results) {
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

async function* prepared(
  items: AsyncIterable<Item | 'pause'> | Iterable<Item>,
  { prepare = (value) => value }: IngestOptions,
): AsyncGenerator<Item | 'pause'> {
  for await (const item of items)
    yield item !== 'pause' && 'sent' in item
      ? { ...item, sent: { ...item.sent, value: prepare(item.sent.value) } }
      : item
}

async function* ingested(
  items: AsyncIterable<Item | 'pause'> | Iterable<Item>,
  logs: ConnectionLogs,
  steadyMs: () => number,
): AsyncGenerator<LineResult[], void> {
  const underWay: Promise<LineResult[]>[] = []
  try {
    for await (const batch of batchesOf(items, steadyMs)) {
      if (batch === 'pause') {
        while (underWay.length > 0) yield await nextOf(underWay)
        continue
      }
      const stored = store(batch, logs)
      // Whoever waits for it hears of its failure; nobody may be waiting yet.
      stored.catch(() => undefined)
      underWay.push(stored)
      if (underWay.length === MAX_BATCHES_UNDER_WAY) yield await nextOf(underWay)
    }
    while (underWay.length > 0) yield await nextOf(underWay)
  } catch (error) {
    // The source has failed: what was under way is told of all the same, unless that has failed before.
    for (const settled of await Promise.allSettled(underWay)) {
      if (settled.status === 'rejected') break
      yield settled.value
    }
    throw error
  } finally {
    await Promise.allSettled(underWay)
  }
}

async function nextOf(underWay: Promise<LineResult[]>[]): Promise<LineResult[]> {
  const results = (await underWay[0]) ?? []
  void underWay.shift()
  return results
}

async function store(batch: readonly Item[], logs: ConnectionLogs): Promise<LineResult[]> {
  const outcomes = await logs.recordEach(batch.flatMap((item) => ('sent' in item ? [item.sent] : [])))
  const next = outcomes.values()
  return batch.map((item): LineResult => {
    const { line } = item
    if ('error' in item) return { line, result: 'rejected', error: item.error }
    const outcome = next.next().value
    if (!outcome) throw new TypeError('a line has no outcome')
    if (outcome instanceof AppError) return { line, result: 'rejected', error: outcome.message }
    return { line, result: outcome.created ? 'accepted' : 'duplicate', id: outcome.log.id }
  })
}

async function* batchesOf(
  items: AsyncIterable<Item | 'pause'> | Iterable<Item>,
  steadyMs: () => number,
): AsyncGenerator<Item[] | 'pause'> {
  let batch: Item[] = []
  let bytes = 0
  let beganMs = 0
  for await (const item of items) {
    if (item !== 'pause') {
      if (batch.length === 0) beganMs = steadyMs()
      batch.push(item)
      bytes += item.bytes
      const isFull = batch.length >= MAX_BATCH_LINES || bytes >= MAX_BATCH_BYTES
      if (!isFull && steadyMs() - beganMs < MAX_COLLECTING_MS) continue
    }
    if (batch.length > 0) yield batch
    batch = []
    bytes = 0
    if (item === 'pause') yield item
  }
  if (batch.length > 0) yield batch
}

async function* itemsOf(
  source: AsyncIterable<Uint8Array | 'pause'> | Iterable<Uint8Array>,
): AsyncGenerator<Item | 'pause'> {
  for await (const line of linesOf(source)) {
    const item = line === 'pause' ? line : itemOf(line)
    if (item) yield item
  }
}

function itemOf({ line, bytes, content }: Line): Item | undefined {
  if (content.is === 'too long')
    return {
      line,
      bytes: 0,
      error: `Expected a line of at most ${content.maxBytes} bytes, got a longer one.`,
    }
  if (content.is === 'not UTF-8')
    return { line, bytes: 0, error: 'Expected the line to be UTF-8, got something else.' }
  if (content.text.trim() === '') return undefined
  try {
    return { line, bytes, sent: { value: parseJson(content.text), at: '' } }
  } catch {
    return { line, bytes: 0, error: 'Expected the line to be JSON, got something else.' }
  }
}
