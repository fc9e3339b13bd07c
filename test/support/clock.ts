import { type Clock, systemClock } from '../../src/kernel/clock.ts'

/** A clock that stands where it is put. It sleeps by the system's clock, so that loops still turn. */
export interface TestClock extends Clock {
  /** Lets time pass until an instant; or goes back to one, while no time passes. */
  set(ms: number): void
  /** Lets time pass. */
  advance(ms: number): void
  /** The clock is set to another time, as by hand or NTP, while no time passes. */
  jump(byMs: number): void
}

export function createTestClock(ms: number): TestClock {
  let now = ms
  let steady = 0
  const pass = (by: number) => {
    now += by
    steady += Math.max(0, by)
  }
  return {
    now: () => now,
    steadyMs: () => steady,
    sleep: (sleepMs, signal) => systemClock.sleep(sleepMs, signal),
    set: (to) => pass(to - now),
    advance: pass,
    jump: (by) => void (now += by),
  }
}
