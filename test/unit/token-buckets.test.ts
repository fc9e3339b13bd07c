import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenBuckets } from '../../src/auth/token-buckets.ts'
import { MINUTE_MS } from '../../src/kernel/clock.ts'
import { createTestClock } from '../support/clock.ts'

interface Step {
  readonly afterMs: number
  readonly tokens: number
  readonly is: 'take' | 'charge' | 'give back'
}

/** Some hundred milliseconds to a minute and a half apart, of one key or of the other. */
const steps = fc.array(
  fc.record<Step & { id: string }>({
    id: fc.constantFrom('a', 'b'),
    afterMs: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 90_000 })),
    tokens: fc.integer({ min: 1, max: 12 }),
    is: fc.constantFrom('take', 'take', 'take', 'charge', 'give back'),
  }),
  { maxLength: 40 },
)

/** A bucket as one would write it down: whole numbers too, but filled millisecond by millisecond. */
function createNaiveBucket(perMinute: number) {
  const capacity = perMinute * MINUTE_MS
  let level = capacity
  return {
    pass: (ms: number) => {
      for (let passed = 0; passed < ms && level < capacity; passed += 1)
        level = Math.min(capacity, level + perMinute)
    },
    take: (tokens: number): boolean => {
      const wanted = Math.min(tokens * MINUTE_MS, capacity)
      if (wanted > level) return false
      level -= wanted
      return true
    },
    charge: (tokens: number) => void (level = Math.max(-2 * capacity, level - tokens * MINUTE_MS)),
    giveBack: (tokens: number) => void (level = Math.min(capacity, level + tokens * MINUTE_MS)),
    remaining: () => Math.max(0, Math.floor(level / MINUTE_MS)),
    fullInMs: () => Math.ceil((capacity - level) / perMinute),
  }
}

/** A window of a minute that begins with the first request, as limits are often kept. */
function createFixedWindow(perMinute: number) {
  let [begun, taken] = [Number.NEGATIVE_INFINITY, 0]
  return (nowMs: number): boolean => {
    if (nowMs - begun >= MINUTE_MS) [begun, taken] = [nowMs, 0]
    taken += 1
    return taken <= perMinute
  }
}

/** The most by which a stretch of time has seen more than a bucket holds and what flows into it meanwhile. */
function excess(taken: readonly { at: number; tokens: number }[], perMinute: number): number {
  let most = Number.NEGATIVE_INFINITY
  taken.forEach((first, from) => {
    let sum = 0
    for (const { at, tokens } of taken.slice(from)) {
      sum += tokens
      most = Math.max(most, sum - perMinute - ((at - first.at) * perMinute) / MINUTE_MS)
    }
  })
  return most
}

const limits = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom(1_200, 7_919, 1_000_000))

describe('a bucket of tokens', () => {
  it('holds at every moment what the naive one holds', () => {
    fc.assert(
      fc.property(limits, steps, (perMinute, given) => {
        const clock = createTestClock(0)
        const buckets = createTokenBuckets({ perMinute, clock })
        const naive = { a: createNaiveBucket(perMinute), b: createNaiveBucket(perMinute) }
        for (const { id, afterMs, tokens, is } of given) {
          clock.advance(afterMs)
          for (const one of Object.values(naive)) one.pass(afterMs)
          const model = id === 'a' ? naive.a : naive.b
          if (is === 'take') expect(buckets.take(id, tokens) === 0).toBe(model.take(tokens))
          else if (is === 'charge') {
            buckets.charge(id, tokens)
            model.charge(tokens)
          } else {
            buckets.giveBack(id, tokens)
            model.giveBack(tokens)
          }
          expect(buckets.remaining(id)).toBe(model.remaining())
          expect(buckets.fullInMs(id)).toBe(model.fullInMs())
        }
      }),
      { numRuns: 30 },
    )
  })

  it('never gives more than it holds and what flows into it, in any stretch of time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), steps, (perMinute, given) => {
        const clock = createTestClock(0)
        const buckets = createTokenBuckets({ perMinute, clock })
        const taken: { at: number; tokens: number }[] = []
        for (const { afterMs, tokens } of given) {
          clock.advance(afterMs)
          const asked = Math.min(tokens, perMinute)
          if (buckets.take('a', asked) === 0) taken.push({ at: clock.steadyMs(), tokens: asked })
        }
        expect(excess(taken, perMinute)).toBeLessThanOrEqual(0)
      }),
      { numRuns: 50 },
    )
  })

  it('and a window of a minute does: twice the limit in a moment', () => {
    const allowed = createFixedWindow(10)
    const times = [0, ...Array.from({ length: 9 }, () => 59_999), ...Array.from({ length: 10 }, () => 60_000)]
    const taken = times.filter(allowed).map((at) => ({ at, tokens: 1 }))
    expect(excess(taken, 10)).toBeCloseTo(9, 2)
  })

  it('says to the millisecond when what it refuses will pass', () => {
    fc.assert(
      fc.property(limits, steps, (perMinute, given) => {
        const clock = createTestClock(0)
        const buckets = createTokenBuckets({ perMinute, clock })
        for (const { afterMs, tokens } of given) {
          clock.advance(afterMs % 300)
          const waitMs = buckets.take('a', tokens)
          if (waitMs === 0) continue
          clock.advance(waitMs - 1)
          expect(buckets.take('a', tokens)).toBe(1)
          clock.advance(1)
          expect(buckets.take('a', tokens)).toBe(0)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('goes by the steady clock, whatever the time of day is set to', () => {
    const clock = createTestClock(0)
    const buckets = createTokenBuckets({ perMinute: 2, clock })
    expect([buckets.take('a', 2), buckets.take('a', 1)]).toEqual([0, 30_000])
    clock.jump(3_600_000)
    expect(buckets.take('a', 1)).toBe(30_000)
    clock.jump(-7_200_000)
    clock.advance(30_000)
    expect(buckets.take('a', 1)).toBe(0)
  })

  it('remembers a bounded number, and forgets the one that was left alone the longest', () => {
    const clock = createTestClock(0)
    const buckets = createTokenBuckets({ perMinute: 5, clock, max: 100 })
    buckets.take('busy', 5)
    for (let other = 0; other < 10_000; other += 1) {
      buckets.take(`other-${other}`, 1)
      if (other % 50 === 0) expect(buckets.take('busy', 1)).toBe(12_000)
    }
    expect(buckets.size()).toBe(100)
    // Nobody has asked for it in a while: it begins anew.
    for (let other = 0; other < 100; other += 1) buckets.take(`last-${other}`, 1)
    expect(buckets.take('busy', 1)).toBe(0)
  })
})
