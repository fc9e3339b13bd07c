import { expect, it } from 'vitest'
import { sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type FairSemaphore, createFairSemaphore } from '../../src/kernel/fair-semaphore.ts'
import { createFairReads } from '../../src/logs/fair-reads.ts'

const STATEMENT = sql`SELECT 1`
const SMALL = [{ logs: '[]' }]
const LARGE = [{ logs: 'x'.repeat(300_000) }]

/** A database that answers when the test says so, and a clock whose pauses the test ends. */
function start(shares: FairSemaphore = createFairSemaphore({ places: 8, sharePercent: 25 })) {
  const running: { answer(rows: object[]): void }[] = []
  const pauses: { ms: number; end(): void }[] = []
  let nowMs = 0
  const readsOf = createFairReads(
    {
      query: <Row>() =>
        new Promise<Row[]>((resolve) => running.push({ answer: (rows) => resolve(rows as Row[]) })),
    },
    shares,
    {
      ...systemClock,
      steadyMs: () => nowMs,
      sleep: (ms) => new Promise((resolve) => pauses.push({ ms, end: () => resolve() })),
    },
  )
  const settle = () => systemClock.sleep(0)
  return {
    running,
    pauses,
    /** @returns how many of the reads have been answered */
    read: (user: string, times = 1) => {
      const answered = { count: 0 }
      for (let n = 0; n < times; n += 1) void readsOf(user)(STATEMENT).then(() => void (answered.count += 1))
      return answered
    },
    answer: async (rows: object[], tookMs = 0) => {
      nowMs += tookMs
      running.shift()?.answer(rows)
      await settle()
    },
    settle,
  }
}

it('reads of a user whose rows are small run at once, as many as the share allows', async () => {
  const { read, running, answer, pauses, settle } = start()
  const answered = read('a', 6)
  await settle()
  expect(running).toHaveLength(6)
  for (let n = 0; n < 6; n += 1) await answer(SMALL)
  expect([answered.count, pauses]).toEqual([6, []])
})

it('reads of a user whose rows are large run one after another, with a pause between them', async () => {
  const { read, running, answer, pauses, settle } = start()
  read('a')
  await settle()
  await answer(LARGE)
  const answered = read('a', 3)
  await settle()
  expect(running).toHaveLength(1)
  await answer(LARGE, 40)
  expect([answered.count, running.length, pauses.map(({ ms }) => ms)]).toEqual([1, 0, [80]])
  pauses.shift()?.end()
  await settle()
  expect(running).toHaveLength(1)
  // The rows have become small: the last read does not wait.
  await answer(SMALL, 40)
  expect([answered.count, running.length, pauses]).toEqual([2, 1, []])
  await answer(SMALL)
  expect(answered.count).toBe(3)
})

it('rows that turn out to be large keep those back that already wait for a place', async () => {
  const { read, running, answer, settle } = start(createFairSemaphore({ places: 2, sharePercent: 50 }))
  read('a', 20)
  await settle()
  expect(running).toHaveLength(1)
  await answer(LARGE)
  expect(running).toHaveLength(1)
  const other = read('b')
  await settle()
  expect(running).toHaveLength(2)
  running.pop()?.answer(SMALL)
  await settle()
  expect(other.count).toBe(1)
})

it('a large read that is slow, and the pause after it, keep no other user with large rows waiting', async () => {
  const { read, running, answer, pauses, settle } = start()
  for (const user of ['a', 'b']) {
    read(user)
    await settle()
    await answer(LARGE)
  }
  read('a', 2)
  await settle()
  const other = read('b')
  await settle()
  expect(running).toHaveLength(2)
  running.pop()?.answer(LARGE)
  await settle()
  expect(other.count).toBe(1)
  await answer(LARGE, 20_000)
  expect(pauses.at(-1)?.ms).toBe(250)
})

it('control: without this, large rows arrive as many at a time as there are places', async () => {
  const shares = createFairSemaphore({ places: 8, sharePercent: 25 })
  let running = 0
  for (let n = 0; n < 20; n += 1) void shares.run('a', () => new Promise(() => void (running += 1)))
  await systemClock.sleep(0)
  expect(running).toBe(6)
})

it('a read that fails lets the next one run', async () => {
  const failure = new Error('the database is gone')
  let isFailing = false
  const readsOf = createFairReads(
    { query: async <Row>() => (isFailing ? Promise.reject(failure) : (LARGE as Row[])) },
    createFairSemaphore({ places: 2, sharePercent: 50 }),
    { ...systemClock, sleep: async () => undefined },
  )
  const read = readsOf('a')
  await read(STATEMENT)
  isFailing = true
  await expect(read(STATEMENT)).rejects.toBe(failure)
  isFailing = false
  await expect(read(STATEMENT)).resolves.toEqual(LARGE)
})
