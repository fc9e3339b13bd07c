import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/kernel/clock.ts'
import { createTrustedTime } from '../../src/logs/trusted-time.ts'
import { type TestClock, createTestClock } from '../support/clock.ts'

const START = Date.UTC(2026, 10, 20, 12)

function start(): { clock: TestClock; time: () => number; jumps: number[] } {
  const clock = createTestClock(START)
  const jumps: number[] = []
  return { clock, jumps, time: createTrustedTime(clock, (aheadMs) => void jumps.push(aheadMs)) }
}

describe('the time by which is deleted', () => {
  it('is that of a clock which nobody sets', () => {
    const { clock, time, jumps } = start()
    for (let hours = 0; hours < 100; hours += 1) {
      expect(time()).toBe(START + hours * HOUR_MS)
      clock.advance(HOUR_MS)
    }
    expect(jumps).toEqual([])
  })

  it('does not follow a clock that jumps ahead, tells it once, and follows again when it is set right', () => {
    const { clock, time, jumps } = start()
    clock.jump(DAY_MS)
    expect(time()).toBe(START)
    clock.advance(HOUR_MS)
    expect(time()).toBe(START + HOUR_MS)
    expect(jumps).toEqual([DAY_MS])
    clock.jump(-DAY_MS)
    expect(time()).toBe(START + HOUR_MS)
    clock.jump(2 * DAY_MS)
    expect(time()).toBe(START + HOUR_MS)
    expect(jumps).toEqual([DAY_MS, 2 * DAY_MS])
  })

  it('takes a jump for a correction once it has lasted for a day, and no more of it than has lasted', () => {
    const { clock, time } = start()
    clock.jump(HOUR_MS)
    time()
    clock.advance(12 * HOUR_MS)
    clock.jump(HOUR_MS)
    expect(time()).toBe(START + 12 * HOUR_MS)
    clock.advance(12 * HOUR_MS - 1)
    expect(time()).toBe(START + DAY_MS - 1)
    clock.advance(1)
    expect(time()).toBe(START + DAY_MS + HOUR_MS)
    // The second jump is seen anew from here on.
    time()
    clock.advance(DAY_MS)
    expect(time()).toBe(START + 2 * DAY_MS + 2 * HOUR_MS)
  })

  it('follows a clock that goes back at once, and does not trust it when it comes back', () => {
    const { clock, time } = start()
    clock.jump(-DAY_MS)
    expect(time()).toBe(START - DAY_MS)
    clock.jump(DAY_MS)
    expect(time()).toBe(START - DAY_MS)
    clock.advance(DAY_MS)
    expect(time()).toBe(START + DAY_MS)
  })

  it('says nothing of corrections below a minute', () => {
    const { clock, time, jumps } = start()
    clock.jump(MINUTE_MS - 1)
    expect(time()).toBe(START)
    clock.jump(SECOND_MS)
    expect(time()).toBe(START)
    expect(jumps).toEqual([MINUTE_MS + SECOND_MS - 1])
  })
})
