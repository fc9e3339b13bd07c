import { CommandError } from './terminal.ts'
import { MAX_LINE_BYTES } from '../connections/lines.ts'
import { parseJson } from '../kernel/parse-json.ts'

/** A source that turned out to be one JSON document with logs in it, or one to be read line by line. */
export type LateDocument =
  | { readonly isWhole: true; readonly logs: readonly unknown[] }
  | { readonly isWhole: false; readonly rest: AsyncIterable<Uint8Array> }

/** A page of Late holds at most 100 logs; a document much larger than that is not tried as a whole. */
const MAX_DOCUMENT_BYTES = 64 * MAX_LINE_BYTES

/**
 * Tells a JSON document (`{"logs": […]}` as Late's API answers, or a list of logs) from newline-delimited JSON by its
 * first line: where that is a complete log, the rest is read as lines.
 */
export async function readLateDocument(source: AsyncIterable<Uint8Array>): Promise<LateDocument> {
  const chunks: Uint8Array[] = []
  const iterator = source[Symbol.asyncIterator]()
  let length = 0
  let isLines: boolean | undefined
  while (isLines !== true && length <= MAX_DOCUMENT_BYTES) {
    const next = await iterator.next()
    if (next.done) {
      const logs = logsOf(parse(chunks))
      return logs ? { isWhole: true, logs } : { isWhole: false, rest: continued(chunks, iterator) }
    }
    chunks.push(next.value)
    length += next.value.length
    isLines ??= beginsWithLine(chunks)
  }
  if (isLines !== true) {
    throw new CommandError(
      'Expected lines, or one JSON document of at most 64 MiB, got a larger document. Send it as lines.',
    )
  }
  return { isWhole: false, rest: continued(chunks, iterator) }
}

/** Whether the first line is an object in itself and more follows; undefined while that cannot be told. */
function beginsWithLine(chunks: readonly Uint8Array[]): boolean | undefined {
  const text = Buffer.concat(chunks).toString('utf8').trimStart()
  const end = text.indexOf('\n')
  if (end === -1 || text.slice(end).trim() === '') return text.length > MAX_LINE_BYTES ? false : undefined
  const first = parseText(text.slice(0, end))
  return typeof first === 'object' && first !== null && !Array.isArray(first)
}

function logsOf(document: unknown): readonly unknown[] | undefined {
  if (Array.isArray(document)) return document as unknown[]
  if (typeof document !== 'object' || document === null || !('logs' in document)) return undefined
  return Array.isArray(document.logs) ? document.logs : undefined
}

const parse = (chunks: readonly Uint8Array[]) => parseText(new TextDecoder().decode(Buffer.concat(chunks)))

function parseText(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

async function* continued(
  chunks: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* chunks
  yield* { [Symbol.asyncIterator]: () => iterator }
}
