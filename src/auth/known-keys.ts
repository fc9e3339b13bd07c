import { LRUCache } from 'lru-cache'
import type { ApiKeyRow, ApiKeys } from '../database/port.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'

/** How long a key found in the database is trusted: what others do to it is noticed within this time. */
export const CACHE_MS = 3 * SECOND_MS
const KNOWN_KEYS = 10_000
const UNKNOWN_IDS = 1_000

/** Keys by id, read at most every {@link CACHE_MS}. */
export interface KnownKeys {
  get(id: string): Promise<ApiKeyRow | null>
  /** What was last read of a key, however old; undefined if it was not read lately or is not there. */
  peek(id: string): ApiKeyRow | undefined
  /** Has it read anew. */
  forget(id: string): void
}

/**
 * Ids that lead to nothing are remembered too, apart from the others, so that a flood of them drives no good key out.
 * Ids are random: one that is not there yet was never asked for before it was made.
 */
export function createKnownKeys(rows: Pick<ApiKeys, 'findUnique'>, clock: Clock): KnownKeys {
  const known = new LRUCache<string, { row: ApiKeyRow; readAt: number }>({ max: KNOWN_KEYS })
  const unknown = new LRUCache<string, { row: null; readAt: number }>({ max: UNKNOWN_IDS })

  function forget(id: string): void {
    known.delete(id)
    unknown.delete(id)
  }

  return {
    forget,
    peek: (id) => known.peek(id)?.row,
    get: async (id) => {
      const cached = known.get(id) ?? unknown.get(id)
      const age = cached ? clock.now() - cached.readAt : Number.NaN
      if (cached && age >= 0 && age < CACHE_MS) return cached.row
      const readAt = clock.now()
      const row = await rows.findUnique({ where: { id } })
      forget(id)
      if (row) known.set(id, { row, readAt })
      else unknown.set(id, { row, readAt })
      return row
    },
  }
}
