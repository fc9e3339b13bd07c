import type { ConnectionLogs } from '../../src/connections/connection-logs.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import type { TestClock } from './clock.ts'

const MAX_BATCH = 1_000
const USERS = ['u1', 'u2', 'u3']
const PLATFORMS = ['reddit', 'threads']

/**
 * Records a log created at each instant, oldest first, as if it had been recorded then; the clock stands afterwards
 * where it stood before. The n-th has the event id `<prefix><n>`.
 * @returns the ids, in the order of the instants
 */
export async function recordAt(
  logs: ConnectionLogs,
  clock: TestClock,
  instants: readonly number[],
  prefix = 'e',
): Promise<string[]> {
  const now = clock.now()
  const ids: string[] = []
  for (let next = 0; next < instants.length;) {
    const first = instants[next] ?? 0
    const batch = instants.slice(next, next + MAX_BATCH).filter((ms) => ms < first + 6 * DAY_MS)
    clock.set(batch.at(-1) ?? first)
    const from = next
    const recorded = await logs.record(
      batch.map((ms, index) => ({ at: '', index, value: sent(prefix, from + index, ms) })),
    )
    ids.push(...recorded.map(({ log }) => log.id))
    next += batch.length
  }
  clock.set(now)
  return ids
}

const sent = (prefix: string, n: number, ms: number) => ({
  eventId: `${prefix}${n}`,
  userId: USERS[n % USERS.length],
  platform: PLATFORMS[n % PLATFORMS.length],
  eventType: n % 3 === 0 ? 'connect_failed' : 'connect_success',
  connectionMethod: 'oauth',
  accountId: `a${n % 5}`,
  ...(n % 3 === 0 ? { error: { code: 'oauth_denied', message: `denied ${n}` } } : {}),
  createdAt: new Date(ms).toISOString(),
})
