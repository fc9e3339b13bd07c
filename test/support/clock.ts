import { type Clock, systemClock } from '../../src/kernel/clock.ts'

/** A clock that stands where it is put. It sleeps by the system's clock, so that loops still turn. */
export interface TestClock extends Clock {
  set(ms: number): void
  advance(ms: number): void
}

export function createTestClock(ms: number): TestClock {
  let now = ms
  return {
    now: () => now,
    sleep: (sleepMs, signal) => systemClock.sleep(sleepMs, signal),
    set: (to) => void (now = to),
    advance: (by) => void (now += by),
  }
}
