import { z } from 'zod'
import { parseJson } from '../kernel/parse-json.ts'

/** A page of logs as a Late-compatible server answered it. */
export interface LatePage {
  /** Newest first. What is in a log besides its id is for others to check. */
  readonly logs: readonly LateLog[]
  /** How many logs the list had. */
  readonly total: number
  /** Whether nothing came after the last of these logs. */
  readonly isLast: boolean
}

export interface LateLog {
  readonly _id: string
}

const log = z.custom<LateLog>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    '_id' in value &&
    typeof value._id === 'string' &&
    value._id !== '',
)
const count = z.int().min(0)

const answer = z.object({
  logs: z.array(log),
  pagination: z.object({
    total: count,
    limit: count.optional(),
    skip: count.optional(),
    hasMore: z.boolean(),
  }),
})

/**
 * Reads the body of an answer.
 * @param asked which page was asked for
 * @returns the page, or where it is none, the end of a sentence that begins "The server answered with"
 */
export function parsePage(body: Uint8Array, asked: { skip: number; limit: number }): LatePage | string {
  const json = jsonOf(body)
  if (json === undefined) return 'something that is not JSON'
  const result = answer.safeParse(json)
  if (!result.success) return `JSON that is no page of logs${placeOf(result.error)}`
  const { logs, pagination } = result.data
  const { total, skip = asked.skip, limit = asked.limit, hasMore } = pagination
  // A cache on the way, or a server that does not know `skip`.
  if (skip !== asked.skip) return `the page at \`skip\` ${skip} when asked for the one at ${asked.skip}`
  if (logs.length === 0 && skip < total) return `no logs at \`skip\` ${skip} of ${total}`
  // Logs and total need not be of one instant, so a page that is full is never taken for the last one.
  return { logs, total, isLast: !hasMore && logs.length < Math.min(limit, asked.limit) }
}

/** The field that is missing or wrong: one of Late's names, nothing of what came. */
function placeOf({ issues }: z.ZodError): string {
  const path = issues[0]?.path ?? []
  if (path.length === 0) return ''
  return `: its \`${z.core.toDotPath(path)}${path[0] === 'logs' && path.length === 2 ? '._id' : ''}\` is missing or wrong`
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
