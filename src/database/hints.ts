import type { Running } from '../kernel/lifecycle.ts'

/**
 * Hints between the processes of a database that logs were stored. They may be late, early, repeated or lost: who waits
 * for logs looks for them anyway, and with a hint sooner.
 */
export interface Hints {
  /** Tells the others, soon and at most some times a second. It never fails and nobody waits for it. */
  announce(): void
  /** Calls back at hints of others, and whenever some may have been missed. */
  listen(onHint: () => void): Running
  /** Whether hints of others are heard now; undefined where nobody listens. */
  isHearing(): boolean | undefined
}

/** For databases that have none. */
export const NO_HINTS: Hints = {
  announce: () => undefined,
  listen: () => ({ stop: async () => undefined }),
  isHearing: () => undefined,
}
