import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type LatePage } from '../../src/late/page.ts'
import { PAGE_SIZE } from '../../src/late/client.ts'
import { walk } from '../../src/late/walk.ts'

/** A list, newest first, and what happens to it between two requests. */
interface Change {
  readonly front: number
  readonly backdated: number
  readonly expired: number
  readonly erased: number
  /** Where in the list, 0 to 1. */
  readonly at: number
}

const change: fc.Arbitrary<Change> = fc.record({
  front: fc.oneof(fc.nat(5), fc.nat(60)),
  backdated: fc.oneof(fc.nat(5), fc.nat(60)),
  expired: fc.oneof(fc.nat(5), fc.nat(80)),
  erased: fc.oneof(fc.nat(5), fc.nat(150)),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
})

/** A server whose list changes between any two requests, for as long as there are changes. */
function restlessList(size: number, changes: readonly Change[]) {
  let list = Array.from({ length: size }, (_, index) => `first-${index}`)
  const atFirst = new Set(list)
  let requests = 0
  let names = 0
  const fresh = (count: number) => Array.from({ length: count }, () => `later-${(names += 1)}`)
  const pageAt = async (skip: number): Promise<LatePage> => {
    const logs = list.slice(skip, skip + PAGE_SIZE).map((_id) => ({ _id }))
    const total = list.length
    const next = changes[requests]
    requests += 1
    if (next) {
      list.splice(Math.floor(next.at * list.length), next.erased)
      list.splice(Math.floor(next.at * list.length), 0, ...fresh(next.backdated))
      list = [...fresh(next.front), ...list]
      list.splice(Math.max(0, list.length - next.expired))
    }
    return { logs, total, isLast: logs.length < PAGE_SIZE && skip + PAGE_SIZE >= total }
  }
  return { pageAt, lasting: () => list.filter((id) => atFirst.has(id)), requests: () => requests }
}

async function read(pageAt: (skip: number) => Promise<LatePage>): Promise<string[]> {
  const ids: string[] = []
  for await (const { fresh } of walk(pageAt)) ids.push(...fresh.map(({ _id }) => _id))
  return ids
}

/** What comes to mind first, and what the documentation of offset paging says. */
async function readPlainly(pageAt: (skip: number) => Promise<LatePage>): Promise<string[]> {
  const ids: string[] = []
  for (let skip = 0; ; skip += PAGE_SIZE) {
    const { logs, isLast } = await pageAt(skip)
    ids.push(...logs.map(({ _id }) => _id))
    if (isLast || logs.length === 0) return ids
  }
}

const missed = (lasting: readonly string[], ids: readonly string[]) => {
  const had = new Set(ids)
  return lasting.filter((id) => !had.has(id))
}

it('misses no log that is in the list from beginning to end, and brings none twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(3_000), fc.array(change, { maxLength: 80 }), async (size, changes) => {
      const list = restlessList(size, changes)
      const ids = await read(list.pageAt)
      expect(missed(list.lasting(), ids)).toEqual([])
      expect(new Set(ids).size).toBe(ids.length)
    }),
    { numRuns: 500 },
  )
})

it('adding the limit to `skip` misses logs when others vanish', async () => {
  const quiet = { front: 0, backdated: 0, expired: 0, erased: 0, at: 0 }
  const changes = [{ ...quiet, erased: 30 }]
  const plain = restlessList(500, changes)
  expect(missed(plain.lasting(), await readPlainly(plain.pageAt))).toHaveLength(30)
  const walked = restlessList(500, changes)
  expect(missed(walked.lasting(), await read(walked.pageAt))).toEqual([])
})

it.each([
  ['a list that stands still', 100_000, [], 1_112],
  ['thousands that arrive at once', 10_000, at(50, { front: 4_000 }), 115],
  ['thousands that are erased at once', 20_000, at(150, { erased: 9_000, at: 0 }), 235],
  ['the last seen logs that are erased', 20_000, at(150, { erased: 3_000, at: 0.52 }), 250],
  ['all that vanish', 5_000, at(20, { erased: 5_000, at: 0 }), 30],
  ['an empty list', 0, [], 1],
  ['a full last page', 100, [], 2],
])('is quick about %s', async (_, size, changes, most) => {
  const list = restlessList(size, changes)
  const ids = await read(list.pageAt)
  expect(missed(list.lasting(), ids)).toEqual([])
  expect(list.requests()).toBeLessThanOrEqual(most)
})

/** One change after so many requests. */
function at(request: number, what: Partial<Change>): Change[] {
  const quiet = { front: 0, backdated: 0, expired: 0, erased: 0, at: 0 }
  return Array.from({ length: request }, (_, index) =>
    index === request - 1 ? { ...quiet, ...what } : quiet,
  )
}

it('gives up, in a sentence, where more arrive between two requests than a page holds', async () => {
  const flood = Array.from({ length: 10_000 }, () => ({
    front: 120,
    backdated: 0,
    expired: 0,
    erased: 0,
    at: 0,
  }))
  await expect(read(restlessList(5_000, flood).pageAt)).rejects.toThrow(
    'The list of logs moves faster than it can be read: page after page brought nothing new.',
  )
})
