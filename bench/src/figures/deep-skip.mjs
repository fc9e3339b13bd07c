import { asTenant, sideBySide } from '../side-by-side.mjs'

/** Skips are drawn from a hundredth of the logs around the middle: a skip that repeats would be cheaper than it is. */
const SPREAD = 0.01

/**
 * P2: whether a page in the middle takes longer than the first.
 * @type {import('../figures.mjs').Measurement}
 */
export const deepSkip = {
  figures: [
    {
      id: 'P2',
      title: 'page at half of the big tenant against its first, p95',
      must: 2,
      goal: 1.3,
      reach: 'at most',
    },
  ],
  needs: 'filled',
  measure: async (bench) => {
    const { big } = bench.tenants
    const deep = () => Math.floor(big.logs * (0.5 - SPREAD / 2)) + bench.random(Math.floor(big.logs * SPREAD))
    const details = await sideBySide(bench, ({ ask }) => ({
      one: () => asTenant(big, ask(deep())),
      other: () => asTenant(big, ask(0)),
    }))
    return { ratios: { P2: details.connlog.ratio.p95 }, details }
  },
}
