import type { Clock } from '../kernel/clock.ts'

/** Longest line that is read, in bytes. */
export const MAX_LINE_BYTES = 1_048_576

const NEWLINE = 0x0a

/** A line of a stream. Lines count from 1. */
export interface Line {
  readonly line: number
  /** How long it is, without its end. */
  readonly bytes: number
  readonly content:
    | { readonly is: 'text'; readonly text: string }
    | { readonly is: 'not UTF-8' }
    | { readonly is: 'too long'; readonly maxBytes: number }
}

/** How long a source may be silent before it is said to pause, in milliseconds. */
const PAUSE_MS = 20

/** A stream of bytes, in which `pause` stands where it went silent. */
export async function* withPauses(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  clock: Clock,
): AsyncGenerator<Uint8Array | 'pause'> {
  const iterator = (async function* () {
    yield* source
  })()
  try {
    for (;;) {
      const next = iterator.next()
      const waited = new AbortController()
      const isSilent = await Promise.race([
        next.then(() => false),
        clock.sleep(PAUSE_MS, waited.signal).then(() => true),
      ])
      waited.abort()
      if (isSilent) yield 'pause'
      const { done, value } = await next
      if (done) return
      yield value
    }
  } finally {
    // Not waited for: it may be reading from somebody who has gone silent.
    void iterator.return(undefined)
  }
}

/** What is wrong with a line that is no text, in a sentence. */
export function lineFault(content: Exclude<Line['content'], { is: 'text' }>): string {
  return content.is === 'too long'
    ? `Expected a line of at most ${content.maxBytes} bytes, got a longer one.`
    : 'Expected the line to be UTF-8, got something else.'
}

/**
 * Parts a stream of bytes at each newline, and lets its pauses through. A line that is too long is not held in memory. A
 * byte order mark at the beginning of a line is left out.
 */
export async function* linesOf(
  source: AsyncIterable<Uint8Array | 'pause'> | Iterable<Uint8Array>,
  maxBytes = MAX_LINE_BYTES,
): AsyncGenerator<Line | 'pause'> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 0
  let parts: Uint8Array[] = []
  let bytes = 0
  const add = (part: Uint8Array) => {
    bytes += part.length
    if (bytes <= maxBytes) parts.push(part)
    else parts = []
  }
  const take = (): Line => {
    line += 1
    const taken = { line, bytes, content: contentOf(bytes, maxBytes, parts, decoder) }
    parts = []
    bytes = 0
    return taken
  }
  for await (const chunk of source) {
    if (chunk === 'pause') {
      yield chunk
      continue
    }
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end))
      yield take()
      start = end + 1
    }
    add(chunk.subarray(start))
  }
  if (bytes > 0) yield take()
}

function contentOf(
  bytes: number,
  maxBytes: number,
  parts: readonly Uint8Array[],
  decoder: TextDecoder,
): Line['content'] {
  if (bytes > maxBytes) return { is: 'too long', maxBytes }
  const [only = new Uint8Array(), ...more] = parts
  try {
    return { is: 'text', text: decoder.decode(more.length === 0 ? only : Buffer.concat(parts)) }
  } catch {
    return { is: 'not UTF-8' }
  }
}
