import { describe, expect, it } from 'vitest'
import { createShares, overShare } from '../../src/kernel/shares.ts'
import { createTestClock } from '../support/clock.ts'

const start = (options: { total?: number; userPercent?: number; isElastic?: boolean } = {}) => {
  const clock = createTestClock(0)
  return { clock, ...createShares({ total: 100, userPercent: 25, clock, ...options }) }
}

describe('shares', () => {
  it('one user holds at most the share, all users together at most the total', () => {
    const { hold, excess } = start()
    hold('a', 25)
    expect(excess('a')).toEqual({ of: 'user', limit: 25, got: 26 })
    for (const user of ['b', 'c', 'd']) hold(user, 25)
    expect(excess('e')).toEqual({ of: 'process', limit: 100, got: 101 })
    expect(excess(null)).toEqual({ of: 'process', limit: 100, got: 101 })
  })

  it('a user has at least one, however small the total is', () => {
    const { hold, excess } = start({ total: 1 })
    expect(excess('a')).toBeUndefined()
    hold('a', 1)
    expect(excess('b')).toMatchObject({ of: 'process' })
  })

  it('gives back what is ended, once', () => {
    const { hold, held, heldBy } = start()
    const one = hold('a', 3)
    hold('a', 4)
    one.end()
    one.end()
    one.set(50)
    expect([held(), heldBy('a')]).toEqual([4, 4])
  })

  it('an elastic share grows while nobody else comes for ten seconds, and leaves one share free', () => {
    const { clock, excess, limitOf } = start({ isElastic: true })
    excess('a')
    expect(limitOf('a')).toBe(75)
    excess('b')
    expect([limitOf('a'), limitOf('b')]).toEqual([25, 25])
    clock.advance(10_001)
    excess('a')
    expect([limitOf('a'), limitOf('b')]).toEqual([75, 25])
  })

  it('closes the oldest holding of a user who holds too much, and no other', () => {
    const { hold, heldBy } = start()
    const closed: string[] = []
    const holding = (user: string, amount: number, name: string) =>
      hold(user, amount, ({ limit, got }) => closed.push(`${name}: ${got} of ${limit}`))
    holding('a', 10, 'first')
    holding('b', 10, 'of another')
    const second = holding('a', 10, 'second')
    second.set(14)
    expect(closed).toEqual([])
    second.set(18)
    expect(closed).toEqual(['first: 28 of 25'])
    expect([heldBy('a'), heldBy('b')]).toEqual([18, 10])
  })

  it('closes holdings of the user who holds the most if all users together hold too much', () => {
    const { hold } = start({ total: 40, userPercent: 50 })
    const closed: string[] = []
    hold('small', 10, () => closed.push('small'))
    hold('large', 15, () => closed.push('large'))
    hold('new', 14, () => closed.push('new'))
    hold('new', 2, () => closed.push('newest'))
    expect(closed).toEqual(['new'])
  })

  it('leaves what is too much by itself, until there is more', () => {
    const { hold } = start()
    const closed: string[] = []
    const first = hold('a', 0, () => closed.push('first'))
    first.set(60)
    expect(closed).toEqual([])
    hold('a', 1, () => closed.push('second'))
    expect(closed).toEqual(['first'])
  })

  it('never closes what its holder keeps, nor what holds nothing', () => {
    const { hold } = start()
    const closed: string[] = []
    hold('a', 20, () => closed.push('kept')).keep()
    hold('a', 0, () => closed.push('empty'))
    hold('a', 10, () => closed.push('newest'))
    expect(closed).toEqual(['newest'])
  })

  it('a rejection names the bound, its value and what there would be', () => {
    const options = { advice: 'End one first.', retryAfterSeconds: 5 }
    expect(overShare({ of: 'user', limit: 25, got: 26 }, 'subscriptions', options)).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'Expected at most 25 subscriptions of this user at a time, got 26. End one first.',
      retryAfterSeconds: 5,
    })
    expect(overShare({ of: 'process', limit: 100, got: 101 }, 'subscriptions', options)).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      message: 'Expected at most 100 subscriptions of all users at a time, got 101. End one first.',
    })
  })
})
