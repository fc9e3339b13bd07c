import type { TestClock } from './clock.ts'

/**
 * The same clock for whoever is to wake as the test lets time pass by this one, and not before. Not for a database,
 * which sleeps while it waits for a lock.
 */
export function createSleepingClock(clock: TestClock): TestClock {
  const sleepers = new Set<{ readonly untilMs: number; wake(): void }>()
  const wakeAll = () => {
    for (const { untilMs, wake } of sleepers) if (untilMs <= clock.steadyMs()) wake()
  }
  return {
    ...clock,
    advance: (by) => {
      clock.advance(by)
      wakeAll()
    },
    set: (to) => {
      clock.set(to)
      wakeAll()
    },
    sleep: (sleepMs, signal) =>
      new Promise((resolve) => {
        const sleeper = { untilMs: clock.steadyMs() + sleepMs, wake }
        function wake(): void {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        if (sleepMs <= 0 || signal?.aborted) return resolve()
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake, { once: true })
      }),
  }
}
