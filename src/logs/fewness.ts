import { LRUCache } from 'lru-cache'
import type { CountSelection } from '../database/count-table.ts'

/**
 * Remembers who has few logs. Both ways to a page give the same answer; for a few logs it is quicker to count them one
 * by one than to go through the counts. What is remembered may be out of date, which costs time and nothing else.
 */
export interface Fewness {
  /** Whether the users of a selection had few logs lately. */
  has(selection: CountSelection): boolean
  learn(selection: CountSelection, size: number): void
}

const REMEMBERED_USERS = 10_000

/** How often a user is taken to have few logs before it is asked again. */
const GOOD_FOR = 100

export function createFewness(few: number): Fewness {
  const left = new LRUCache<string, number>({ max: REMEMBERED_USERS })
  return {
    has: ({ users }) => {
      const key = keyOf(users)
      const uses = left.get(key) ?? 0
      if (uses > 0) left.set(key, uses - 1)
      return uses > 0
    },
    learn: ({ users }, size) => {
      if (size < few) left.set(keyOf(users), GOOD_FOR)
    },
  }
}

const keyOf = (users: CountSelection['users']) => (users === 'everyone' ? '' : JSON.stringify(users))
