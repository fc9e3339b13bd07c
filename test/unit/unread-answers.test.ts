import { expect, it } from 'vitest'
import { READ_WITHIN_MS, createUnreadAnswers } from '../../src/http/unread-answers.ts'
import { createTestClock } from '../support/clock.ts'

const MB = 1_048_576

/** Answers to users, whose sizes the test sets; time passes only when the test says so. */
function start() {
  const clock = createTestClock(0)
  const waking: (() => void)[] = []
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      waking.push(resolve)
      signal?.addEventListener('abort', () => resolve())
    })
  const unread = createUnreadAnswers({ mostBytes: 16 * MB, userPercent: 25, clock: { ...clock, sleep } })
  const closed: string[] = []
  const answer = (user: string | null, name: string) => {
    const sent = unread.answerTo(user)
    const holds = (bytes: number) => sent.measure({ destroy: () => void closed.push(name) }, bytes)
    return { ...sent, holds }
  }
  const pass = async (ms: number) => {
    clock.advance(ms)
    for (const wake of waking.splice(0)) wake()
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
  }
  return { ...unread, answer, closed, pass }
}

it('a user who has left half of the share unread gets no more answers until some are read; others do', async () => {
  const { answer, requireRoom, stop } = start()
  const one = answer('a', 'one')
  one.holds(2 * MB + 1)
  expect(() => requireRoom('a')).toThrow(
    `Expected at most ${2 * MB} bytes of unread answers of this user at a time, got ${2 * MB + 1}. Read them or close their connections.`,
  )
  expect(() => requireRoom('b')).not.toThrow()
  one.holds(1 * MB)
  expect(() => requireRoom('a')).not.toThrow()
  await stop()
})

it('closes the oldest unread answers of a user above the share, those of all above the total', async () => {
  const { answer, closed, stop } = start()
  answer('a', 'old').holds(3 * MB)
  answer('b', 'of another').holds(1 * MB)
  answer('a', 'new').holds(3 * MB)
  expect(closed).toEqual(['old'])
  for (const user of ['c', 'd', 'e']) answer(user, `of ${user}`).holds(4 * MB)
  expect(closed).toEqual(['old'])
  answer('f', 'of f').holds(1 * MB)
  expect(closed).toEqual(['old', 'of c'])
  await stop()
})

it('disconnects a client that does not take what waits for it in time, and none that does, however slow', async () => {
  const { answer, closed, pass, stop } = start()
  answer('a', 'trickling').holds(1 * MB)
  const reading = answer('a', 'reading')
  reading.holds(1 * MB)
  await pass(READ_WITHIN_MS - 1)
  reading.holds(0)
  reading.holds(1 * MB)
  await pass(1)
  expect(closed).toEqual(['trickling'])
  await pass(READ_WITHIN_MS)
  expect(closed).toEqual(['trickling', 'reading'])
  await stop()
})

it('forgets an answer that has ended', async () => {
  const { answer, closed, pass, requireRoom, stop } = start()
  const one = answer('a', 'one')
  one.holds(3 * MB)
  one.end()
  expect(() => requireRoom('a')).not.toThrow()
  await pass(2 * READ_WITHIN_MS)
  expect(closed).toEqual([])
  await stop()
})
