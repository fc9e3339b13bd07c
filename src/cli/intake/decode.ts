import { SourceError, peek } from './source.ts'

/** A byte that UTF-8 never holds: the line in which it stands is rejected as no text. */
const NO_TEXT = Uint8Array.of(0xff)

/** How a stream of text is encoded. Latin-1 and the like cannot be told apart; their lines are no UTF-8. */
export type Encoding = 'UTF-8' | 'UTF-16LE' | 'UTF-16BE' | 'UTF-32'

/** By the byte order mark, or by where the zero bytes of the first character stand: logs begin with ASCII. */
export function encodingOf([a, b, c, d]: Uint8Array): Encoding {
  const zeros = [a, b, c, d].map((byte) => (byte === 0 ? '0' : byte === undefined ? '' : 'x')).join('')
  if (
    zeros === '000x' ||
    zeros === 'x000' ||
    (a === 0 && b === 0 && c === 0xfe) ||
    (a === 0xff && zeros === 'xx00')
  )
    return 'UTF-32'
  if ((a === 0xff && b === 0xfe) || zeros.startsWith('x0')) return 'UTF-16LE'
  return (a === 0xfe && b === 0xff) || zeros.startsWith('0x') ? 'UTF-16BE' : 'UTF-8'
}

/**
 * The stream as UTF-8. What is no text in it is left no text, so that whoever reads its lines rejects them: nothing is
 * replaced in silence.
 * @throws {SourceError} for UTF-32
 */
export async function* decoded(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const { head, all } = await peek(chunks, 4)
  const encoding = encodingOf(head)
  if (encoding === 'UTF-8') yield* all
  else if (encoding === 'UTF-32')
    throw new SourceError(
      `${name} is not text that import reads; perhaps it is UTF-32. Convert it to UTF-8 with iconv.`,
    )
  else yield* fromUtf16(all, encoding)
}

async function* fromUtf16(
  chunks: AsyncIterable<Uint8Array>,
  encoding: 'UTF-16LE' | 'UTF-16BE',
): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk])
    let end = bytes.length - (bytes.length % 2)
    if (encoding === 'UTF-16BE') bytes.subarray(0, end).swap16()
    // The other half of a character may come with the next chunk.
    if (end > 0 && (bytes.readUInt16LE(end - 2) & 0xfc00) === 0xd800) end -= 2
    yield asUtf8(bytes.toString('utf16le', 0, end))
    rest = bytes.subarray(end)
    if (encoding === 'UTF-16BE' && rest.length >= 2) rest.subarray(0, 2).swap16()
  }
  if (rest.length > 0) yield NO_TEXT
}

function asUtf8(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text)
  const parts = text.split(/[\ud800-\udfff]/u).map((part) => Buffer.from(part))
  return Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [NO_TEXT, part])))
}
