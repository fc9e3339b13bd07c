import { type Finding, ok, wrong } from '../../database/finding.ts'
import type { Database } from '../../database/port.ts'
import { type Clock, SECOND_MS } from '../../kernel/clock.ts'

/** How far the clocks of this machine and of the database may be apart. */
const MAX_SKEW_MS = 5 * SECOND_MS

export async function lookAtClocks(
  { query, dialect }: Pick<Database, 'query' | 'dialect'>,
  clock: Clock,
): Promise<Finding> {
  const [row] = await query<{ now_ms: number | bigint }>(dialect.now())
  const skewMs = Math.abs(Number(row?.now_ms) - clock.now())
  return skewMs <= MAX_SKEW_MS
    ? ok(`clocks: this machine and the database agree within ${MAX_SKEW_MS / SECOND_MS} seconds`)
    : wrong(
        `clocks: this machine and the database are ${Math.round(skewMs / SECOND_MS)} seconds apart`,
        'Set both by NTP: a log is shown and expires by the clock of the service.',
      )
}
