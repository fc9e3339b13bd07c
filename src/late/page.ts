import { hash } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '../kernel/parse-json.ts'
import { idOf } from './id.ts'

/** A page of logs as a Late-compatible server answered it. */
export interface LatePage {
  /** Newest first. What is in a log besides its id is for others to check. */
  readonly logs: readonly LateLog[]
  /** How many logs the list had. */
  readonly total: number
  /** Whether nothing came after the last of these logs. */
  readonly isLast: boolean
}

/** A log by its `_id`, whatever else is in it. */
export interface LateLog {
  readonly _id: string
}

/** What stood in the place of a log and has no id: it is passed over, and known again by this on the next page. */
export class NamelessLog implements LateLog {
  readonly _id: string

  constructor(value: unknown) {
    this._id = `\u0000${digestOf(value)}`
  }
}

const count = z.int().min(0)

const answer = z.object({
  logs: z.array(z.unknown()),
  pagination: z.object({
    total: count,
    limit: count.nullish(),
    skip: count.nullish(),
    hasMore: z.boolean().nullish(),
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
  const logs = result.data.logs.map(logOf)
  if (logs.length > 0 && logs.every((log) => log instanceof NamelessLog))
    return 'JSON that is no page of logs: none of its `logs` has an `_id`'
  const { total, hasMore } = result.data.pagination
  const skip = result.data.pagination.skip ?? asked.skip
  const limit = result.data.pagination.limit ?? asked.limit
  // A cache on the way, or a server that does not know `skip`.
  if (skip !== asked.skip) return `the page at \`skip\` ${skip} when asked for the one at ${asked.skip}`
  if (logs.length === 0 && skip < total) return `no logs at \`skip\` ${skip} of ${total}`
  // Logs and total need not be of one instant, so a page that is full is never taken for the last one.
  return { logs, total, isLast: hasMore !== true && logs.length < Math.min(limit, asked.limit) }
}

/** The field that is missing or wrong: one of Late's names, nothing of what came. */
function placeOf({ issues }: z.ZodError): string {
  const path = issues[0]?.path ?? []
  if (path.length === 0) return ''
  return `: its \`${z.core.toDotPath(path)}\` is missing or wrong`
}

/** An id may be a number, or be called `id`. */
function logOf(value: unknown): LateLog {
  if (typeof value !== 'object' || value === null) return new NamelessLog(value)
  const { id, ...log } = value as Record<string, unknown>
  const _id = idOf(log['_id'])
  if (_id !== undefined) return { ...value, _id }
  const other = log['_id'] === undefined ? idOf(id) : undefined
  return other === undefined ? new NamelessLog(value) : { ...log, _id: other }
}

function digestOf(value: unknown): string {
  try {
    return hash('sha256', JSON.stringify(value))
  } catch {
    // Too deep to be written.
    return ''
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
