import { MINUTE_MS, SECOND_MS } from '../kernel/clock.ts'

/** Longest wait before the next try, whatever the server asks for: after that it is asked again. */
export const MAX_WAIT_MS = 15 * MINUTE_MS

/**
 * How long a server asks its caller to wait before the next request: by `Retry-After` where it has refused one, and by
 * `X-RateLimit-Reset` where it has done so for its limit or will, none being left.
 * @param nowMs by our clock; the server's own `Date` is taken where it says it, so that clocks may differ
 * @returns milliseconds, not negative; undefined where it asks for nothing
 */
export function askedWaitMs({ ok, status, headers }: Response, nowMs: number): number | undefined {
  const serverMs = instantOf(headers.get('date')) ?? nowMs
  const retryAfter = headers.get('retry-after')
  if (!ok && retryAfter !== null) {
    const seconds = wholeSeconds(retryAfter)
    const untilMs = seconds === undefined ? instantOf(retryAfter) : serverMs + seconds * SECOND_MS
    if (untilMs !== undefined) return Math.max(0, untilMs - serverMs)
  }
  if (status !== 429 && wholeSeconds(headers.get('x-ratelimit-remaining')) !== 0) return undefined
  const reset = wholeSeconds(headers.get('x-ratelimit-reset'))
  const waitMs = reset === undefined ? 0 : reset * SECOND_MS - serverMs
  return waitMs > 0 ? waitMs : undefined
}

const wholeSeconds = (text: string | null): number | undefined =>
  text !== null && /^\d{1,10}$/.test(text) ? Number(text) : undefined

function instantOf(text: string | null): number | undefined {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? undefined : ms
}
