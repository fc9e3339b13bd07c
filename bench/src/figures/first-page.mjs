import { asTenant, sideBySide } from '../side-by-side.mjs'

/**
 * P1: whether the first page takes longer where there are many logs.
 * @type {import('../figures.mjs').Measurement}
 */
export const firstPage = {
  figures: [
    {
      id: 'P1',
      title: 'first page, p95: the big tenant against one with 10^4 logs',
      must: 1.5,
      goal: 1.2,
      reach: 'at most',
    },
  ],
  needs: 'filled',
  measure: async (bench) => {
    const { big, mid } = bench.tenants
    const details = await sideBySide(bench, ({ ask }) => ({
      one: () => asTenant(big, ask(0)),
      other: () => asTenant(mid, ask(0)),
    }))
    return { ratios: { P1: details.connlog.ratio.p95 }, details }
  },
}
