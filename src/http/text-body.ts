import { Response as FastResponse } from '@whatwg-node/fetch'
import { PIECE_LENGTH, type SizedText } from '../kernel/bounded-json.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'

/** A text as pieces of at most {@link PIECE_LENGTH} characters, or one more. */
export function sized(text: string): SizedText {
  const pieces: string[] = []
  for (let from = 0; from < text.length;) {
    let end = from + PIECE_LENGTH
    // Half of a surrogate pair cannot be encoded.
    if (isHighSurrogate(text.charCodeAt(end - 1))) end += 1
    pieces.push(text.slice(from, end))
    from = end
  }
  return { pieces, bytes: Buffer.byteLength(text) }
}

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff

const unsent = new WeakMap<ReadableStream, () => number>()

/**
 * Notes how much text a body holds that is not encoded yet. What has not been read of an answer is counted against its
 * user, wherever it is.
 */
export const noteUnsent = (body: ReadableStream, count: () => number): void => void unsent.set(body, count)

/** The length of the text that a body holds and that is not encoded yet, in characters; 0 for other bodies. */
export const unsentOf = (body: ReadableStream | null): number => (body && unsent.get(body)?.()) ?? 0

export const lengthOf = (pieces: readonly string[]): number =>
  pieces.reduce((length, piece) => length + piece.length, 0)

/** A text as a body. Each piece is encoded when the client takes it, and a client that is fast waits for others. */
export function streamOfPieces(
  pieces: readonly string[],
  yieldIfLong: YieldIfLong,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const rest = [...pieces].reverse()
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        await yieldIfLong()
        const piece = rest.pop()
        if (piece === undefined) controller.close()
        else controller.enqueue(encoder.encode(piece))
      },
      cancel: () => void (rest.length = 0),
    },
    { highWaterMark: 0 },
  )
  noteUnsent(body, () => lengthOf(rest))
  return body
}

interface TextResponseInit {
  readonly yieldIfLong: YieldIfLong
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** A response whose text is known as a whole. Its length says so: a response without one is a stream of events or lines. */
export function textResponse(
  { pieces, bytes }: SizedText,
  { status, headers, yieldIfLong }: TextResponseInit,
  Short: typeof Response = FastResponse,
): Response {
  const [only = '', ...more] = pieces
  // The platform's own Response: to cancel one of another kind does not cancel its stream.
  return more.length > 0
    ? new Response(streamOfPieces(pieces, yieldIfLong), {
        status,
        headers: { ...headers, 'content-length': String(bytes) },
      })
    : new Short(only, { status, headers: { ...headers } })
}
