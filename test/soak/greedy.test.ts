import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROVIDERS } from '../support/databases.ts'
import { type Ground, prepareGround } from '../support/greedy/ground.ts'
import { GREEDY_KINDS } from '../support/greedy/kinds.mjs'
import { measure } from '../support/greedy/measure.ts'
import { report } from '../faults/seed.ts'

/** What one user may cost the others: the bounds of docs/limits.md, on two cores. */
const MAX_HEALTH_MS = 100
const MIN_SUCCESS = 0.95
const MAX_GROWTH_MB = 300

const LOGS = Number(process.env['GREEDY_LOGS'] ?? 600_000)
const SECONDS = Number(process.env['GREEDY_SECONDS'] ?? 10)
/** Another build is only reported: `CONNLOG_PROGRAM=/path/to/dist/main.js`. */
const isCompared = process.env['CONNLOG_PROGRAM'] !== undefined

describe.each(PROVIDERS)('one greedy user on %s', (provider) => {
  let ground: Ground
  beforeAll(async () => {
    ground = await prepareGround(provider, LOGS)
    report(`| ${provider} | slowest /health, ms | others' success, % | memory, MB |`)
    report('|---|--:|--:|--:|')
  })
  afterAll(() => ground.drop())

  it.each(['nobody', ...GREEDY_KINDS.map(({ name }) => name)])('lets others be served: %s', async (name) => {
    const seen = await measure(name === 'nobody' ? [] : [{ name }], ground, { seconds: SECONDS })
    const success = seen.succeeded / seen.asked
    const growthMb = seen.peakMb - seen.calmMb
    report(
      `| ${name} | ${seen.slowestHealthMs.toFixed(0)}${seen.isAlive ? '' : ' (dead)'} | ${(100 * success).toFixed(1)} | ${seen.calmMb.toFixed(0)} + ${growthMb.toFixed(0)} |`,
    )
    if (isCompared) return
    expect({
      isAlive: seen.isAlive,
      isHealthFast: seen.slowestHealthMs <= MAX_HEALTH_MS,
      areOthersServed: success >= MIN_SUCCESS,
      isMemoryBounded: growthMb <= MAX_GROWTH_MB,
    }).toEqual({ isAlive: true, isHealthFast: true, areOthersServed: true, isMemoryBounded: true })
  })
})
