import { AppError, show } from '../kernel/errors.ts'
import { jsonFault } from '../kernel/json-scanner.ts'
import { parseJson } from '../kernel/parse-json.ts'

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

/** How deep JSON may go that is read whole. Whoever walks what was read has enough of a stack for that. */
export const MAX_JSON_DEPTH = 64

const UTF_8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a JSON body.
 * @throws {AppError} PAYLOAD_TOO_LARGE once more than `maxBytes` have come, whatever length was declared;
 *   BAD_USER_INPUT for an empty body, one that is not UTF-8, and one that is not JSON
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const bytes = await readBytes(request, maxBytes)
  let text: string
  try {
    text = UTF_8.decode(bytes)
  } catch {
    throw new AppError('BAD_USER_INPUT', 'Expected the body to be UTF-8, got bytes that are not.')
  }
  if (text.trim() === '')
    throw new AppError('BAD_USER_INPUT', 'Expected the body to be JSON, got an empty body.')
  if (isDeeperThan(bytes, MAX_JSON_DEPTH)) {
    const sentence = `Expected the body to be JSON nested at most ${MAX_JSON_DEPTH} deep, got deeper JSON.`
    throw new AppError('BAD_USER_INPUT', sentence)
  }
  try {
    return parseJson(text)
  } catch {
    throw new AppError('BAD_USER_INPUT', `Expected the body to be JSON, got ${jsonFault(text)}.`)
  }
}

const [QUOTE, BACKSLASH, BRACKET_L, BRACE_L, BRACKET_R, BRACE_R] = [
  0x22, 0x5c, 0x5b, 0x7b, 0x5d, 0x7d,
] as const

/** Whether JSON has more brackets inside each other than that. Of what is no JSON the answer means nothing. */
export function isDeeperThan(bytes: Uint8Array, most: number): boolean {
  let depth = 0
  let isText = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (byte === QUOTE) isText = !isText
    else if (isText) {
      if (byte === BACKSLASH) at += 1
    } else if (byte === BRACE_L || byte === BRACKET_L) {
      depth += 1
      if (depth > most) return true
    } else if (byte === BRACE_R || byte === BRACKET_R) depth -= 1
  }
  return false
}

/** Requests of which a part of the body is still to come. */
const arriving = new WeakSet<Request>()

/** Whether a body is being read whose end has not come yet. */
export const isArriving = (request: Request): boolean => arriving.has(request)

/**
 * The body, piece by piece. Who stops early lets the rest be: to cancel it, as `for await` over the body itself would, cuts
 * the connection, and the answer that says why would never arrive.
 */
export async function* readChunks(request: Request): AsyncGenerator<Uint8Array> {
  const chunks = request.body?.[Symbol.asyncIterator]()
  if (!chunks) return
  arriving.add(request)
  try {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
  } catch {
    // The connection broke off, or whoever made the Request failed: in either case what was sent ends here.
    throw new AppError('BAD_USER_INPUT', 'Expected the whole body, got a part of it.')
  } finally {
    arriving.delete(request)
  }
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  requireDeclaredLength(request, maxBytes)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of readChunks(request)) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
