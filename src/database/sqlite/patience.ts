import type { Clock } from '../../kernel/clock.ts'
import { isBusy } from './failures.ts'

const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 50

/** Repeats `attempt` while another process holds the lock; throws what it throws otherwise, or in the end. */
export type RetryWhileBusy = <T>(attempt: () => T | Promise<T>) => Promise<T>

export interface Patience {
  /** Starts counting for one caller, now: what is slept from here on is taken off its allowance. */
  readonly ask: () => RetryWhileBusy
}

export interface PatienceOptions {
  readonly clock: Clock
  readonly busyTimeoutMs: number
}

/**
 * Waits for a lock without blocking the process. SQLite's own busy timeout sleeps inside the synchronous call, with
 * every request of the process waiting behind it; so it is off, and the pauses between attempts are ours: growing,
 * and random by half, so that two processes do not keep in step.
 *
 * The allowance of `busyTimeoutMs` counts what this patience has slept since the caller asked, in its own turn or
 * in that of callers before it in the queue. Thus a lock that is never released fails all that wait for it after
 * one timeout, not one after the other; and the time of a long transaction of our own is not counted.
 */
export function createPatience({ clock, busyTimeoutMs }: PatienceOptions): Patience {
  let sleptMs = 0
  return {
    ask: () => {
      const sleptBeforeMs = sleptMs
      return async (attempt) => {
        for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
          try {
            return await attempt()
          } catch (error) {
            const leftMs = busyTimeoutMs - (sleptMs - sleptBeforeMs)
            if (!isBusy(error) || leftMs <= 0) throw error
            const napMs = Math.min(leftMs, Math.ceil(pauseMs * (0.5 + Math.random() / 2)))
            await clock.sleep(napMs)
            sleptMs += napMs
          }
        }
      }
    },
  }
}
