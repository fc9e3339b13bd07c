import { AppError, show } from '../kernel/errors.ts'
import { type JsonLimits, readJsonText } from '../kernel/json-text.ts'
import { type YieldIfLong, NEVER_YIELDS } from '../kernel/yield-if-long.ts'

/** The media type of a request without its parameters, in lower case; empty if there is none. */
export function mediaType(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** @throws {AppError} with HTTP 415 unless the body is of one of these media types, and not compressed */
export function requireMediaType(request: Request, accepted: readonly string[]): string {
  const encoding = request.headers.get('content-encoding') || 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    const sentence = `Expected the body to come as it is, got it in the content-encoding ${show(encoding)}.`
    throw new AppError('BAD_USER_INPUT', sentence, {
      status: 415,
      headers: { 'accept-encoding': 'identity' },
    })
  }
  const type = mediaType(request)
  if (accepted.includes(type)) return type
  const sentence = `Expected the header \`content-type\` to be ${accepted.join(' or ')}, got ${type === '' ? 'none' : show(type)}.`
  throw new AppError('BAD_USER_INPUT', sentence, { status: 415 })
}

const tooLarge = (maxBytes: number) =>
  new AppError('PAYLOAD_TOO_LARGE', `Expected a body of at most ${maxBytes} bytes, got a larger one.`)

/** @throws {AppError} PAYLOAD_TOO_LARGE as soon as the length that the request declares is over the limit */
export function requireDeclaredLength(request: Request, maxBytes: number): void {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
}

/** A list of 1,000 logs with 100 values each is within them, and GraphQL looks at that many in one turn. */
export const JSON_LIMITS: JsonLimits = { maxDepth: 64, maxValues: 100_000 }

const UTF_8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a JSON body.
 * @throws {AppError} what {@link readBytes} and {@link parseBody} throw
 */
export const readJson = async (
  request: Request,
  maxBytes: number,
  yieldIfLong: YieldIfLong = NEVER_YIELDS,
): Promise<unknown> => parseBody(await readBytes(request, maxBytes), yieldIfLong)

/**
 * @throws {AppError} BAD_USER_INPUT for an empty body, one that is not UTF-8, and one that is not JSON or beyond
 *   {@link JSON_LIMITS}
 */
export async function parseBody(
  bytes: Uint8Array,
  yieldIfLong: YieldIfLong = NEVER_YIELDS,
): Promise<unknown> {
  // To decode 4 MB takes some milliseconds, and several bodies may have come in the same turn.
  if (bytes.length > FIRST_BYTES) await yieldIfLong()
  let text: string
  try {
    text = UTF_8.decode(bytes)
  } catch {
    throw new AppError('BAD_USER_INPUT', 'Expected the body to be UTF-8, got bytes that are not.')
  }
  if (text.trim() === '')
    throw new AppError('BAD_USER_INPUT', 'Expected the body to be JSON, got an empty body.')
  return readJsonText(text, { ...JSON_LIMITS, what: 'the body', yieldIfLong })
}

/** Requests of which a part of the body is still to come. */
const arriving = new WeakSet<Request>()

/** Whether a body is being read whose end has not come yet. */
export const isArriving = (request: Request): boolean => arriving.has(request)

/** How to read the bodies of requests that came by `node:http`: past the stream that their Request would make of it. */
const sources = new WeakMap<Request, () => AsyncIterator<Uint8Array>>()

/** Has {@link readChunks} read the body of a request from there, and not from the Request. */
export const setBodySource = (request: Request, source: () => AsyncIterator<Uint8Array>): void =>
  void sources.set(request, source)

/**
 * The body, piece by piece. Who stops early lets the rest be: to cancel it, as `for await` over the body itself would, cuts
 * the connection, and the answer that says why would never arrive.
 */
export async function* readChunks(request: Request): AsyncGenerator<Uint8Array> {
  const source = sources.get(request)
  const chunks = source ? source() : request.body?.[Symbol.asyncIterator]()
  if (!chunks) return
  arriving.add(request)
  try {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
  } catch {
    // The connection broke off, or whoever made the Request failed: in either case what was sent ends here.
    throw new AppError('BAD_USER_INPUT', 'Expected the whole body, got a part of it.')
  } finally {
    arriving.delete(request)
    // Costs nothing where all was read, and lets go of the rest where it was not.
    if (source) void chunks.return?.(undefined)
  }
}

export interface ReadOptions {
  /** Called with how many bytes have come, each time that some do. */
  readonly onBytes?: (length: number) => void
  /** Aborted when the body is no longer needed. */
  readonly signal?: AbortSignal
}

/** Memory that is taken for a body before it has come. */
const FIRST_BYTES = 65_536

/** @throws {AppError} PAYLOAD_TOO_LARGE once more than `maxBytes` have come, whatever length was declared */
export async function readBytes(
  request: Request,
  maxBytes: number,
  { onBytes, signal }: ReadOptions = {},
): Promise<Uint8Array> {
  requireDeclaredLength(request, maxBytes)
  const declared = Number(request.headers.get('content-length') ?? 0)
  // Filled chunk by chunk: to join the chunks of 4 MB at the end takes a turn of 20 ms. A client may declare much and send
  // little, so it begins small.
  let whole: Uint8Array = Buffer.allocUnsafe(declared > 0 ? Math.min(declared, FIRST_BYTES) : 0)
  let length = 0
  for await (const chunk of readChunks(request)) {
    const end = length + chunk.length
    if (end > maxBytes) throw tooLarge(maxBytes)
    if (signal?.aborted) break
    onBytes?.(end)
    if (end > whole.length) whole = grown(whole.subarray(0, length), Math.min(2 * end, maxBytes))
    whole.set(chunk, length)
    length = end
  }
  return whole.subarray(0, length)
}

/** The same bytes at the beginning of more. */
function grown(bytes: Uint8Array, length: number): Uint8Array {
  const larger = Buffer.allocUnsafe(length)
  larger.set(bytes)
  return larger
}
