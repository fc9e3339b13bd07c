import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { REQUEST_TIMEOUT_MS } from '../../src/late/request.ts'

/** A clock that does not wait: who sleeps wakes at once, later. The time limit of a request never runs out by itself. */
export interface HastyClock extends Clock {
  /** How long each sleep was, in milliseconds. */
  readonly slept: number[]
  /** Makes the time limits that run now run out. */
  expire(): void
}

export function createHastyClock(): HastyClock {
  let now = systemClock.now()
  const slept: number[] = []
  const limits = new Set<() => void>()
  return {
    now: () => now,
    slept,
    expire: () => {
      for (const end of limits) end()
    },
    sleep: async (ms, signal) => {
      if (signal?.aborted) return
      if (ms === REQUEST_TIMEOUT_MS) {
        await new Promise<void>((resolve) => {
          limits.add(resolve)
          signal?.addEventListener('abort', () => {
            limits.delete(resolve)
            resolve()
          })
        })
        return
      }
      slept.push(ms)
      now += ms
    },
  }
}
