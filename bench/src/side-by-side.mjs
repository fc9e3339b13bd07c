import { mean, median, quantile, spread } from './statistics.mjs'

/** Blocks into which the pairs are cut for the extremes of a ratio. */
const BLOCKS = 5
/** Warming up takes a part of the time, and no more than so many pairs. */
const WARM_UP_SHARE = 0.25
const WARM_UP_PAIRS = 300
const LEAST_PAIRS = 20

/**
 * Times two kinds of requests over one connection, one of each in turn, so that whatever disturbs the machine hits both
 * alike. Which of the two comes first changes from pair to pair.
 * @param {object} given
 * @param {ReturnType<import('./load.mjs').connectLoad>} given.load
 * @param {() => import('./load.mjs').Request} given.one
 * @param {() => import('./load.mjs').Request} given.other
 * @param {number} given.pairs as many as these, or as fit into `seconds`
 * @param {number} given.seconds
 */
export async function timeSideBySide({ load, one, other, pairs, seconds }) {
  const [ones, others] = [[], []]
  const endAt = Date.now() + seconds * 1_000
  const warmAt = Date.now() + seconds * 1_000 * WARM_UP_SHARE
  for (let pair = 0; pair < WARM_UP_PAIRS && Date.now() < warmAt; pair += 1) {
    await load.time(one())
    await load.time(other())
  }
  for (let pair = 0; pair < pairs && (pair < LEAST_PAIRS || Date.now() < endAt); pair += 1) {
    if (pair % 2 === 0) ones.push(await load.time(one()))
    others.push(await load.time(other()))
    if (pair % 2 === 1) ones.push(await load.time(one()))
  }
  const ratioOf = (statistic) => ({
    ...spread(
      blocks(ones.length).map(
        ([from, to]) => statistic(ones.slice(from, to)) / statistic(others.slice(from, to)),
      ),
    ),
    value: statistic(ones) / statistic(others),
  })
  const p95 = (values) => quantile(values, 0.95)
  const summary = (values) => ({ medianMs: median(values), meanMs: mean(values), p95Ms: p95(values) })
  return {
    pairs: ones.length,
    one: summary(ones),
    other: summary(others),
    ratio: { p95: ratioOf(p95), median: ratioOf(median), mean: ratioOf(mean) },
  }
}

function blocks(length) {
  const edges = Array.from({ length: BLOCKS + 1 }, (_, index) => Math.round((length * index) / BLOCKS))
  return edges.slice(1).map((to, index) => [edges[index], to])
}

/** A request with a tenant's key. */
export const asTenant = ({ key }, request) => ({
  ...request,
  headers: { ...request.headers, authorization: `Bearer ${key}` },
})

/**
 * The same comparison for connlog and, for contrast, for the bare service that counts and skips row by row.
 * @param {import('./figures.mjs').Bench} bench
 * @param {(contestant: import('./contestants.mjs').Contestant) => { one: () => any, other: () => any } | undefined} requests
 */
export async function sideBySide({ field, options }, requests) {
  const details = {}
  for (const [name, pairs] of [
    ['connlog', options.smoke ? 100 : 1_000],
    ['bare-rows', 50],
  ]) {
    const contestant = await field.get(name)
    const sides = contestant && requests(contestant)
    if (!sides) continue
    const load = contestant.connect(1)
    try {
      const seconds = options.seconds * options.rounds
      details[name] = await timeSideBySide({ load, ...sides, pairs, seconds })
    } finally {
      await load.close()
    }
  }
  return details
}
