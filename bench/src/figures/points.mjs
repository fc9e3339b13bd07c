import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connlog, connlogProgram, serveSettings } from '../connlog.mjs'
import { fillSqlite } from '../fill-sqlite.mjs'
import { createOperations, hardOperations } from '../random-operations.mjs'
import { startService } from '../service.mjs'
import { quantile } from '../statistics.mjs'

const OPERATIONS = 200
/** Where the smallest request of all is told from what an operation adds to it. */
const EMPTY = '{ __typename }'
const EMPTY_SECONDS = 2

/**
 * G1, G2: the CPU time of service and database for each point that an operation costs. What the smallest request takes
 * is subtracted: a token of the rate limit pays for it. Operations are random, and to them come those that have been
 * found to be the most work for their points. The ratio is that of the most expensive to the median.
 * @type {import('../figures.mjs').Measurement}
 */
export const points = {
  figures: [
    {
      id: 'G1',
      title: 'CPU a point on SQLite: the most expensive operation against the median',
      must: 10,
      reach: 'at most',
    },
    {
      id: 'G2',
      title: 'CPU a point on Postgres: the most expensive operation against the median',
      must: 10,
      reach: 'at most',
    },
  ],
  needs: 'filled',

  measure: async ({ options, postgres, tenants: { big }, random, say, onStop }) => {
    const folder = mkdtempSync(join(tmpdir(), 'connlog-bench-points-'))
    onStop(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'connlog.db')
    const file = `file:${path}`
    say('Copying the logs to SQLite …')
    await fillSqlite(postgres.url, path)
    const sqliteKey = await connlog(file, ['keys', 'create', '--user', big.userId])
    const sides = [
      { id: 'G1', name: 'SQLite', url: file, key: sqliteKey, databaseMs: () => 0 },
      { id: 'G2', name: 'Postgres', url: postgres.url, key: big.key, databaseMs: postgres.cpuMs },
    ]
    const details = {}
    const ratios = {}
    let queries
    for (const { id, name, url, key, databaseMs } of sides) {
      const service = await startService(
        { node: process.execPath, args: [connlogProgram, 'serve'] },
        serveSettings(url, 4),
        onStop,
      )
      const ask = createAsk(service.url, key)
      queries ??= await chooseQueries(ask, random, options.smoke ? 30 : OPERATIONS)
      const cpuMs = () => service.cpuMs() + databaseMs()
      const measured = await measureAll(ask, cpuMs, queries, { seconds: options.seconds / 16, name, say })
      await service.stop()
      details[name] = measured
      const { median, max } = measured.usPerPoint
      ratios[id] = { value: max / median, min: measured.usPerPoint.p99 / median, max: max / median }
    }
    return { ratios, details }
  },
}

async function measureAll(ask, cpuMs, queries, { seconds, name, say }) {
  /** CPU milliseconds of one request, and how many were asked. */
  const time = async (query, least) => {
    const [startMs, before] = [performance.now(), cpuMs()]
    let requests = 0
    do {
      await ask(query)
      requests += 1
    } while (performance.now() - startMs < least * 1_000)
    return (cpuMs() - before) / requests
  }
  await time(EMPTY, EMPTY_SECONDS)
  const emptyMs = await time(EMPTY, EMPTY_SECONDS)
  const operations = []
  let refused = 0
  for (const query of queries) {
    const { errors, extensions } = await ask(query)
    if (errors?.[0].extensions.code === 'TOO_COMPLEX') refused += 1
    else if (errors) throw new Error(`${errors[0].message}\n${query}`)
    else {
      // Twice, and the smaller time: background work of a database, such as a vacuum, is not the operation's.
      const spentMs = [await time(query, seconds / 2), await time(query, seconds / 2)]
      const ms = Math.max(0, Math.min(...spentMs) - emptyMs)
      const { points } = extensions.cost
      operations.push({ usPerPoint: (ms * 1_000) / points, points, ms, query })
    }
  }
  operations.sort((a, b) => b.usPerPoint - a.usPerPoint)
  const all = operations.map(({ usPerPoint }) => usPerPoint)
  const usPerPoint = { median: quantile(all, 0.5), p99: quantile(all, 0.99), max: all[0] }
  const round = (value) => Math.round(value * 10) / 10
  say(
    `${name}: ${operations.length} operations, ${refused} refused; µs a point: median ${round(usPerPoint.median)}, p99 ${round(usPerPoint.p99)}, most ${round(usPerPoint.max)}`,
  )
  for (const { usPerPoint, points, ms, query } of operations.slice(0, 8))
    say(`  ${round(usPerPoint)} µs × ${points} points = ${round(ms)} ms: ${query.slice(0, 120)}`)
  return { emptyMs, refused, usPerPoint, operations }
}

function createAsk(url, key) {
  return async (query) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query, extensions: { cost: true } }),
    })
    return response.json()
  }
}

/** The hard operations and random ones, with values that the tenant's logs have. */
async function chooseQueries(ask, random, count) {
  const logs = []
  for (const skip of [0, 1_000, 5_000, 10_000]) {
    const { data } = await ask(
      `{ connectionLogs(limit: 100, skip: ${skip}) { logs { id accountId profileId error { code message } success { displayName } } } }`,
    )
    logs.push(...data.connectionLogs.logs)
  }
  const distinct = (values) => [...new Set(values.filter(Boolean))]
  const samples = {
    ids: distinct(logs.map(({ id }) => id)),
    accountIds: distinct(logs.map(({ accountId }) => accountId)),
    profileIds: distinct(logs.map(({ profileId }) => profileId)),
    errorCodes: distinct(logs.map(({ error }) => error?.code)),
    words: distinct(
      logs.flatMap(
        ({ error, success }) =>
          `${error?.message ?? ''} ${success?.displayName ?? ''}`.match(/[a-z]{2,}/gi) ?? [],
      ),
    ),
  }
  const next = createOperations(random, samples)
  return [...hardOperations(samples), ...Array.from({ length: count }, next)]
}
