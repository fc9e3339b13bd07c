import type { IncomingMessage, ServerResponse } from 'node:http'
import { Request as FastRequest } from '@whatwg-node/fetch'
import { ENDED } from '../kernel/ended.ts'
import { setBodySource } from './body.ts'
import { chunksOf } from './incoming-chunks.ts'

/** What `node:http` received, as a Request at `address`. Its signal is aborted if the client leaves before the answer ends. */
export function toRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { address, body, expectsContinue }: RequestParts,
): Request {
  const { method = 'GET' } = incoming
  // Not the cheaper signal of @whatwg-node/server: `AbortSignal.any` of Node 24.22 rejects signals that are not the platform's.
  const aborter = new AbortController()
  const leave = () => {
    if (!outgoing.writableFinished && !aborter.signal.aborted) aborter.abort(ENDED)
  }
  outgoing.once('error', leave)
  outgoing.once('close', leave)
  const headers = headersOf(incoming, body !== undefined)
  const init = { method, headers, signal: aborter.signal }
  if (method === 'GET' || method === 'HEAD') return new FastRequest(address, init)
  const request = new FastRequest(address, {
    ...init,
    body: (body ?? incoming) as BodyInit,
    duplex: 'half',
  } as RequestInit)
  if (body === undefined)
    setBodySource(request, () => {
      // The client sends its body only when it is told to.
      if (expectsContinue) outgoing.writeContinue()
      return chunksOf(incoming)
    })
  return request
}

export interface RequestParts {
  readonly address: string
  /** What a framework has read from the connection before, if it has. */
  readonly body?: string | Uint8Array | undefined
  /** Whether the client sends its body only when it is told to. */
  readonly expectsContinue: boolean
}

function headersOf({ headers }: IncomingMessage, isRead: boolean): Record<string, string> {
  const isHttp2 = headers[':method'] !== undefined
  if (!isHttp2 && !isRead) return headers as Record<string, string>
  const entries = Object.entries(headers).filter(([name]) => !name.startsWith(':'))
  const copied = Object.fromEntries(entries) as Record<string, string>
  if (isRead) {
    // The framework has decompressed the body, and its length is another one now.
    delete copied['content-encoding']
    delete copied['content-length']
    delete copied['transfer-encoding']
  }
  return copied
}

/** A request as frameworks hand it on: what `node:http` received, perhaps below `raw`, perhaps with its body read already. */
export interface FrameworkRequest {
  readonly raw?: IncomingMessage
  /** As the framework has parsed it. */
  readonly body?: unknown
  /** As it came, which Google's functions and some plugins keep. */
  readonly rawBody?: unknown
}

/**
 * The body that a framework has read, as text or bytes; undefined if the connection still has it. JSON that was parsed is
 * written again: numbers beyond 2^53 have lost digits by then.
 */
export function bodyAlreadyRead(
  { rawBody, body }: FrameworkRequest,
  incoming: Pick<IncomingMessage, 'readableDidRead'>,
): string | Uint8Array | undefined {
  // Express 4 sets an empty object for bodies that it has left alone.
  if (!incoming.readableDidRead) return undefined
  const read = rawBody ?? body
  if (read === undefined) return undefined
  return typeof read === 'string' || read instanceof Uint8Array ? read : JSON.stringify(read)
}
