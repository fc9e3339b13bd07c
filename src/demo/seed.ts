import type { Core } from '../core.ts'
import { MAX_BATCH } from '../connections/connection-logs.ts'
import { type Clock, DAY_MS } from '../kernel/clock.ts'
import { DEFAULT_SCOPES } from '../auth/scopes.ts'
import { DEMO_USER_ID, demoEvents } from './events.ts'

export interface Demo {
  readonly userId: string
  /** The key of the demo user, which is shown here and never again. */
  readonly key: string
  readonly logs: number
}

const DEMO_LOGS = 4_000
const DEMO_SEED = 20_240_501

/** The share of the retention that is filled, so that nothing has expired by the time it is stored. */
const FILLED = 0.93

/** Fills a database that has no keys yet with some days of believable logs, and makes a key for their main user. */
export async function seedDemo(
  { keys, connectionLogs, claimDemo }: Pick<Core, 'keys' | 'connectionLogs' | 'claimDemo'>,
  { clock, retentionMs }: { clock: Clock; retentionMs: number },
): Promise<Demo | undefined> {
  if (!(await keys.isEmpty())) return undefined
  if (!(await claimDemo())) return undefined
  const days = Math.min(7, retentionMs / DAY_MS) * FILLED
  const events = demoEvents({ nowMs: clock.now(), days, count: DEMO_LOGS, seed: DEMO_SEED })
  for (let start = 0; start < events.length; start += MAX_BATCH) {
    await connectionLogs.record(
      events.slice(start, start + MAX_BATCH).map((value, index) => ({ value, at: `[${start + index}]` })),
    )
  }
  const { key } = await keys.create({ userId: DEMO_USER_ID, scopes: DEFAULT_SCOPES, name: 'demo' })
  return { userId: DEMO_USER_ID, key, logs: events.length }
}

/** Whether the database has logs of the demo's main user. */
export const hasDemoLogs = async ({ connectionLogs }: Pick<Core, 'connectionLogs'>): Promise<boolean> =>
  (await connectionLogs.page({ userId: [DEMO_USER_ID] }, { limit: 1 })).logs.length > 0
