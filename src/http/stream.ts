import type { ExecutionResult } from 'graphql'
import type { SizedText } from '../kernel/bounded-json.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { ENDED } from '../kernel/ended.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'
import type { StreamFormat } from './stream-format.ts'
import { lengthOf, noteUnsent, streamOfPieces } from './text-body.ts'

/** A result, and its JSON. */
export interface WrittenResult {
  readonly result: ExecutionResult
  readonly text: SizedText
}

/** What tells how far a subscription has come. */
export interface Progress {
  /** The cursor of who has been given all results so far. */
  cursor(): string
  /** Whether all results that there are have been given and taken. */
  isWaiting(): boolean
  /** Whether the next result is here already. */
  isAtHand(): boolean
}

export interface StreamOptions {
  readonly format: StreamFormat
  /** Undefined for a subscription without cursors. */
  readonly progress: Progress | undefined
  readonly heartbeatMs: number
  readonly yieldIfLong: YieldIfLong
  readonly clock: Clock
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal
}

/** Results that are here together go in one piece, up to about so many characters. */
const PIECE_LENGTH = 16_384

/** A client that takes nothing for so many heartbeats has gone away without a word, or might as well have. */
const MISSED_HEARTBEATS = 4

/**
 * An answer that goes on for as long as there are results. Each is asked for when the one before it has been taken, so
 * that a client who is slow costs one result and what fits into its socket.
 */
export function streamResponse(
  results: AsyncIterator<WrittenResult, undefined>,
  { format, progress, heartbeatMs, yieldIfLong, clock, signal }: StreamOptions,
): Response {
  const encoder = new TextEncoder()
  const over = new AbortController()
  let told = progress?.cursor()
  /** Heartbeats since something was taken for which there was no room. */
  let missed = 0
  /** The pieces of a long result that come next. */
  let rest: string[] = []

  /** The cursor, if it has moved on since it was told. */
  function newCursor(): string | undefined {
    const cursor = progress?.cursor()
    if (cursor === told) return undefined
    told = cursor
    return cursor
  }

  function piecesOf({ result, text }: WrittenResult): string[] {
    const retryMs = retryOf(result)
    const [before, after] = format.frame(newCursor())
    const start = (retryMs === undefined ? '' : format.retry(retryMs)) + before
    return framed(start, text, after)
  }

  const end = async () => {
    if (over.signal.aborted) return
    over.abort(ENDED)
    await results.return?.().catch(() => undefined)
  }

  /** Ends the body where it is. Never with an error, of which the stream beneath it would tell nobody but the process. */
  function finish(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (over.signal.aborted) return
    void end()
    controller.close()
  }

  async function beat(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (;;) {
      await clock.sleep(heartbeatMs, over.signal)
      if (over.signal.aborted) return
      if ((controller.desiredSize ?? 0) > 0) {
        // Nothing else may come between two pieces of a result.
        if (rest.length > 0) continue
        // While a result is on its way its cursor must not go before it.
        const cursor = progress?.isWaiting() ? newCursor() : undefined
        controller.enqueue(encoder.encode(format.heartbeat(cursor)))
      } else if ((missed += 1) >= MISSED_HEARTBEATS) finish(controller)
    }
  }

  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(encoder.encode(format.open(told)))
      const gone = () => finish(controller)
      signal.addEventListener('abort', gone, { once: true })
      over.signal.addEventListener('abort', () => signal.removeEventListener('abort', gone), { once: true })
      if (signal.aborted) gone()
      void beat(controller)
    },
    pull: async (controller) => {
      missed = 0
      if (rest.length > 0) {
        await yieldIfLong()
        if (!over.signal.aborted) controller.enqueue(encoder.encode(rest.shift()))
        return
      }
      try {
        const result: IteratorResult<WrittenResult, undefined> = await results.next()
        if (over.signal.aborted) return
        if (result.done) {
          controller.enqueue(encoder.encode(format.close()))
          finish(controller)
          return
        }
        let [piece = '', ...more] = piecesOf(result.value)
        while (more.length === 0 && piece.length < PIECE_LENGTH && progress?.isAtHand()) {
          const next = await results.next()
          if (next.done) break
          const [first = '', ...others] = piecesOf(next.value)
          piece += first
          more = others
        }
        rest = more
        if (!over.signal.aborted) controller.enqueue(encoder.encode(piece))
      } catch {
        // Failures come as results; this is the end of one who has gone.
        finish(controller)
      }
    },
    cancel: end,
  })
  noteUnsent(body, () => lengthOf(rest))

  return response(body, format)
}

/** A stream with one result, which is all. */
export function streamOfOne(text: SizedText, format: StreamFormat, yieldIfLong: YieldIfLong): Response {
  const [before, after] = format.frame(undefined)
  return response(
    streamOfPieces(framed(format.open(undefined) + before, text, after + format.close()), yieldIfLong),
    format,
  )
}

/** The pieces of a text between two others. There are as many as before. */
function framed(before: string, { pieces }: SizedText, after: string): string[] {
  const last = pieces.length - 1
  return pieces.map((piece, index) => (index === 0 ? before : '') + piece + (index === last ? after : ''))
}

/** By the platform's own Response: whoever cancels one of another kind waits for what it is waiting for. */
const response = (body: ReadableStream<Uint8Array>, { mediaType }: StreamFormat) =>
  new Response(body, {
    status: 200,
    headers: {
      'content-type': mediaType,
      'cache-control': 'no-store, no-transform',
      // Asks nginx not to collect what is meant to arrive now.
      'x-accel-buffering': 'no',
    },
  })

function retryOf({ errors }: ExecutionResult): number | undefined {
  const seconds = errors?.[0]?.extensions['retryAfterSeconds']
  return typeof seconds === 'number' ? seconds * SECOND_MS : undefined
}
