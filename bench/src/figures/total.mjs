import { graphql } from '../contestants.mjs'
import { TOTAL_DOCUMENT } from '../page.mjs'
import { asTenant, sideBySide } from '../side-by-side.mjs'

/**
 * P3: whether the total alone takes longer where there are many logs.
 * @type {import('../figures.mjs').Measurement}
 */
export const total = {
  figures: [
    {
      id: 'P3',
      title: 'total, p95: the big tenant against one with 10^4 logs',
      must: 1.5,
      goal: 1.1,
      reach: 'at most',
    },
  ],
  needs: 'filled',
  measure: async (bench) => {
    const { big, mid } = bench.tenants
    const request = graphql(TOTAL_DOCUMENT)
    const details = await sideBySide(bench, ({ name }) =>
      // The bare service has no such question.
      name === 'connlog'
        ? { one: () => asTenant(big, request), other: () => asTenant(mid, request) }
        : undefined,
    )
    return { ratios: { P3: details.connlog.ratio.p95 }, details }
  },
}
