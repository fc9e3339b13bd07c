import type { YieldIfLong } from './yield-if-long.ts'

/** Characters that are written or sent before others have their turn: some milliseconds. */
export const PIECE_LENGTH = 262_144

/** A text in pieces, and the length of all of it in UTF-8. */
export interface SizedText {
  readonly pieces: readonly string[]
  readonly bytes: number
}

/** An object or a list that is being written. */
interface Frame {
  readonly source: Readonly<Record<string | number, unknown>>
  /** Absent for a list. */
  readonly keys: readonly string[] | undefined
  readonly length: number
  next: number
  isEmpty: boolean
}

/** Most bytes of a character, escaped, and of a number. */
const CHARACTER_BYTES = 6
const NUMBER_BYTES = 25

/**
 * The text of `JSON.stringify`, if it has at most `maxBytes`. It stops at the first piece beyond that, and lets
 * the event loop go on between pieces. The pieces stay apart: joining 15 MB takes tens of milliseconds. A value that is
 * used in many places is small in memory and may be huge as text: `JSON.stringify` would take as long as that takes, and
 * fail with a RangeError in the end.
 * @returns undefined if the text would be longer
 */
export async function boundedJson(
  value: unknown,
  maxBytes: number,
  yieldIfLong: YieldIfLong,
): Promise<SizedText | undefined> {
  const stack: Frame[] = []
  const pieces: string[] = []
  let [piece, bytes] = ['', 0]

  /** Writes a value that is small or has no members, or what a larger one begins with. */
  function begin(inner: unknown): void {
    if (typeof inner !== 'object' || inner === null || bytesLeft(inner, PIECE_LENGTH) >= 0) {
      piece += JSON.stringify(inner) ?? 'null'
      return
    }
    const isList = Array.isArray(inner)
    const keys = isList ? undefined : Object.keys(inner)
    const length = isList ? inner.length : (keys ?? []).length
    piece += isList ? '[' : '{'
    stack.push({ source: inner as Frame['source'], keys, length, next: 0, isEmpty: true })
  }

  begin(plain(value, ''))
  if (stack.length > 0) await yieldIfLong()
  for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
    if (frame.next === frame.length) {
      piece += frame.keys ? '}' : ']'
      stack.pop()
      continue
    }
    const key = frame.keys ? (frame.keys[frame.next] ?? '') : frame.next
    frame.next += 1
    const inner = plain(frame.source[key], String(key))
    if (frame.keys && !isWritten(inner)) continue
    if (!frame.isEmpty) piece += ','
    frame.isEmpty = false
    if (frame.keys) piece += `${JSON.stringify(key)}:`
    begin(inner)
    if (piece.length < PIECE_LENGTH) continue
    bytes += Buffer.byteLength(piece)
    if (bytes > maxBytes) return undefined
    pieces.push(piece)
    piece = ''
    await yieldIfLong()
  }
  bytes += Buffer.byteLength(piece)
  if (bytes > maxBytes) return undefined
  pieces.push(piece)
  return { pieces, bytes }
}

/** The value that is written in place of another one: errors and instants have a `toJSON`. */
function plain(value: unknown, key: string): unknown {
  const own = value as { toJSON?: (key: string) => unknown } | null
  return typeof own === 'object' && typeof own?.toJSON === 'function' ? own.toJSON(key) : value
}

const isWritten = (value: unknown): boolean =>
  value !== undefined && typeof value !== 'function' && typeof value !== 'symbol'

/** The bytes that are at least left after a value is written; below 0 if there may be too few. */
function bytesLeft(value: unknown, bytes: number): number {
  if (typeof value === 'string') return bytes - CHARACTER_BYTES * value.length - 2
  if (typeof value !== 'object' || value === null) return bytes - NUMBER_BYTES
  if ('toJSON' in value) return -1
  let left = bytes - 2
  if (Array.isArray(value))
    for (let index = 0; index < value.length && left >= 0; index += 1)
      left = bytesLeft(value[index], left - 1)
  else
    for (const key in value) {
      if (left < 0) return left
      left = bytesLeft(
        (value as Readonly<Record<string, unknown>>)[key],
        left - CHARACTER_BYTES * key.length - 4,
      )
    }
  return left
}
