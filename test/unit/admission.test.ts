import { expect, it } from 'vitest'
import { createAdmission } from '../../src/http/admission.ts'
import { createLateness } from '../../src/http/lateness.ts'
import { systemClock } from '../../src/kernel/clock.ts'

it('lets so many in at a time, and nobody who is too late', () => {
  const admission = createAdmission(2, 100)
  const busy = { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 }
  const leave = admission.enter()
  admission.enter(100)
  expect(() => admission.enter()).toThrow(expect.objectContaining(busy))
  leave()
  leave()
  expect(() => admission.enter(101)).toThrow(expect.objectContaining(busy))
  admission.enter()
  expect(() => admission.enter()).toThrow(expect.objectContaining(busy))
  expect(admission.figures()).toEqual({ inside: 2, refused: 3 })
})

it('counts how late one is from the first of a turn, and anew in the next', async () => {
  let nowMs = 1_000
  const lateMs = createLateness({ ...systemClock, steadyMs: () => nowMs })
  expect(lateMs()).toBe(0)
  nowMs += 300
  expect(lateMs()).toBe(300)
  await systemClock.sleep(0)
  expect(lateMs()).toBe(0)
})
