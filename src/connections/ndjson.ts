import { AppError } from '../kernel/errors.ts'
import type { ConnectionLogs, Recorded } from './connection-logs.ts'
import type { Sent } from './record.ts'

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

/** Lines that are stored together; a compromise between the cost of a commit and the time one takes. */
const BATCH_SIZE = 500

/** Longest line that is read, in bytes. */
export const MAX_LINE_BYTES = 1_048_576

const NEWLINE = 0x0a

type Item = { readonly line: number; readonly sent: Sent } | { readonly line: number; readonly error: string }

/**
 * Stores newline-delimited JSON line by line; blank lines are passed over. At most one batch is held in memory. Lines
 * that were counted as accepted are committed, whatever happens to the rest of the stream.
 * @throws whatever the source throws; {@link AppError} SERVICE_UNAVAILABLE if the database cannot go on
 */
export async function ingestLines(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  logs: ConnectionLogs,
  options: IngestOptions = {},
): Promise<IngestSummary> {
  return ingest(parsedLines(source), logs, options)
}

/** The same for values that are parsed already, such as the logs of one of Late's pages, counted as lines from 1. */
export async function ingestValues(
  values: readonly unknown[],
  logs: ConnectionLogs,
  options: IngestOptions = {},
): Promise<IngestSummary> {
  return ingest(
    values.map((value, index) => ({ line: index + 1, sent: { value, at: '' } })),
    logs,
    options,
  )
}

async function ingest(
  items: AsyncIterable<Item> | Iterable<Item>,
  logs: ConnectionLogs,
  { prepare = (value) => value, onProgress }: IngestOptions,
): Promise<IngestSummary> {
  const summary = { accepted: 0, duplicates: 0, rejected: 0, errors: [] as { line: number; error: string }[] }
  let batch: Item[] = []
  const reject = (line: number, error: string) => {
    summary.rejected += 1
    if (summary.errors.length < MAX_REPORTED) summary.errors.push({ line, error })
  }
  const flush = async () => {
    const outcomes = await logs.recordEach(batch.flatMap((item) => ('sent' in item ? [item.sent] : [])))
    const results: Iterator<Recorded | AppError> = outcomes.values()
    for (const item of batch) {
      if ('error' in item) {
        reject(item.line, item.error)
        continue
      }
      const outcome: unknown = results.next().value
      if (outcome instanceof AppError) reject(item.line, outcome.message)
      else if ((outcome as Recorded).created) summary.accepted += 1
      else summary.duplicates += 1
    }
    batch = []
    onProgress?.(summary)
  }
  // Asked once with nothing, so that a key without the scope is refused even where there is nothing to store.
  await logs.recordEach([])
  for await (const item of items) {
    batch.push('sent' in item ? { ...item, sent: { ...item.sent, value: prepare(item.sent.value) } } : item)
    if (batch.length === BATCH_SIZE) await flush()
  }
  if (batch.length > 0) await flush()
  return summary
}

async function* parsedLines(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Item> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const { line, bytes } of splitLines(source)) {
    if (bytes === 'too long') {
      yield { line, error: `Expected a line of at most ${MAX_LINE_BYTES} bytes, got a longer one.` }
      continue
    }
    try {
      const text = decoder.decode(bytes)
      if (text.trim() !== '') yield { line, sent: { value: JSON.parse(text), at: '' } }
    } catch (error) {
      const expected = error instanceof SyntaxError ? 'JSON' : 'UTF-8'
      yield { line, error: `Expected the line to be ${expected}, got something else.` }
    }
  }
}

async function* splitLines(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<{ line: number; bytes: Uint8Array | 'too long' }> {
  let line = 1
  let parts: Uint8Array[] = []
  let length = 0
  const add = (bytes: Uint8Array) => {
    length += bytes.length
    if (length <= MAX_LINE_BYTES) parts.push(bytes)
  }
  const take = () => {
    const bytes = length > MAX_LINE_BYTES ? ('too long' as const) : Buffer.concat(parts)
    parts = []
    length = 0
    return { line: line++, bytes }
  }
  for await (const chunk of source) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end))
      yield take()
      start = end + 1
    }
    add(chunk.subarray(start))
  }
  if (length > 0) yield take()
}
