import { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib'
import { Response as FastResponse } from '@whatwg-node/fetch'
import { PIECE_LENGTH } from '../kernel/bounded-json.ts'
import { chooseEncoding } from './accept-encoding.ts'
import { noteUnsent, unsentOf } from './text-body.ts'

/** Below this a packet of the network is not filled anyway. */
const MIN_BYTES = 1_024

/** Two thirds of the time of the default 11 buys a few percent; gzip's own default is as fast as this. */
const BROTLI_QUALITY = 4

const COMPRESSIBLE = /^(?:text\/|application\/(?:[\w.-]+\+)?json\b)/

const brotliOptions = (bytes: number) => ({
  params: {
    [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes,
  },
})

/** Both run on the threads of zlib, so that other requests do not wait. */
const encoders = {
  br: (body: Buffer) => promisify(brotliCompress)(body, brotliOptions(body.length)),
  gzip: (body: Buffer) => promisify(gzip)(body),
}

const streamEncoders = {
  br: (bytes: number) => createBrotliCompress(brotliOptions(bytes)),
  gzip: () => createGzip(),
}

/**
 * The answer as the client prefers it. Streams have no length and stay as they are, so that each event is sent at once. What
 * says `no-transform` stays too: an answer with a new key, whose compressed length would say what it has in common with
 * the request (https://www.breachattack.com).
 */
export async function compressed({ method, headers: asked }: Request, response: Response): Promise<Response> {
  const accept = asked.get('accept-encoding')
  if (accept === null) return response
  const { headers, status } = response
  const length = Number(headers.get('content-length') ?? 0)
  const isWorthIt =
    length >= MIN_BYTES &&
    COMPRESSIBLE.test(headers.get('content-type') ?? '') &&
    !headers.has('content-encoding') &&
    headers.get('cache-control')?.includes('no-transform') !== true
  if (!isWorthIt) return response
  headers.append('vary', 'Accept-Encoding')
  const encoding = chooseEncoding(accept, ['br', 'gzip'])
  if (encoding === 'identity') return response
  headers.set('content-encoding', encoding)
  headers.delete('content-length')
  if (method === 'HEAD') return response
  // A long answer is compressed piece by piece as it is sent, and has no length then.
  const body = length > PIECE_LENGTH ? response.body : null
  if (body && unsentOf(body) > 0) {
    const encoder: unknown = Duplex.toWeb(streamEncoders[encoding](length))
    const encoded = body.pipeThrough(encoder as TransformStream<Uint8Array, Uint8Array>)
    noteUnsent(encoded, () => unsentOf(body))
    return new Response(encoded, { status, headers })
  }
  const bytes = await encoders[encoding](Buffer.from(await response.arrayBuffer()))
  headers.set('content-length', String(bytes.length))
  return new FastResponse(bytes, { status, headers })
}
