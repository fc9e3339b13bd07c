import type { Clock } from './clock.ts'

/** Lets somebody sleep whom others may wake. */
export interface Waker {
  /** Ends the sleep under way, or the next one if there is none. */
  wake(): void
  /** Resolves after `ms` milliseconds, when woken, or when `signal` is aborted. One at a time. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export function createWaker(clock: Clock): Waker {
  let sleeping: AbortController | undefined
  let isWoken = false
  return {
    wake: () => {
      isWoken = true
      sleeping?.abort()
    },
    sleep: async (ms, signal) => {
      if (!isWoken) {
        sleeping = new AbortController()
        await clock.sleep(ms, AbortSignal.any([signal, sleeping.signal]))
        sleeping = undefined
      }
      isWoken = false
    },
  }
}
