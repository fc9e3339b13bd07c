import type { Position } from '../database/dialect.ts'
import { AppError } from '../kernel/errors.ts'
import { DEFAULT_LIMIT, MAX_LIMIT, within } from '../kernel/offset-page.ts'
import type { CursorCodec } from '../logs/cursor.ts'
import type { Horizon } from '../logs/query.ts'
import type { Slice, SliceRange } from '../logs/slices.ts'
import type { ConnectionLog } from './event.ts'

/** Arguments of a Relay connection. https://relay.dev/graphql/connections.htm#sec-Arguments */
export interface CursorPagingInput {
  readonly first?: number | null | undefined
  readonly after?: string | null | undefined
  readonly last?: number | null | undefined
  readonly before?: string | null | undefined
}

/** Some logs, newest first, with cursors of their places. */
export interface ConnectionLogSlice {
  readonly edges: readonly { readonly cursor: () => string; readonly node: ConnectionLog }[]
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
  /** Where the next newer page begins: the newest log, or how far was looked for newer ones. */
  readonly startCursor: () => string | undefined
  /** Where the next older page begins: the oldest log, or how far was looked for older ones. */
  readonly endCursor: () => string | undefined
  /** How many logs match in all, counted when asked. */
  totalCount(): Promise<number>
}

/**
 * Checks the arguments of a connection. The next page is the older one: `first` goes toward older logs, `last` toward
 * newer ones.
 * @throws {AppError} BAD_USER_INPUT naming the argument; CURSOR_EXPIRED
 */
export function parseCursorPaging(
  { first, after, last, before }: CursorPagingInput,
  cursors: CursorCodec,
  horizon: Horizon,
): SliceRange {
  if (typeof first === 'number' && typeof last === 'number') {
    throw new AppError('BAD_USER_INPUT', `Expected either \`first\` or \`last\`, got both.`)
  }
  const decode = (cursor: string | null | undefined, field: string) =>
    typeof cursor === 'string' ? cursors.decode(cursor, field, horizon) : undefined
  const [afterPosition, beforePosition] = [decode(after, 'after'), decode(before, 'before')]
  return typeof last === 'number'
    ? {
        toward: 'newer',
        limit: within('last', last, 1, MAX_LIMIT),
        from: beforePosition,
        until: afterPosition,
      }
    : {
        toward: 'older',
        limit: within('first', first ?? DEFAULT_LIMIT, 1, MAX_LIMIT),
        from: afterPosition,
        until: beforePosition,
      }
}

/** A slice as a page of a connection: newest first, whichever way it was read. */
export function toConnection(
  { logs, hasMore, hasBehind, stoppedAt }: Slice<ConnectionLog>,
  { toward }: SliceRange,
  cursors: CursorCodec,
): Omit<ConnectionLogSlice, 'totalCount'> {
  const newestFirst = toward === 'older' ? logs : [...logs].reverse()
  const cursorOf = (position: Position | undefined) => position && cursors.encode(position)
  const [stoppedNewer, stoppedOlder] = toward === 'newer' ? [stoppedAt] : [undefined, stoppedAt]
  return {
    startCursor: () => cursorOf(stoppedNewer ?? newestFirst[0]),
    endCursor: () => cursorOf(stoppedOlder ?? newestFirst.at(-1)),
    edges: newestFirst.map((node) => ({ node, cursor: () => cursors.encode(node) })),
    hasNextPage: toward === 'older' ? hasMore : hasBehind,
    hasPreviousPage: toward === 'older' ? hasBehind : hasMore,
  }
}
