import { DAY_MS, HOUR_MS, dayOf } from '../kernel/clock.ts'
import type { Random } from './random.ts'

/** How busy each hour of a working day in UTC is, midnight first; 1 is the busiest. */
const BUSYNESS_BY_HOUR = [
  0.22, 0.18, 0.14, 0.12, 0.12, 0.16, 0.28, 0.48, 0.72, 0.9, 0.98, 0.92, 0.86, 0.94, 1, 1, 0.96, 0.86, 0.72,
  0.6, 0.52, 0.44, 0.36, 0.28,
]
const WEEKEND_BUSYNESS = 0.45

/** When people connect accounts: mostly in working hours, less at weekends. */
export interface Rhythm {
  instantBetween(fromMs: number, untilMs: number): number
  /** Some time after an instant, `meanMs` later on average and at a busy time. */
  after(atMs: number, meanMs: number): number
}

export function createRhythm(random: Random): Rhythm {
  const busy = (draw: () => number): number => {
    let ms = draw()
    while (!random.chance(busynessAt(ms))) ms = draw()
    return ms
  }
  return {
    instantBetween: (fromMs, untilMs) => busy(() => random.whole(fromMs, untilMs)),
    after: (atMs, meanMs) => busy(() => atMs + Math.ceil(random.exponential(meanMs))),
  }
}

/** Whether it is one of the busy hours of a day, weekends included. */
export function isWorkingHour(ms: number): boolean {
  return busynessOfHour(ms) > 0.7
}

function busynessAt(ms: number): number {
  // 1970-01-01 was a Thursday: three days later begins the first week to start on a Sunday.
  const weekday = (dayOf(ms) + 4) % 7
  return busynessOfHour(ms) * (weekday === 0 || weekday === 6 ? WEEKEND_BUSYNESS : 1)
}

function busynessOfHour(ms: number): number {
  return BUSYNESS_BY_HOUR[Math.floor((ms % DAY_MS) / HOUR_MS)] ?? 1
}
