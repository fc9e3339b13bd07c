import { describe, expect, it } from 'vitest'
import { seedDemo } from '../../src/demo/seed.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

describe.each(PROVIDERS)('two that make the demo at once on %s', (provider) => {
  const demos = async (claimDemo?: () => Promise<boolean>) => {
    const app = await startTestApp(provider)
    const core = { ...app, claimDemo: claimDemo ?? app.claimDemo }
    const seed = () => seedDemo(core, { clock: systemClock, retentionMs: app.retentionMs })
    const settled = await Promise.allSettled([seed(), seed()])
    return settled
      .map((one) => (one.status === 'rejected' ? 'failed' : one.value ? 'made' : 'left'))
      .toSorted()
  }

  it('make one', async () => {
    expect(await demos()).toEqual(['left', 'made'])
  })

  it('control: without a claim, both try', async () => {
    expect(await demos(async () => true)).not.toContain('left')
  })
})
