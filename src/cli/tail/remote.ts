import { z } from 'zod'
import type { ConnectionLog } from '../../connections/event.ts'
import type { ConnectionFilterInput } from '../../connections/filter.ts'
import { AppError } from '../../kernel/errors.ts'
import { MAX_LIMIT } from '../../kernel/offset-page.ts'
import type { Remote } from '../../remote/client.ts'
import { notOurs } from '../../remote/answer.ts'
import type { LogSource } from './log-source.ts'
import { LOG_FIELDS, remoteFilter, remoteLog } from './remote-log.ts'

const CURSOR = 'query TailBegin { connectionLogFeedCursor }'

const NEWEST = `query TailNewest($filter: ConnectionLogFilter, $after: String) {
  connectionLogsByCursor(filter: $filter, first: 1, after: $after) {
    nodes { createdAt }
    pageInfo { endCursor hasNextPage }
  }
}`

const PAGE = `query TailStored($filter: ConnectionLogFilter, $last: Int, $before: String) {
  connectionLogsByCursor(filter: $filter, last: $last, before: $before) {
    nodes { ${LOG_FIELDS} }
    pageInfo { startCursor hasPreviousPage }
  }
}`

const FEED = `subscription Tail($filter: ConnectionLogFilter, $after: String) {
  connectionLogRecorded(filter: $filter, after: $after) { log { ${LOG_FIELDS} } }
}`

const cursorAnswer = z.object({ connectionLogFeedCursor: z.string() })
const newestAnswer = z.object({
  connectionLogsByCursor: z.object({
    nodes: z.array(remoteLog.pick({ createdAt: true })),
    pageInfo: z.object({ endCursor: z.string().nullable(), hasNextPage: z.boolean() }),
  }),
})
const pageAnswer = z.object({
  connectionLogsByCursor: z.object({
    nodes: z.array(remoteLog),
    pageInfo: z.object({ startCursor: z.string().nullable(), hasPreviousPage: z.boolean() }),
  }),
})
const feedAnswer = z.object({ connectionLogRecorded: z.object({ log: remoteLog }) })

/** The logs of a service, as far as the key reaches. */
export function remoteSource(remote: Remote, filter: ConnectionFilterInput): LogSource {
  const ask = async <T>(schema: z.ZodType<T>, query: string, variables: object): Promise<T> =>
    understood(schema, await remote.ask(query, variables))

  async function* pages(bounds: ConnectionFilterInput): AsyncGenerator<ConnectionLog[], void, undefined> {
    for (let before: string | null = null; ;) {
      const variables = { filter: remoteFilter(bounds), last: MAX_LIMIT, before }
      const page: z.output<typeof pageAnswer> = await ask(pageAnswer, PAGE, variables)
      const { nodes, pageInfo } = page.connectionLogsByCursor
      if (nodes.length > 0) yield nodes.toReversed()
      // A page may be empty where few logs match, and others follow.
      if (!pageInfo.hasPreviousPage || pageInfo.startCursor === null) return
      before = pageInfo.startCursor
    }
  }

  async function newestOf(bounds: ConnectionFilterInput): Promise<{ createdAt: number } | undefined> {
    for (let after: string | null = null; ;) {
      const variables = { filter: remoteFilter(bounds), after }
      const answer: z.output<typeof newestAnswer> = await ask(newestAnswer, NEWEST, variables)
      const { nodes, pageInfo } = answer.connectionLogsByCursor
      if (nodes.length > 0 || !pageInfo.hasNextPage) return nodes[0]
      after = pageInfo.endCursor
    }
  }

  return {
    cursor: async () => (await ask(cursorAnswer, CURSOR, {})).connectionLogFeedCursor,

    stored: async function* (sinceMs) {
      const kept = { ...filter, createdAfter: Math.max(sinceMs, filter.createdAfter ?? sinceMs) }
      // What is recorded from here on comes by the feed: without an end, a page would always be left where much is recorded.
      const newest = await newestOf(kept)
      if (newest) yield* pages({ ...kept, createdBefore: newest.createdAt + 1 })
    },

    follow: async function* (after) {
      try {
        for await (const { cursor, data } of remote.subscribe(FEED, {
          filter: remoteFilter(filter),
          after,
        })) {
          if (data === undefined) yield { cursor }
          else yield { cursor, log: understood(feedAnswer, data).connectionLogRecorded.log }
        }
      } catch (error) {
        throw asOptions(error)
      }
    },
  }
}

function understood<T>(schema: z.ZodType<T>, data: unknown): T {
  const result = schema.safeParse(data)
  if (!result.success) throw notOurs('what this version of connlog does not understand')
  return result.data
}

/** What the service calls `after` is another option here. */
function asOptions(error: unknown): unknown {
  if (!(error instanceof AppError)) return error
  const { code, message, retryAfterSeconds } = error
  const named = message.replace('`after`', '`--since`').replace('`filter.userId`', '`--user`')
  return new AppError(code, named, { retryAfterSeconds })
}
