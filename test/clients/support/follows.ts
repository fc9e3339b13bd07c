import { beforeEach, describe, expect, it } from 'vitest'
import { PROVIDERS, type User, createUser } from './user.ts'

/** An event as a client tells it. */
export interface Recorded {
  readonly cursor: string
  readonly log: { readonly accountId?: string | null | undefined }
}

/** How users of a client follow logs as they are recorded. */
export interface Follower {
  /** Tells of logs from a cursor on. @returns how to end it */
  follow(after: string, next: (event: Recorded) => void, failed: (error: unknown) => void): () => void
  /** What the client lets see of an error. */
  codeOf(error: unknown): unknown
}

/** What {@link Follower.codeOf} makes of what a bad cursor, and a bad key, are answered with. */
interface Refusals {
  readonly badCursor: unknown
  readonly badKey: unknown
}

/** Holds a client to what all that follow have to do, against a service on each database. */
export function describeFollower(
  name: string,
  connect: (url: string, key: string) => Follower,
  { badCursor, badKey }: Refusals = { badCursor: 'BAD_USER_INPUT', badKey: 'UNAUTHENTICATED' },
): void {
  describe.each(PROVIDERS)(`${name}, following on %s`, (provider) => {
    let user: User
    let follower: Follower
    beforeEach(async () => {
      user = await createUser(provider)
      follower = connect(user.url, user.key)
    })

    /** Follows until so many have come. @param onSeen is told how many there are, after each */
    const collect = (after: string, count: number, onSeen: (seen: number) => void = () => undefined) =>
      new Promise<Recorded[]>((resolve, reject) => {
        const events: Recorded[] = []
        const end = follower.follow(
          after,
          (event) => {
            events.push(event)
            onSeen(events.length)
            // Not before `end` is there.
            if (events.length === count) queueMicrotask(() => (end(), resolve(events)))
          },
          reject,
        )
      })

    it('reads what was recorded and what is recorded meanwhile, and goes on where it ended', async () => {
      const start = await user.feedCursor()
      await user.record([{ accountId: 'a' }, { accountId: 'b' }])
      const first = await collect(start, 3, (seen) => {
        if (seen === 2) void user.record([{ accountId: 'c' }])
      })
      expect(accountsOf(first)).toEqual(['a', 'b', 'c'])
      await user.record([{ accountId: 'd' }, { accountId: 'e' }])
      expect(accountsOf(await collect(first.at(-1)?.cursor ?? '', 2))).toEqual(['d', 'e'])
      expect(accountsOf(await collect(first[0]?.cursor ?? '', 4))).toEqual(['b', 'c', 'd', 'e'])
    })

    it('is told that its key is not good', async () => {
      const stranger = connect(user.url, 'clk_unknown')
      const error = await new Promise((resolve) => {
        stranger.follow('', () => resolve('an event'), resolve)
      })
      expect(stranger.codeOf(error)).toBe(badKey)
    })

    it('is told that a cursor is none', async () => {
      const error = await collect('made up', 1).catch((thrown: unknown) => thrown)
      expect(follower.codeOf(error)).toBe(badCursor)
    })
  })
}

const accountsOf = (events: readonly Recorded[]) => events.map(({ log }) => log.accountId)
