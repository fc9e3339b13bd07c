import type { Backlog } from '../database/load.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import type { Running } from '../kernel/lifecycle.ts'

/** How often the database is asked, at most, in milliseconds. */
const REFRESH_MS = 5 * SECOND_MS

/** What the database said when it was last asked. */
export interface Reading {
  readonly isUp: boolean
  /** Undefined where it has no such things, or did not answer. */
  readonly backlog: Backlog | undefined
}

export interface BacklogWatch extends Running {
  /**
   * What was last read; undefined before the first answer. Asks anew behind the caller's back, so that nobody waits for
   * a database that may be away, and asks nothing while nobody wants to know.
   */
  latest(): Reading | undefined
}

export function watchBacklog(read: () => Promise<Backlog | undefined>, clock: Clock): BacklogWatch {
  let reading: Reading | undefined
  let asking: Promise<void> | undefined
  let askedAt = -Infinity
  let isStopped = false

  const ask = async () => {
    try {
      reading = { isUp: true, backlog: await read() }
    } catch {
      // That it does not answer is the answer; whoever needs the database says why.
      reading = { isUp: false, backlog: undefined }
    }
    asking = undefined
  }

  return {
    latest: () => {
      if (!isStopped && !asking && clock.steadyMs() - askedAt >= REFRESH_MS) {
        askedAt = clock.steadyMs()
        asking = ask()
      }
      return reading
    },
    stop: async () => {
      isStopped = true
      await asking
    },
  }
}
