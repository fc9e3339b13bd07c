import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'

/**
 * The only source of time. Everything that asks "what time is it" or waits takes a Clock, so that tests can
 * stand at any millisecond. Instants are whole milliseconds since 1970-01-01T00:00:00Z.
 */
export interface Clock {
  /** The present instant, in milliseconds since the epoch. */
  now(): number
  /**
   * Milliseconds since some fixed point: never set, so it neither jumps nor goes back. It may stand still while the
   * machine sleeps. Only differences mean anything.
   */
  steadyMs(): number
  /**
   * Resolves after `ms` milliseconds, or as soon as `signal` is aborted; never rejects. After 0 as soon as whatever else
   * is waiting for its turn has had it, which may be at once.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  steadyMs: () => performance.now(),
  // A timer of 0 would wait for a millisecond, and more under load.
  sleep: (ms, signal) =>
    (ms === 0 ? turn() : delay(ms, undefined, signal ? { signal } : {})).catch(() => undefined),
}

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** The day of an instant in UTC, counted from 1970-01-01. */
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS)
