import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { PLATFORMS } from '../../src/connections/event.ts'
import { createRecordParser } from '../../src/connections/input.ts'
import { parseMetadata } from '../../src/connections/metadata.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const EVENT = { platform: 'reddit', eventType: 'connect_failed', connectionMethod: 'oauth' }
const PATH = '/api/v1/connections/logs'

/** A list that counts how many of its elements are looked at. */
function countingList(length: number) {
  let looks = 0
  const list = new Proxy(
    Array.from({ length }, (_, index) => index),
    {
      get: (target, name, receiver) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) looks += 1
        return Reflect.get(target, name, receiver)
      },
    },
  )
  return { list, looks: () => looks }
}

/** An object that counts how many of its members are looked at. */
function countingObject(members: number) {
  let looks = 0
  const object = new Proxy(
    Object.fromEntries(Array.from({ length: members }, (_, index) => [`k${index}`, 0])),
    {
      get: (target, name, receiver) => {
        if (typeof name === 'string' && name.startsWith('k')) looks += 1
        return Reflect.get(target, name, receiver)
      },
    },
  )
  return { object, looks: () => looks }
}

const messageOf = (work: () => unknown): string => {
  try {
    work()
    return 'nothing was thrown'
  } catch (error) {
    return (error as Error).message
  }
}

describe('a log with far too many parts', () => {
  const parse = createRecordParser([...PLATFORMS])

  it('is refused without a look at the elements of its permissions', () => {
    const { list, looks } = countingList(50_000)
    expect(messageOf(() => parse({ ...EVENT, success: { permissions: list } }, '[3]'))).toBe(
      'Expected `[3].success.permissions` to be a list of at most 200 texts, got a list of 50000.',
    )
    expect(looks()).toBe(0)
  })

  it('is looked at to its end by a check of elements before their number', () => {
    const { list, looks } = countingList(50_000)
    const wrong = list.map((one) => z.string().safeParse(one)).filter(({ success }) => !success)
    expect([wrong.length, looks() >= 50_000]).toEqual([50_000, true])
  })

  it('is refused for its fields without a look at their values', () => {
    const { object, looks } = countingObject(50_000)
    expect(messageOf(() => parse(object, ''))).toBe('Expected a log to have at most 50 fields, got 50000.')
    expect(messageOf(() => parse({ ...EVENT, error: object }, ''))).toBe(
      'Expected `error` to have at most 50 fields, got 50000.',
    )
    expect(looks()).toBeLessThan(10)
  })

  it('has no more of its metadata looked at than may be stored', () => {
    const { object, looks } = countingObject(50_000)
    expect(messageOf(() => parseMetadata(object, 'metadata', undefined))).toMatch(
      /^Expected `metadata` to be an object of at most 16384 bytes as JSON/,
    )
    expect(looks()).toBeLessThan(5_000)
    const naive = countingObject(50_000)
    JSON.stringify(naive.object)
    expect(naive.looks()).toBeGreaterThanOrEqual(50_000)
  })
})

/** A clock by which each part of the work takes longer than a turn may. It counts the turns that are given. */
function createCountingClock() {
  let steadyMs = 0
  let turns = 0
  return {
    ...systemClock,
    steadyMs: () => (steadyMs += 20),
    sleep: (ms: number, signal?: AbortSignal) => {
      if (ms === 0) turns += 1
      return systemClock.sleep(ms, signal)
    },
    turns: () => turns,
  }
}

describe.each(PROVIDERS)('a body that takes long to check, on %s', (provider) => {
  const rawResponse = 'EAAGEAA'.repeat(9_000)
  const metadata = { a: 'token=abcdefgh12 '.repeat(900) }
  const list = (length: number, more: object) =>
    JSON.stringify(Array.from({ length }, () => ({ ...EVENT, ...more })))
  const lines = Array.from({ length: 120 }, () => JSON.stringify({ ...EVENT, metadata })).join('\n')

  it.each([
    ['62 raw responses of 63 kB', 'application/json', list(62, { error: { rawResponse } }), 200, 62],
    ['240 times 15 kB of metadata', 'application/json', list(240, { metadata }), 200, 240],
    ['120 lines of 15 kB', 'application/x-ndjson', lines, 200, 240],
    ['2,000,000 permissions', 'application/json', `[${'0,'.repeat(2_000_000)}0]`, 400, 60],
    [
      '380,000 keys',
      'application/json',
      `{${Array.from({ length: 380_000 }, (_, i) => `"${i}":0`).join()}}`,
      400,
      30,
    ],
  ])('gives others a turn before each of its parts: %s', async (_, type, body, status, parts) => {
    // Requests take no time limit here: this clock runs far too fast for one.
    const clock = createCountingClock()
    const app = await startTestApp(provider, { clock, env: { REQUEST_TIMEOUT_SECONDS: '600' } })
    const key = await app.key(null)
    const before = clock.turns()
    const response = await app.send(key, PATH, { method: 'POST', headers: { 'content-type': type }, body })
    const answer = await response.text()
    expect([response.status, answer.slice(0, 300)]).toEqual([status, expect.anything()])
    expect(clock.turns() - before).toBeGreaterThanOrEqual(parts)
    if (status === 400)
      expect(answer).toMatch(/Expected the body to be JSON with at most 100000 values, got \d+\./)
  })
})
