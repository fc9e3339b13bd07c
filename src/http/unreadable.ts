import { randomUUID } from 'node:crypto'
import { maxHeaderSize } from 'node:http'
import type { TextAnswer } from './node-listener.ts'
import type { Observer } from './observer.ts'
import { jsonText } from './route.ts'
import { headersOfAll } from './usual-headers.ts'

/** The answer to bytes of which `node:http` can make no request. It is counted and logged like any other. */
export type Unreadable = (status: keyof typeof SENTENCES) => TextAnswer

/** What a client reads whose request could not be read so far as to have a path. */
const SENTENCES = {
  400: 'Expected an HTTP/1.1 request for a path, got something else.',
  408: 'Expected the whole headers of the request within 10 seconds, got a part of them.',
  413: 'Expected chunks of the body without long extensions, got longer ones.',
  431: `Expected at most ${maxHeaderSize} bytes of request line and headers, got more. Send a long GraphQL document by POST.`,
} as const

export const createUnreadable =
  (observer: Observer): Unreadable =>
  (status) => {
    const requestId = randomUUID()
    observer.refused({ requestId, route: undefined, method: '', status, code: 'BAD_USER_INPUT' })
    return jsonText({ error: SENTENCES[status] }, status, headersOfAll(requestId))
  }
