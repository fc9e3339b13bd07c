import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { type FairSemaphore, createFairSemaphore } from '../../src/kernel/fair-semaphore.ts'

/** The control: who comes first is served first, whoever it is. */
function createFifo(places: number): FairSemaphore {
  const waiting: (() => void)[] = []
  let free = places
  return {
    run: async (_, work) => {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => void waiting.push(resolve))
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else free += 1
      }
    },
  }
}

/** Work that lasts until it is ended by hand. */
function createBench(semaphore: FairSemaphore) {
  const running: { key: string; end: () => void }[] = []
  const log: string[] = []
  return {
    log,
    running: () => running.map(({ key }) => key).sort(),
    add: (key: string, times = 1, signal?: AbortSignal) => {
      const all = Array.from({ length: times }, () =>
        semaphore.run(
          key,
          () =>
            new Promise<void>((resolve) => {
              log.push(key)
              running.push({ key, end: resolve })
            }),
          signal,
        ),
      )
      return Promise.all(all)
    },
    /** Ends what has run longest, of one key if given. */
    endOne: async (key?: string) => {
      const index = running.findIndex((one) => key === undefined || one.key === key)
      const [one] = index < 0 ? [] : running.splice(index, 1)
      one?.end()
      await settle()
    },
  }
}

const settle = () => new Promise<void>((resolve) => void setImmediate(resolve))
const fair = (places: number) => createFairSemaphore({ places, sharePercent: 25 })

describe('a fair semaphore', () => {
  it.each([
    ['the fair one', fair(8), true],
    ['one that serves in the order of arrival', createFifo(8), false],
  ])(
    'with %s, a key that asks for much keeps another one from its share: not %s',
    async (_, semaphore, isFair) => {
      const bench = createBench(semaphore)
      void bench.add('greedy', 100)
      await settle()
      void bench.add('other', 2)
      await settle()
      expect(bench.running().filter((key) => key === 'other')).toHaveLength(isFair ? 2 : 0)
      for (let ended = 0; ended < 50; ended += 1) await bench.endOne('greedy')
      expect(bench.log.includes('other')).toBe(isFair)
    },
  )

  it('keeps a share free for whoever comes next, however much one key asks for', async () => {
    const bench = createBench(fair(8))
    void bench.add('greedy', 100)
    await settle()
    expect(bench.running()).toHaveLength(6)
  })

  it('gives the only place there is to one key after the other', async () => {
    const bench = createBench(fair(1))
    void bench.add('a', 3)
    void bench.add('b', 3)
    void bench.add('c', 1)
    for (let ended = 0; ended < 7; ended += 1) {
      await settle()
      await bench.endOne()
    }
    expect(bench.log).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'b'])
  })

  it('divides what two keys want beyond their shares evenly', async () => {
    const bench = createBench(fair(8))
    void bench.add('a', 100)
    await settle()
    void bench.add('b', 100)
    for (let ended = 0; ended < 20; ended += 1) await bench.endOne('a')
    const held = bench.running()
    expect(held.filter((key) => key === 'a')).toHaveLength(3)
    expect(held.filter((key) => key === 'b')).toHaveLength(3)
  })

  it('never runs more than there are places, and runs everything in the end', async () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const places = 1 + (seed % 9)
      const bench = createBench(fair(places))
      let random = seed
      const next = (below: number) => (random = (random * 48_271) % 2_147_483_647) % below
      const added: Promise<unknown>[] = []
      for (let step = 0; step < 60; step += 1) {
        if (next(2) === 0) added.push(bench.add(`key-${next(4)}`, 1 + next(3)))
        else await bench.endOne()
        await settle()
        expect(bench.running().length).toBeLessThanOrEqual(places)
      }
      while (bench.running().length > 0) await bench.endOne()
      await Promise.all(added)
    }
  })

  it('lets go of one who does not wait any more, and gives the place to the next', async () => {
    const bench = createBench(fair(1))
    void bench.add('a')
    const leaving = new AbortController()
    const left = bench.add('b', 1, leaving.signal)
    const waits = bench.add('b')
    await settle()
    leaving.abort()
    await expect(left).rejects.toThrow('The request is over.')
    await expect(bench.add('a', 1, AbortSignal.abort())).rejects.toThrow('The request is over.')
    await bench.endOne('a')
    expect(bench.log).toEqual(['a', 'b'])
    await bench.endOne('b')
    await waits
  })

  it('lets nobody wait longer than the limit', async () => {
    let over: () => void = () => undefined
    const clock = {
      ...systemClock,
      sleep: (ms: number) => new Promise<void>((resolve) => (over = ms === 2_000 ? resolve : over)),
    }
    const error = () => new AppError('SERVICE_UNAVAILABLE', 'Too long.')
    const bench = createBench(
      createFairSemaphore({ places: 1, sharePercent: 25, limit: { waitMs: 2_000, clock, error } }),
    )
    void bench.add('a')
    const waits = bench.add('b')
    await settle()
    over()
    await expect(waits).rejects.toThrow('Too long.')
    await bench.endOne()
    expect(bench.log).toEqual(['a'])
  })

  it('gives the place back when the work fails', async () => {
    const semaphore = fair(1)
    await expect(semaphore.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await semaphore.run('b', () => Promise.resolve('done'))).toBe('done')
  })
})
