import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import type { Group, GroupOutcome, NewLog } from '../../src/logs/append.ts'
import { type GroupCommit, createGroupCommit } from '../../src/logs/group-commit.ts'

/** Stands for a log: what is tested here never looks inside one. */
type Name = string

const group = (...names: Name[]): Group<Name> =>
  names.map((log): NewLog<Name> => ({ log, eventIds: [], createdAtGiven: false, eventIdAt: '' }))

const namesOf = (groups: readonly Group<Name>[]) => groups.map((group) => group.map(({ log }) => log))

const allCreated = (groups: readonly Group<Name>[]): GroupOutcome<Name>[] =>
  groups.map((group) => group.map(({ log }) => ({ is: 'created', log })))

/** A store that commits when it is told to, and tells which groups came together. */
function createStore(outcomesOf: (groups: readonly Group<Name>[]) => GroupOutcome<Name>[] = allCreated) {
  const flushes: Name[][][] = []
  const waiting: (() => void)[] = []
  return {
    flushes,
    commit: () => waiting.shift()?.(),
    store: async (groups: readonly Group<Name>[]) => {
      flushes.push(namesOf(groups))
      await new Promise<void>((resolve) => void waiting.push(resolve))
      return outcomesOf(groups)
    },
  }
}

const turn = () => systemClock.sleep(10)
const codeOf = (error: unknown) => (error instanceof AppError ? error.code : error)
const appended = (commits: GroupCommit<Name>, ...names: Name[]) =>
  commits.append(group(...names)).then(
    (outcomes) => outcomes.map(({ log }) => log).join(),
    (error: unknown) => codeOf(error),
  )

describe('writes that share a flush', () => {
  it('are those that come together, and those that come while another flush is under way', async () => {
    const { store, flushes, commit } = createStore()
    const commits = createGroupCommit(store, { clock: systemClock })
    const first = [appended(commits, 'a'), appended(commits, 'b', 'c')]
    await turn()
    const second = [appended(commits, 'd'), appended(commits, 'e')]
    await turn()
    expect(flushes).toEqual([[['a'], ['b', 'c']]])
    commit()
    expect(await Promise.all(first)).toEqual(['a', 'b,c'])
    await turn()
    commit()
    expect(await Promise.all(second)).toEqual(['d', 'e'])
    expect(flushes).toEqual([
      [['a'], ['b', 'c']],
      [['d'], ['e']],
    ])
  })

  it('are acknowledged after the commit and not before', async () => {
    const { store, commit } = createStore()
    const commits = createGroupCommit(store, { clock: systemClock })
    let acknowledged = 0
    const all = ['a', 'b'].map(async (name) => {
      await commits.append(group(name))
      acknowledged += 1
    })
    await turn()
    expect(acknowledged).toBe(0)
    commit()
    await Promise.all(all)
    expect(acknowledged).toBe(2)
  })

  it('are at most 500 logs; a group of 100 and more has a flush of its own, at once', async () => {
    const { store, flushes, commit } = createStore()
    const commits = createGroupCommit(store, { clock: systemClock })
    const many = Array.from({ length: 99 }, (_, index) => `m${index}`)
    const groups = Array.from({ length: 7 }, () => appended(commits, ...many))
    const bulk = appended(commits, ...many, 'last')
    expect(flushes.map((groups) => groups.map(({ length }) => length))).toEqual([[100]])
    commit()
    await bulk
    for (let flush = 1; flush <= 2; flush += 1) {
      await turn()
      commit()
    }
    await Promise.all(groups)
    expect(flushes.map((groups) => groups.map(({ length }) => length))).toEqual([
      [100],
      [99, 99, 99, 99, 99],
      [99, 99],
    ])
  })

  it('fare each for itself: the conflict of one is not that of another', async () => {
    const conflict = new AppError('CONFLICT', 'other content')
    const { store, commit } = createStore((groups) =>
      allCreated(groups).map((outcome, index) => (index === 1 ? conflict : outcome)),
    )
    const commits = createGroupCommit(store, { clock: systemClock })
    const all = Promise.all(['a', 'b', 'c'].map((name) => appended(commits, name)))
    await turn()
    commit()
    expect(await all).toEqual(['a', 'CONFLICT', 'c'])
  })

  it('all fail if the database cannot take them', async () => {
    const commits = createGroupCommit<Name>(
      async () => {
        throw new AppError('SERVICE_UNAVAILABLE', 'away')
      },
      { clock: systemClock },
    )
    expect(await Promise.all(['a', 'b'].map((name) => appended(commits, name)))).toEqual([
      'SERVICE_UNAVAILABLE',
      'SERVICE_UNAVAILABLE',
    ])
  })

  it('do not suffer from the fault of one among them', async () => {
    const fault = new TypeError('this one cannot be stored')
    const commits = createGroupCommit<Name>(
      async (groups) => {
        if (namesOf(groups).flat().includes('poison')) throw fault
        return allCreated(groups)
      },
      { clock: systemClock },
    )
    expect(await Promise.all(['a', 'poison', 'b'].map((name) => appended(commits, name)))).toEqual([
      'a',
      fault,
      'b',
    ])
  })
})

describe('the queue of writes', () => {
  it('refuses what is too much, to be sent again later, and takes more once there is room', async () => {
    const { store, commit } = createStore()
    const commits = createGroupCommit(store, { clock: systemClock, maxPendingLogs: 3 })
    const taken = [appended(commits, 'a'), appended(commits, 'b', 'c')]
    await expect(commits.append(group('d'))).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryAfterSeconds: 1,
      message:
        'More is waiting to be stored than the database can take now. Nothing of this was stored. Try again soon.',
    })
    await turn()
    commit()
    expect(await Promise.all(taken)).toEqual(['a', 'b,c'])
    const later = appended(commits, 'd')
    await turn()
    commit()
    expect(await later).toBe('d')
  })

  it('takes a group however large while nothing else waits', async () => {
    const { store, commit } = createStore()
    const commits = createGroupCommit(store, { clock: systemClock, maxPendingLogs: 1 })
    const large = appended(commits, 'a', 'b')
    await turn()
    commit()
    expect(await large).toBe('a,b')
  })
})
