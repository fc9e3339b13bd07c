import { randomUUID } from 'node:crypto'
import type { TextAnswer } from './node-listener.ts'
import type { Observer } from './observer.ts'
import { jsonText } from './route.ts'
import { headersOfAll } from './usual-headers.ts'

/** The answer to bytes of which `node:http` can make no request. It is counted and logged like any other. */
export type Unreadable = (status: number, sentence: string) => TextAnswer

export const createUnreadable =
  (observer: Observer): Unreadable =>
  (status, sentence) => {
    const requestId = randomUUID()
    observer.refused({ requestId, route: undefined, method: '', status, code: 'BAD_USER_INPUT' })
    return jsonText({ error: sentence }, status, headersOfAll(requestId))
  }
