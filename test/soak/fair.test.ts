import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROVIDERS } from '../support/databases.ts'
import { type Ground, prepareGround } from '../support/greedy/ground.ts'
import { GREEDY_KINDS } from '../support/greedy/kinds.mjs'
import { measure } from '../support/greedy/measure.ts'
import { report } from '../faults/seed.ts'

const LOGS = Number(process.env['GREEDY_LOGS'] ?? 600_000)
const SECONDS = Number(process.env['FAIR_SECONDS'] ?? 600)
const CALM_SECONDS = 20

/** The 99th percentile of other users' pages while all kinds of attacks go on, against the same without. */
const MAX_RATIO = 5
const MIN_SUCCESS = 0.95
/** Memory that is still in use when everything has ended, beyond what was used before. */
const MAX_KEPT_MB = 150

describe.each(PROVIDERS)('three greedy users at once on %s', (provider) => {
  let ground: Ground
  beforeAll(async () => {
    ground = await prepareGround(provider, LOGS, 3)
  })
  afterAll(() => ground.drop())

  it('leave others their share, lose nothing, and leave no memory behind', async () => {
    const calm = await measure([], ground, { seconds: CALM_SECONDS })
    const attacks = GREEDY_KINDS.map(({ name }, index) => ({ name, user: index % ground.greedy.length }))
    const busy = await measure(attacks, ground, { seconds: SECONDS, isMemoryAwaited: true })
    const ratio = percentile(busy.pageMs, 0.99) / percentile(calm.pageMs, 0.99)
    report(
      `${provider}: p99 ${percentile(calm.pageMs, 0.99).toFixed(0)} ms calm, ${percentile(busy.pageMs, 0.99).toFixed(0)} ms busy (${ratio.toFixed(1)} times); ` +
        `${busy.succeeded} of ${busy.asked} requests succeeded; slowest /health ${busy.slowestHealthMs.toFixed(0)} ms; ` +
        `memory ${busy.calmMb.toFixed(0)} MB, at most ${busy.peakMb.toFixed(0)}, ${busy.restMb.toFixed(0)} afterwards; ` +
        `${busy.recorded} logs acknowledged, ${busy.lost} of them lost`,
    )
    expect({
      isAlive: busy.isAlive,
      isFair: ratio <= MAX_RATIO,
      areOthersServed: busy.succeeded / busy.asked >= MIN_SUCCESS,
      doesMemoryReturn: busy.restMb - busy.calmMb <= MAX_KEPT_MB,
      lost: busy.lost,
    }).toEqual({ isAlive: true, isFair: true, areOthersServed: true, doesMemoryReturn: true, lost: 0 })
  })
})

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN
