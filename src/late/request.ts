import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { fetchFailureOf } from '../kernel/fetch-failure.ts'
import { LateError } from './failure.ts'
import { type LatePage, parsePage } from './page.ts'
import { askedWaitMs } from './patience.ts'

export interface Asking {
  readonly address: URL
  readonly key: string
  readonly userAgent: string
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
  /** Ends what is under way. */
  readonly stop: AbortSignal
}

/** What became of one request: a page, or why there is none and whether another try may help. */
export type Answer =
  | { readonly is: 'page'; readonly page: LatePage; readonly waitMs: number | undefined }
  /** `malformed`: it did answer, but not as Late's API does. */
  | { readonly is: 'busy' | 'malformed'; readonly why: string; readonly waitMs?: number | undefined }

export interface Asked {
  readonly days: number
  readonly limit: number
  readonly skip: number
}

/** How long one answer may take to come in whole, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 90 * SECOND_MS

/** Over the largest page that connlog itself can answer: 100 logs of about 400 kB, if all is written as escapes. */
const MAX_PAGE_BYTES = 64 * 1_048_576

/**
 * Asks for one page, once. The key goes to the address alone: redirects are not followed.
 * @throws {LateError} where another try cannot help; whatever `stop` was aborted with
 */
export async function askForPage(asked: Asked, asking: Asking): Promise<Answer> {
  const { address, key, userAgent, clock, stop } = asking
  const url = new URL(address)
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, String(value))
  const request = new AbortController()
  const abort = () => request.abort()
  let hasEnded = false
  let isOverdue = false
  stop.addEventListener('abort', abort)
  void clock.sleep(REQUEST_TIMEOUT_MS, request.signal).then(() => {
    isOverdue = !hasEnded
    abort()
  })
  try {
    stop.throwIfAborted()
    const response = await asking.fetch(url, {
      headers: { authorization: `Bearer ${key}`, accept: 'application/json', 'user-agent': userAgent },
      redirect: 'manual',
      signal: request.signal,
    })
    return await answerOf(response, asked, asking)
  } catch (error) {
    stop.throwIfAborted()
    if (error instanceof LateError) throw error
    const overdue = `gave no whole answer within ${REQUEST_TIMEOUT_MS / SECOND_MS} seconds`
    return { is: 'busy', why: isOverdue ? overdue : networkFailure(error) }
  } finally {
    hasEnded = true
    stop.removeEventListener('abort', abort)
    // Ends the timer, and lets go of a body that nobody has read.
    abort()
  }
}

async function answerOf(response: Response, asked: Asked, { address, clock }: Asking): Promise<Answer> {
  const { status } = response
  const waitMs = askedWaitMs(response, clock.now())
  if (status === 408 || status === 429 || status >= 500)
    return { is: 'busy', why: `answered with HTTP ${status}`, waitMs }
  if (status >= 300) throw new LateError(refusal(response, asked, address))
  if (status !== 200) return { is: 'malformed', why: `answered with HTTP ${status}` }
  const body = await readBytes(response)
  const page = body === undefined ? 'more than 64 MiB' : parsePage(body, asked)
  return typeof page === 'string'
    ? { is: 'malformed', why: `answered with ${page}` }
    : { is: 'page', page, waitMs }
}

function refusal({ status, headers }: Response, { days }: Asked, address: URL): string {
  if (status < 400) return redirection(headers.get('location'), address)
  const reasons: Record<number, string> = {
    400: `The server did not take the request; perhaps it has fewer than ${days} days`,
    401: 'The server does not know the key, or the key is no longer valid',
    403: 'The server does not let the key read connection logs',
    404: `There are no connection logs at ${address.href}`,
  }
  return `${reasons[status] ?? 'The server refused the request'}: HTTP ${status}.`
}

/** Only the origin is told: a path or query may hold what is not for the screen. */
function redirection(location: string | null, address: URL): string {
  const target = location !== null && URL.canParse(location, address) ? new URL(location, address) : undefined
  if (!target) return 'The server redirects, and does not say where to.'
  const where = target.origin === address.origin ? `another path of ${target.origin}` : target.origin
  return `The server redirects to ${where}. The key is not sent after it; give the address that the logs are at.`
}

/** @returns undefined where it is longer than {@link MAX_PAGE_BYTES}, unpacked */
async function readBytes({ body }: Response): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    if (length > MAX_PAGE_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function networkFailure(error: unknown): string {
  const { code, isHopeless } = fetchFailureOf(error)
  if (isHopeless) {
    throw new LateError(`There is no safe connection to the server: ${code}. Is the address right?`)
  }
  return `could not be reached, or broke off${code === '' ? '' : `: ${code}`}`
}
