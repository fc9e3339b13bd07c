import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { SharedAllowances } from '../database/port.ts'
import { type Clock, MINUTE_MS, SECOND_MS } from '../kernel/clock.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import { MOST_OWED_MINUTES, TOKEN, type TokenBuckets } from './token-buckets.ts'

/** Keeps the buckets of this process in step with those of all others on the database. */
export interface Sharing {
  /**
   * What to wait for, for a second at most, before more is spent; then ask again. Nothing, unless a key
   * spends a tenth of its limit within the time that the database takes to answer.
   */
  heard(id: string): Promise<void> | undefined
  /** Notes spent tokens, and reports them to the database in the background once there are enough of them. */
  spent(id: string, tokens: number): void
}

export interface SharingOptions {
  readonly allowances: SharedAllowances
  readonly buckets: TokenBuckets
  readonly perMinute: number
  readonly clock: Clock
  readonly logger: Logger
}

/** What this process has let a key spend and the database has not heard of. */
interface Account {
  untold: number
  /** When there was nothing untold, in milliseconds of the steady clock. */
  since: number
  telling: Promise<void> | undefined
}

const REMEMBERED = 50_000
/** How long a request waits for the database to hear of what was spent. */
export const LONGEST_WAIT_MS = SECOND_MS
/** How long the database is left alone once it has not answered. */
const AWAY_MS = 5 * SECOND_MS

/**
 * A process spends first and tells the database afterwards: a twentieth of the limit at a time, in one statement, which
 * answers with what all processes have spent. A tenth is the most that may be untold. So N processes let through the
 * limit and at most N tenths more, and in the long run the limit, but for a process in which a key spends less than a
 * twentieth in a minute: that is forgiven, or a key that seldom asks would cost a statement each time. Where the database
 * does not answer, each process goes by its own bucket, as if it were alone.
 */
export function createSharing({ allowances, buckets, perMinute, clock, logger }: SharingOptions): Sharing {
  const accounts = new LRUCache<string, Account>({ max: REMEMBERED })
  const worthTelling = Math.max(1, Math.floor(perMinute / 20)) * TOKEN
  const most = Math.max(1, Math.floor(perMinute / 10)) * TOKEN
  let awayUntil = Number.NEGATIVE_INFINITY

  const isAway = () => clock.steadyMs() < awayUntil

  function accountOf(id: string): Account {
    const known = accounts.get(id)
    if (known) return known
    const account: Account = { untold: 0, since: clock.steadyMs(), telling: undefined }
    accounts.set(id, account)
    return account
  }

  async function tell(id: string, account: Account): Promise<void> {
    const told = account.untold
    try {
      // The database stores a hash of the user's id, not the id.
      const keyId = hash('sha256', id, 'base64url')
      const owed = await allowances.spend({ keyId, owed: told, perMinute })
      account.untold -= told
      account.since = clock.steadyMs()
      buckets.settle(id, owed + account.untold)
    } catch (error) {
      if (!isAway()) logFailure(error, { task: 'sharing rate limits' }, logger)
      awayUntil = clock.steadyMs() + AWAY_MS
    } finally {
      account.telling = undefined
    }
    begin(id, account)
  }

  function begin(id: string, account: Account): void {
    if (account.untold >= worthTelling && !account.telling && !isAway()) account.telling = tell(id, account)
  }

  return {
    heard: (id) => {
      const account = accounts.get(id)
      if (!account?.telling || account.untold < most || isAway()) return undefined
      return waitFor(account.telling)
    },
    spent: (id, tokens) => {
      const account = accountOf(id)
      const now = clock.steadyMs()
      if (account.untold < worthTelling && now - account.since >= MINUTE_MS) {
        account.untold = 0
        account.since = now
      }
      // No more than a bucket can owe, however long the database is away.
      account.untold = Math.min(account.untold + tokens * TOKEN, MOST_OWED_MINUTES * perMinute * TOKEN)
      begin(id, account)
    },
  }

  async function waitFor(telling: Promise<void>): Promise<void> {
    const told = new AbortController()
    let isLate = false
    const late = clock.sleep(LONGEST_WAIT_MS, told.signal).then(() => {
      isLate = !told.signal.aborted
    })
    await Promise.race([telling, late])
    told.abort()
    if (isLate) awayUntil = clock.steadyMs() + AWAY_MS
  }
}
