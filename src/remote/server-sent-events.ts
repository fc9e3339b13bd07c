import { notOurs } from './answer.ts'

/** What one block of a stream of events says; all parts are undefined for a comment alone. */
export interface Block {
  readonly id: string | undefined
  readonly event: string | undefined
  /** Undefined where there is none: such a block is no event to an EventSource, and its id counts all the same. */
  readonly data: string | undefined
}

/** The longest that a block may be, in characters: some times the longest log, if all of it is written as escapes. */
const MAX_BLOCK_LENGTH = 4 * 1_048_576

/**
 * Reads server-sent events, each as soon as it is whole; what is cut off amid one is dropped.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 * @throws {AppError} for a block longer than any of ours
 */
export async function* readBlocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Block, void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  let lines: string[] = []
  let length = 0
  for await (const chunk of chunks) {
    const text = rest + decoder.decode(chunk, { stream: true })
    // A CR at the end may be the half of a line break.
    const ended = text.split(/\r\n|\n|\r(?!$)/)
    rest = ended.pop() ?? ''
    for (const line of ended) {
      if (line !== '') {
        length += line.length
        lines.push(line)
      } else if (lines.length > 0) {
        yield blockOf(lines)
        lines = []
        length = 0
      }
    }
    if (length + rest.length > MAX_BLOCK_LENGTH) throw notOurs('an event longer than any log')
  }
}

function blockOf(lines: readonly string[]): Block {
  let id: string | undefined
  let event: string | undefined
  let data: string | undefined
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'id') id = value
    else if (name === 'event') event = value
    else if (name === 'data') data = data === undefined ? value : `${data}\n${value}`
  }
  return { id, event, data }
}
