import { Response as FastResponse } from '@whatwg-node/fetch'
import type { Principal } from '../auth/principal.ts'
import type { Spending } from '../auth/rate-limit.ts'
import type { Needs } from '../auth/scopes.ts'
import type { SizedText } from '../kernel/bounded-json.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'
import type { TextAnswer } from './node-listener.ts'
import { textResponse } from './text-body.ts'

/** A path: which methods it takes, what each needs, and what it does. */
export interface Route {
  readonly path: string
  /** Whether a request goes on for as long as something comes, and so has no end to its time. */
  readonly isStream?: (request: Request) => boolean
  readonly methods: Readonly<Record<string, Method>>
}

export type Method =
  | { readonly needs: 'no key'; readonly run: (request: Request) => Response | Promise<Response> }
  | {
      /** Asked for before it runs. */
      readonly needs: Needs
      readonly run: (request: Request, caller: Caller) => Promise<Response>
    }

/** The caller of a request, and the parts of the request that a route reads. */
export interface Caller {
  readonly principal: Principal
  readonly requestId: string
  readonly spending: Spending
  /** Aborted when the time of the request is over, or its client has gone. */
  readonly signal: () => AbortSignal
  /**
   * Reads the body as JSON.
   * @throws {AppError} for one that is too large, is no JSON, or does not come; SERVICE_UNAVAILABLE, RATE_LIMITED
   */
  readJson(maxBytes: number, yieldIfLong: YieldIfLong): Promise<unknown>
}

/** An answer that is known as a whole. Its length says so: what has none is a stream. */
export const wholeText = (
  text: string,
  headers: Readonly<Record<string, string>>,
  status = 200,
): TextAnswer => ({
  status,
  headers: { 'content-length': String(Buffer.byteLength(text)), ...headers },
  text,
})

const JSON_WITH_CHARSET = 'application/json; charset=utf-8'

/** A JSON answer. `Response.json` would not set the charset, which some clients ask for. */
export const jsonText = (body: unknown, status = 200, headers: Record<string, string> = {}): TextAnswer =>
  wholeText(JSON.stringify(body), { 'content-type': JSON_WITH_CHARSET, ...headers }, status)

/** Of a class that costs less than the platform's own, and is sent without a stream. */
export const toResponse = ({ status, headers, text }: TextAnswer): Response =>
  new FastResponse(text, { status, headers })

export const json = (...answer: Parameters<typeof jsonText>): Response => toResponse(jsonText(...answer))

/** A JSON answer whose text is at hand. */
export const jsonResponse = (text: SizedText, yieldIfLong: YieldIfLong): Response =>
  textResponse(text, {
    status: 200,
    headers: { 'content-length': String(text.bytes), 'content-type': JSON_WITH_CHARSET },
    yieldIfLong,
  })
