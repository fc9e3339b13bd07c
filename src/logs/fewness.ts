import { LRUCache } from 'lru-cache'
import type { CountSelection } from '../database/count-table.ts'

/**
 * Remembers whose logs are few. Both ways to a page give the same answer; a few logs are sooner counted one by one than
 * through the counts. What is remembered may be out of date, which costs time and nothing else.
 */
export interface Fewness {
  /** Whether the users of a selection had few logs lately; undefined where that should be asked. */
  of(selection: CountSelection): boolean | undefined
  learn(selection: CountSelection, size: number): void
}

const REMEMBERED_USERS = 10_000

/** How often an answer is used before it is asked for again. */
const GOOD_FOR = 100

/** @param few from how many logs on they are many */
export function createFewness(few: number): Fewness {
  const known = new LRUCache<string, { readonly isFew: boolean; uses: number }>({ max: REMEMBERED_USERS })
  return {
    of: ({ users }) => {
      const found = known.get(keyOf(users))
      if (!found || found.uses === 0) return undefined
      found.uses -= 1
      return found.isFew
    },
    learn: ({ users }, size) => void known.set(keyOf(users), { isFew: size < few, uses: GOOD_FOR }),
  }
}

const keyOf = (users: CountSelection['users']) => (users === 'everyone' ? '' : JSON.stringify(users))
