import { type Clock, SECOND_MS } from './clock.ts'
import { AppError } from './errors.ts'

/**
 * A limited amount of something that several users want, such as places for requests or bytes of memory. One user gets
 * at most a share of it, so that no user can take what the others need.
 */
export interface Shares {
  /** The bound that `more` would exceed for a user; undefined if there is room. For null, only the total counts. */
  excess(user: string | null, more?: number): Excess | undefined
  /**
   * Counts an amount until it is ended. It does not check: ask {@link excess} before.
   * @param close gives the amount up. Where there is too much of it, the oldest holding that can be closed is: of the
   *   user if that user holds too much, else of the user who holds the most. The only one there is stays.
   */
  hold(user: string | null, amount: number, close?: (excess: Excess) => void): Holding
  heldBy(user: string | null): number
  /** The amounts of all users who hold something, by user. */
  amounts(): Iterable<readonly [user: string | null, amount: number]>
  /** The amount that all users hold together. */
  held(): number
  /** How much a user may hold now. */
  limitOf(user: string | null): number
}

export interface Holding {
  set(amount: number): void
  /** From here on nothing closes it but its holder. */
  keep(): void
  /** May be called more than once. */
  end(): void
}

export interface Excess {
  readonly of: 'user' | 'process'
  readonly limit: number
  /** The amount with the new one. */
  readonly got: number
}

export interface SharesOptions {
  readonly total: number
  /** The share of one user, in percent. */
  readonly userPercent: number
  /**
   * For what is given back soon: while no other user has come for {@link OTHERS_MS}, a user may have all but one share.
   * The share that is left serves another user at once.
   */
  readonly isElastic?: boolean
  readonly clock: Pick<Clock, 'steadyMs'>
}

/** For how long a user who has come counts as one who wants something. */
const OTHERS_MS = 10 * SECOND_MS

interface Held {
  amount: number
  close: ((excess: Excess) => void) | undefined
}

interface UserHoldings {
  sum: number
  /** Those that can be closed, oldest first: each counts from when it last became more than nothing. */
  readonly closable: Set<Held>
  count: number
}

export function createShares({ total, userPercent, isElastic = false, clock }: SharesOptions): Shares {
  const users = new Map<string | null, UserHoldings>()
  const part = Math.floor((total * userPercent) / 100)
  const share = Math.max(1, part)
  const alone = Math.max(share, total - part)
  let sum = 0
  let latest = { user: '', atMs: Number.NEGATIVE_INFINITY }
  let beforeLatest = latest

  function noteArrival(user: string): void {
    const atMs = clock.steadyMs()
    if (user !== latest.user) beforeLatest = latest
    latest = { user, atMs }
  }

  function limitOf(user: string | null): number {
    if (user === null) return total
    if (!isElastic) return share
    const other = user === latest.user ? beforeLatest : latest
    return clock.steadyMs() - other.atMs > OTHERS_MS ? alone : share
  }

  const heldBy = (user: string | null) => users.get(user)?.sum ?? 0

  function excess(user: string | null, more = 1): Excess | undefined {
    if (isElastic && user !== null) noteArrival(user)
    const limit = limitOf(user)
    const got = heldBy(user) + more
    if (got > limit) return { of: user === null ? 'process' : 'user', limit, got }
    return sum + more > total ? { of: 'process', limit: total, got: sum + more } : undefined
  }

  /** The user who holds the most of what can be closed. */
  function largest(): UserHoldings | undefined {
    let found: UserHoldings | undefined
    for (const one of users.values()) if (one.closable.size > 0 && one.sum > (found?.sum ?? 0)) found = one
    return found
  }

  function closeOldest(user: string | null): void {
    for (let tooMuch = excess(user, 0); tooMuch; tooMuch = excess(user, 0)) {
      const [oldest] = (tooMuch.of === 'user' ? users.get(user) : largest())?.closable ?? []
      // A holding that exceeds the bound by itself stays. Closing it would make such holdings impossible.
      const isOnly = oldest?.amount === (tooMuch.of === 'user' ? heldBy(user) : sum)
      if (!oldest || isOnly) return
      const { close } = oldest
      // `close` ends the holding at once, so the loop makes progress.
      close?.(tooMuch)
    }
  }

  return {
    excess,
    heldBy,
    amounts: function* () {
      for (const [user, holdings] of users) yield [user, holdings.sum] as const
    },
    held: () => sum,
    limitOf,
    hold: (user, amount, close) => {
      const mine = users.get(user) ?? { sum: 0, closable: new Set(), count: 0 }
      users.set(user, mine)
      mine.count += 1
      let isEnded = false
      const one: Held = { amount: 0, close: undefined }
      const change = (to: number) => {
        mine.sum += to - one.amount
        sum += to - one.amount
        one.amount = to
      }
      const end = () => {
        if (isEnded) return
        isEnded = true
        change(0)
        mine.closable.delete(one)
        mine.count -= 1
        if (mine.count === 0) users.delete(user)
      }
      if (close)
        one.close = (tooMuch) => {
          end()
          close(tooMuch)
        }
      const set = (to: number) => {
        if (isEnded) return
        const isMore = to > one.amount
        change(to)
        if (to === 0) mine.closable.delete(one)
        else if (one.close) mine.closable.add(one)
        if (isMore) closeOldest(user)
      }
      set(amount)
      return {
        set,
        keep: () => {
          one.close = undefined
          mine.closable.delete(one)
        },
        end,
      }
    },
  }
}

/**
 * The rejection of what is over a bound: RATE_LIMITED if it is the user's, SERVICE_UNAVAILABLE if it is the process's.
 * @param things what the bound counts, as in "at most 64 requests"
 */
export function overShare(
  { of, limit, got }: Excess,
  things: string,
  { advice, retryAfterSeconds }: { readonly advice: string; readonly retryAfterSeconds: number },
): AppError {
  const isUsers = of === 'user'
  return new AppError(
    isUsers ? 'RATE_LIMITED' : 'SERVICE_UNAVAILABLE',
    `Expected at most ${limit} ${things} of ${isUsers ? 'this user' : 'all users'} at a time, got ${got}. ${advice}`,
    { retryAfterSeconds },
  )
}
