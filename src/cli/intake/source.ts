import { createReadStream } from 'node:fs'
import { type Readable, addAbortSignal } from 'node:stream'
import type { Terminal } from '../terminal.ts'

/** An input that cannot be read, or only up to a point, in a sentence. What was read before is recorded. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
}

export interface Source {
  /** As it is called in sentences: the path, or standard input. */
  readonly name: string
  readonly chunks: AsyncIterable<Uint8Array>
  bytesRead(): number
  /** Lets go of what has not been read. */
  close(): void
}

/** Opens a file, or standard input for `-`. Once the command is to stop, reading fails. */
export function openSource({ stdin, stop }: Terminal, file: string): Source {
  if (file === '-') {
    const name = 'Standard input'
    const chunks = readable(addAbortSignal(stop, stdin), name)
    return { name, chunks, bytesRead: () => 0, close: () => void stdin.destroy() }
  }
  const stream = createReadStream(file, { signal: stop })
  return {
    name: file,
    chunks: readable(stream, file),
    bytesRead: () => stream.bytesRead,
    close: () => void stream.destroy(),
  }
}

async function* readable(stream: Readable, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream
  } catch (error) {
    throw new SourceError(`Could not read ${name}: ${readReason(error)}.`)
  }
}

function readReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a directory'
  if (code === 'EACCES') return 'this user may not read it'
  return code || 'the system refused'
}

/** A stream and its first bytes, which are still in it. They are fewer than asked for only where all of it is. */
export async function peek(
  chunks: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ readonly head: Uint8Array; readonly all: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]()
  let head: Uint8Array = new Uint8Array()
  while (head.length < bytes) {
    const next = await iterator.next()
    if (next.done === true) break
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield head
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { head, all: all() }
}
