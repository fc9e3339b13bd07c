import { describe, expect, it } from 'vitest'
import { type AdmissionOptions, createAdmission } from '../../src/http/admission.ts'
import { createLateness } from '../../src/http/lateness.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createTestClock } from '../support/clock.ts'

const BUSY = { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 }
const QUEUE_MS = 1_000
const SHORT_MS = QUEUE_MS / 5

function start(options: Partial<AdmissionOptions> = {}) {
  const clock = createTestClock(0)
  const admission = createAdmission({
    most: 10_000,
    userPercent: 25,
    maxQueueMs: QUEUE_MS,
    clock,
    ...options,
  })
  /** In the order in which they came: the first of them ends next. */
  const inside: (() => void)[] = []
  return {
    ...admission,
    clock,
    inside,
    /** @returns whether it was let in */
    come: (lateMs?: number, user: string | null = null) => {
      try {
        admission.begin(lateMs)()
        inside.push(admission.enter(user))
        return true
      } catch (error) {
        expect(error).toMatchObject(user === null ? BUSY : { retryAfterSeconds: 1 })
        return false
      }
    },
    end: () => inside.shift()?.(),
  }
}

/**
 * A service that needs `eachMs` for one, and to which `factor` times as many come as it can do.
 * @returns how long those waited who were let in, in the order in which they came
 */
function serve(
  { come, clock, inside }: ReturnType<typeof start>,
  eachMs: number,
  factor: number,
  ms: number,
) {
  const waits: number[] = []
  const cameAt: number[] = []
  let due = 0
  for (let at = 0; at < ms; at += eachMs) {
    for (due += factor; due >= 1; due -= 1) if (come()) cameAt.push(clock.steadyMs())
    clock.advance(eachMs)
    const began = cameAt.shift()
    if (began !== undefined) waits.push(clock.steadyMs() - began)
    inside.shift()?.()
  }
  return waits
}

describe('admission', () => {
  it('lets so many in at a time, and nobody who is too late', () => {
    const { come, end, figures } = start({ most: 2, maxQueueMs: 100 })
    expect([come(), come(100), come()]).toEqual([true, true, false])
    end()
    expect([come(101), come(), come()]).toEqual([false, true, false])
    expect(figures()).toEqual({ inside: 2, refused: 3 })
  })

  it('counts one out once, however often that is said', () => {
    const { enter, figures } = start()
    const leave = enter(null)
    enter(null)
    leave()
    leave()
    expect(figures().inside).toBe(1)
  })

  it('lets in whoever comes where no more come than can be done', () => {
    const service = start()
    serve(service, 5, 0.9, 20_000)
    expect(service.figures().refused).toBe(0)
  })

  it.each([2, 4, 16])('keeps the queue short where %i times as many come as can be done', (factor) => {
    const service = start()
    const waits = serve(service, 5, factor, 20_000)
    // As many are done as can be.
    expect(waits.length).toBeGreaterThan(0.99 * (20_000 / 5))
    expect(Math.max(...waits)).toBeLessThan(QUEUE_MS * 1.3)
    const later = waits.slice(waits.length >> 1)
    expect(Math.max(...later)).toBeLessThan(SHORT_MS * 1.3)
  })

  it('control: a bound of the number alone keeps them waiting as long as the number says', () => {
    const service = start({ areLong: true, most: 128 })
    const waits = serve(service, 5, 2, 20_000)
    expect(Math.max(...waits.slice(waits.length >> 1))).toBe(128 * 5)
  })

  it('lets a burst in that can be served in time, and no more of it', () => {
    const service = start()
    serve(service, 5, 4, 500)
    while (service.inside.length > 0) {
      service.clock.advance(5)
      service.end()
    }
    service.clock.advance(5_000)
    const letIn = Array.from({ length: 500 }, () => service.come()).filter(Boolean).length
    expect(letIn).toBeGreaterThan(150)
    expect(letIn).toBeLessThan(250)
  })

  it('lets a burst in again once nobody was refused for a while', () => {
    const service = start()
    serve(service, 5, 4, 5_000)
    expect(service.inside.length).toBeLessThan(50)
    serve(service, 5, 0.5, 2_000)
    const refused = service.figures().refused
    const letIn = Array.from({ length: 100 }, () => service.come()).filter(Boolean).length
    expect([letIn, service.figures().refused]).toEqual([100, refused])
  })

  it('takes what calm requests took for the pace, until there are enough to know it', () => {
    const service = start()
    for (let n = 0; n < 8; n += 1) service.come()
    service.clock.advance(800)
    for (let n = 0; n < 5; n += 1) service.end()
    service.clock.advance(9_000)
    for (let n = 0; n < 3; n += 1) service.end()
    const letIn = Array.from({ length: 200 }, () => service.come()).filter(Boolean).length
    expect(letIn).toBe(16)
    serve(service, 1, 0, 20)
    serve(service, 1, 1, 500)
    expect(Array.from({ length: 200 }, () => service.come()).every(Boolean)).toBe(true)
  })

  it('refuses where nothing ends, as soon as that has lasted too long, and goes on when something does', () => {
    const service = start()
    for (let n = 0; n < 20; n += 1) service.come()
    service.clock.advance(QUEUE_MS)
    expect(service.come()).toBe(true)
    service.clock.advance(1)
    expect(service.come()).toBe(false)
    while (service.inside.length >= 10) service.end()
    expect(service.come()).toBe(true)
  })

  it('never refuses the few that keep a database busy, however long they take', () => {
    const service = start()
    serve(service, 500, 1, 20_000)
    expect(service.figures().refused).toBe(0)
    for (let n = 0; n < 10; n += 1) expect(service.come()).toBe(true)
    service.clock.advance(60_000)
    expect(service.come()).toBe(true)
  })

  it('learns no pace from those who left before they were done', () => {
    const service = start()
    const leave = Array.from({ length: 20 }, () => service.enter(null))
    service.clock.advance(900)
    for (const one of leave.slice(0, 16)) one(false)
    expect(Array.from({ length: 200 }, () => service.come()).every(Boolean)).toBe(true)
  })

  it('counts whose key is looked at, and takes none of them for a queue', () => {
    const service = start({ most: 30 })
    const ends = Array.from({ length: 29 }, () => service.begin())
    service.clock.advance(60_000)
    expect([service.come(), service.come()]).toEqual([true, false])
    for (const end of ends) end()
    expect(service.figures().inside).toBe(1)
  })

  it.each([
    { other: 'other', areServed: true },
    { other: 'greedy', areServed: false },
  ])(
    'next to a user who sends without end, requests of the user $other are let in: $areServed',
    ({ other, areServed }) => {
      const service = start({ most: 256 })
      const { come, clock, inside } = service
      let [came, refused] = [0, 0]
      for (let at = 0; at < 20_000; at += 50) {
        for (let n = 0; n < 5; n += 1) come(0, 'greedy')
        if (at % 1_000 === 0) {
          came += 1
          if (!come(0, other)) refused += 1
        }
        clock.advance(50)
        inside.shift()?.()
      }
      expect(came).toBe(20)
      if (areServed) expect(refused).toBe(0)
      else expect(refused).toBeGreaterThan(10)
    },
  )

  it('a user whose requests are served one after another, slowly, delays no request of another user', () => {
    const { come, begin, clock, inside, enter, figures } = start({ most: 256 })
    for (let n = 0; n < 40; n += 1) come(0, 'greedy')
    let others = 0
    for (let at = 0; at < 20_000; at += 60) {
      come(0, 'greedy')
      // Users are served in turn, so this one ends before the others of the greedy user.
      begin(0, 'other')()
      const leave = enter('other')
      others += 1
      clock.advance(60)
      inside.shift()?.()
      leave()
    }
    expect(others).toBe(334)
    expect(figures().refused).toBeGreaterThan(0)
  })

  it('a key that is not known yet does not wait for the queue of a user', () => {
    const { come, begin, clock, inside } = start()
    for (let n = 0; n < 200; n += 1) {
      come(0, 'greedy')
      clock.advance(50)
      if (n > 100) inside.shift()?.()
    }
    expect(() => begin()()).not.toThrow()
  })

  it('a user has all places but a share while nobody else comes, and a share as soon as somebody does', () => {
    const { come, end } = start({ most: 40, maxQueueMs: 60_000 })
    const letIn = () => Array.from({ length: 40 }, () => come(0, 'one')).filter(Boolean).length
    expect(letIn()).toBe(30)
    expect(come(0, 'other')).toBe(true)
    for (let n = 0; n < 31; n += 1) end()
    expect(letIn()).toBe(10)
  })

  it('knows no wait of those who are long by nature', () => {
    const service = start({ areLong: true })
    for (let n = 0; n < 100; n += 1) service.come()
    service.clock.advance(60_000)
    expect(service.come()).toBe(true)
  })
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
