import { createContentIds } from '../../connections/content-id.ts'
import type { Item } from '../../connections/ingest.ts'
import { linesOf, withPauses } from '../../connections/lines.ts'
import type { Clock } from '../../kernel/clock.ts'
import { adapt } from './adapt.ts'
import { decoded } from './decode.ts'
import { MAX_DOCUMENT_BYTES, type Piece, createJsonReader } from './json-lines.ts'
import { foreignForm, logsIn } from './recognize.ts'
import { type Source, SourceError } from './source.ts'
import { unpacked } from './unpack.ts'

/** A log to be recorded, or what stands in its place. */
export type LogItem = Item & {
  /** As it is called in sentences: `line 3`, `log "675f1c0a9e2b5af0012ab34cd"`. */
  readonly name: string
  /** Whether another server wrote it. */
  readonly isForeign: boolean
  /** Its fields that are not recorded. */
  readonly skipped?: readonly string[]
  /** The platform that it names, where that is why it cannot be recorded. */
  readonly unknownPlatform?: string
}

export interface ItemOptions {
  /** Platforms that logs may have. */
  readonly platforms: readonly string[]
  readonly clock: Clock
  /** What comes before the name of a line, where there are several sources. */
  readonly prefix: string
}

/**
 * The logs of a source, in order. Its bytes are unpacked, decoded, parted into lines and read as JSON values, and logs are
 * looked for in these. Where the source pauses, so do they.
 * @throws {SourceError} for a source that cannot be read on, holds something else, or has nothing in it
 */
export async function* itemsOf(
  { chunks, name }: Source,
  { platforms, clock, prefix }: ItemOptions,
): AsyncGenerator<LogItem | 'pause'> {
  const reader = createJsonReader()
  const withContentId = createContentIds()
  let firstLine: number | undefined

  function* logsOf(pieces: readonly Piece[]): Generator<LogItem> {
    for (const piece of pieces) {
      const lines = prefix + nameOfLines(piece)
      if (piece.is === 'fault') {
        yield { name: lines, bytes: 0, error: piece.error, isForeign: false }
        continue
      }
      const found = logsIn(piece.value)
      const bytes = piece.bytes / found.length
      for (const { place, ...one } of found) {
        const inPage = piece.line === firstLine ? `${prefix}log ${place}` : `${lines}, log ${place}`
        const at = { name: place === undefined ? lines : inPage, bytes }
        if ('error' in one) yield { ...at, error: one.error, isForeign: false }
        else if (one.isForeign) yield withId(foreignItem(one.log, at, platforms), one.log, withContentId)
        else yield { ...at, sent: { value: withContentId(one.log), at: '' }, isForeign: false }
      }
    }
  }

  const bytes = withPauses(decoded(unpacked(chunks, name), name), clock)
  for await (const line of linesOf(bytes, MAX_DOCUMENT_BYTES)) {
    if (line === 'pause') {
      yield line
      continue
    }
    if (firstLine === undefined && line.content.is === 'text') {
      if (line.content.text.trim() === '') continue
      const form = foreignForm(line.content.text)
      if (form !== undefined) throw new SourceError(`${name} ${form}`)
    }
    firstLine ??= line.line
    yield* logsOf(reader.read(line))
  }
  yield* logsOf(reader.end())
  if (firstLine === undefined)
    throw new SourceError(`${name} is empty: nothing was imported. Did the command before it fail?`)
}

const nameOfLines = (piece: Piece): string =>
  piece.is === 'fault' && piece.lastLine > piece.line
    ? `lines ${piece.line} to ${piece.lastLine}`
    : `line ${piece.line}`

/** A log of another server as it is recorded, or why it cannot be. */
export function foreignItem(
  log: object,
  at: { readonly name: string; readonly bytes: number },
  platforms: readonly string[],
): LogItem {
  const adapted = adapt(log, platforms)
  const item = {
    ...at,
    name: adapted.id === undefined ? at.name : `log ${JSON.stringify(adapted.id)}`,
    isForeign: true,
  }
  if (adapted.is === 'unusable') return { ...item, error: adapted.error }
  if (adapted.is === 'unknown platform')
    return { ...item, error: 'The platform is not known.', unknownPlatform: adapted.platform }
  return { ...item, sent: { value: adapted.value, at: '' }, skipped: adapted.skipped }
}

/** Without an id of its own, a log is known by its content, as a line is. */
function withId(item: LogItem, log: object, withContentId: (value: unknown) => unknown): LogItem {
  if (!('sent' in item)) return item
  const value = item.sent.value as { readonly _id?: string; readonly eventId?: string }
  if (value._id !== undefined || value.eventId !== undefined) return item
  const content = Object.fromEntries(
    Object.entries(log).filter(([name]) => !['_id', 'id', 'eventId'].includes(name)),
  )
  const named = withContentId(content) as { readonly eventId: string }
  return { ...item, sent: { value: { ...value, eventId: named.eventId }, at: '' } }
}
