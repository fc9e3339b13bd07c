import { describe, expect, it } from 'vitest'
import { createPatience } from '../../src/cli/tail/patience.ts'
import { createRandom } from '../../src/demo/random.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { logsAddress } from '../../src/late/address.ts'
import { createLateClient } from '../../src/late/client.ts'
import { createHastyClock } from '../support/hasty-clock.ts'

const CLIENTS = 200
/** A pause is in one of so many equal parts of the time in which it may be. */
const PARTS = 10
/** Many times what chance puts into one part of ten; all of them are there where nothing is left to chance. */
const MOST_IN_A_PART = CLIENTS / 4

type Random = () => number

/** What one client sleeps, who fails so often and is asked to wait for so many seconds each time. */
type Client = (failures: number, askedSeconds: number | undefined, random: Random) => Promise<number[]>

/** `connlog pull` of a server that answers at last. */
const pull: Client = async (failures, askedSeconds, random) => {
  const clock = createHastyClock()
  let left = failures
  const fetch = async () => {
    left -= 1
    return left < 0
      ? Response.json({ logs: [], pagination: { total: 0, hasMore: false } })
      : new Response('', {
          status: 503,
          headers: askedSeconds === undefined ? {} : { 'retry-after': String(askedSeconds) },
        })
  }
  const { signal: stop } = new AbortController()
  const address = logsAddress('http://late.test')
  const pageAt = createLateClient({
    address,
    key: 'k',
    days: 7,
    userAgent: 'test',
    fetch,
    clock,
    stop,
    random,
  })
  await pageAt(0)
  return clock.slept
}

/** `connlog tail --url`. */
const tail: Client = async (failures, askedSeconds, random) => {
  const clock = createHastyClock()
  const { signal: stop } = new AbortController()
  const patience = createPatience({ clock, stop, random, say: () => undefined })
  const failure = new AppError('SERVICE_UNAVAILABLE', 'Away.', { retryAfterSeconds: askedSeconds })
  for (let tries = 0; tries < failures; tries += 1) await patience.afterFailure(failure)
  return clock.slept
}

/** The most clients who come back in the same part of the time from the least to the longest pause. */
function mostTogether(pauses: readonly number[], leastMs: number, longestMs: number): number {
  const parts = Array.from({ length: PARTS }, () => 0)
  for (const ms of pauses) {
    const part = Math.min(PARTS - 1, Math.floor(((ms - leastMs) / (longestMs - leastMs)) * PARTS))
    parts[part] = (parts[part] ?? 0) + 1
  }
  return Math.max(...parts)
}

/** What all clients sleep before each try, who fail in the same moment. */
async function pausesOf(client: Client, failures: number, asked: number | undefined, random: Random) {
  const all = await Promise.all(Array.from({ length: CLIENTS }, () => client(failures, asked, random)))
  expect(all.map(({ length }) => length)).toEqual(all.map(() => failures))
  return Array.from({ length: failures }, (_, index) => all.map((slept) => slept[index] ?? Number.NaN))
}

describe.each([
  ['pull', pull],
  ['tail --url', tail],
])('the pauses of connlog %s', (_, client) => {
  it('are between half of a second, two, four … up to a minute and the whole, and spread over it', async () => {
    const { fraction } = createRandom(1)
    const pauses = await pausesOf(client, 7, undefined, fraction)
    for (const [index, of] of pauses.entries()) {
      const longestMs = Math.min(60_000, 1_000 * 2 ** index)
      expect(Math.min(...of)).toBeGreaterThanOrEqual(longestMs / 2)
      expect(Math.max(...of)).toBeLessThanOrEqual(longestMs)
      expect(mostTogether(of, longestMs / 2, longestMs)).toBeLessThan(MOST_IN_A_PART)
    }
  })

  it('are spread over a second after what the service asks for', async () => {
    const { fraction } = createRandom(2)
    const [first = []] = await pausesOf(client, 1, 30, fraction)
    expect(Math.min(...first)).toBeGreaterThanOrEqual(30_000)
    expect(Math.max(...first)).toBeLessThanOrEqual(31_000)
    expect(mostTogether(first, 30_000, 31_000)).toBeLessThan(MOST_IN_A_PART)
  })

  it('control: without chance all come back together', async () => {
    for (const asked of [undefined, 30]) {
      const pauses = await pausesOf(client, 7, asked, () => 0.5)
      expect(pauses.map((of) => new Set(of).size)).toEqual(pauses.map(() => 1))
      const [first = []] = pauses
      expect(
        mostTogether(first, asked === undefined ? 500 : 30_000, asked === undefined ? 1_000 : 31_000),
      ).toBe(CLIENTS)
    }
  })
})
