/** How the results of a subscription are written into the body of an answer. */
export interface StreamFormat {
  readonly mediaType: string
  /** What comes first. @param cursor where the subscription begins, if it is known */
  open(cursor: string | undefined): string
  /**
   * The text before and after the JSON of a result.
   * @param cursor the position after this result
   */
  frame(cursor: string | undefined): readonly [before: string, after: string]
  /** What keeps the connection alive. @param cursor if it has moved on since it was last told */
  heartbeat(cursor: string | undefined): string
  /** After how many milliseconds to come back, where that matters. */
  retry(ms: number): string
  /** What comes last. */
  close(): string
}

const id = (cursor: string | undefined) => (cursor === undefined ? '' : `id: ${cursor}\n`)

/**
 * Server-sent events, as graphql-sse has them in its mode of distinct connections, with the cursor as the id of each: a
 * plain EventSource comes back with it. An id without data is taken down and is no event.
 * https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
 */
export const serverSentEvents: StreamFormat = {
  mediaType: 'text/event-stream; charset=utf-8',
  open: (cursor) => `:\n${id(cursor)}\n`,
  frame: (cursor) => [`${id(cursor)}event: next\ndata: `, '\n\n'],
  heartbeat: (cursor) => `:\n${id(cursor)}\n`,
  retry: (ms) => `retry: ${ms}\n\n`,
  close: () => 'event: complete\ndata:\n\n',
}

const PART_BEGINS = '\r\nContent-Type: application/json; charset=utf-8\r\n\r\n'
const PART_ENDS = '\r\n--graphql'

/**
 * Apollo's subscriptions over multipart. A part is whole once the boundary after it has come, so that comes with it.
 * https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol
 */
export const multipart: StreamFormat = {
  mediaType: 'multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"',
  open: () => '\r\n--graphql',
  frame: () => [`${PART_BEGINS}{"payload":`, `}${PART_ENDS}`],
  heartbeat: () => `${PART_BEGINS}{}${PART_ENDS}`,
  retry: () => '',
  close: () => '--\r\n',
}
