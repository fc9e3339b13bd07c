// What becomes of requests when more come than a service can do, with bounds and without:
// `npm run build && npm --prefix bench ci && node bench/src/overload.mjs 256/1000,256/200`, some minutes for each pair of
// MAX_CONCURRENT_REQUESTS and MAX_QUEUE_MILLISECONDS; a second argument names the kinds of requests to measure.
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { connlog, connlogProgram, serveSettings } from './connlog.mjs'
import { fill } from './fill.mjs'
import { PAGE_DOCUMENT } from './page.mjs'
import { startPostgres } from './postgres.mjs'
import { startService } from './service.mjs'
import { quantile } from './statistics.mjs'
import { tenantsFor } from './tenants.mjs'

const LOGS = 100_000
const POOL_SIZE = 10
const SECONDS = 4
/** Times what the service can do. */
const FACTORS = [1, 2, 4, 8]
const CONNECTIONS = 1_000
/** What the service can do is measured by so many who ask without a pause. */
const CLOSED_CLIENTS = 32
const TICK_MS = 5

/** @type {Record<string, [requests: number, queueMs: number]>} */
const BOUNDS = {
  none: [100_000, 60_000],
  ...Object.fromEntries(
    (process.argv[2] ?? '256/1000').split(',').map((text) => [text, text.split('/').map(Number)]),
  ),
}

const STATS = '{ connectionStats(interval: HOUR) { total errorCodes { code } series { total } } }'
const RECORD =
  'mutation { recordConnectionLog(input: { platform: REDDIT, eventType: DISCONNECT, connectionMethod: OAUTH }) { created } }'
const KINDS = {
  page: { query: PAGE_DOCUMENT, variables: { skip: 0 } },
  statistics: { query: STATS },
  record: { query: RECORD },
}

/** @type {(() => unknown)[]} */
const undo = []
const onStop = (/** @type {() => unknown} */ step) => void undo.push(step)
try {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-overload-'))
  onStop(() => rmSync(folder, { recursive: true, force: true }))
  const postgres = await startPostgres(folder, onStop)
  await connlog(postgres.url, ['migrate'])
  const tenants = tenantsFor(LOGS)
  await fill(postgres.url, tenants, () => undefined)
  const { userId = '' } = tenants.find(({ name }) => name === 'big') ?? {}
  const key = await connlog(postgres.url, ['keys', 'create', '--user', userId])
  console.log(
    `${availableParallelism()} cores, load ${loadavg()
      .map((one) => one.toFixed(1))
      .join(' ')}`,
  )
  const wanted = process.argv[3]?.split(',') ?? Object.keys(KINDS)
  for (const [kind, content] of Object.entries(KINDS).filter(([name]) => wanted.includes(name))) {
    const body = JSON.stringify(content)
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const request = { method: /** @type {const} */ ('POST'), path: '/graphql', headers, body }
    let perSecond = 0
    for (const [name, [requests, queueMs]] of Object.entries(BOUNDS)) {
      const service = await startService(
        { node: process.execPath, args: [connlogProgram, 'serve'] },
        {
          ...serveSettings(postgres.url, POOL_SIZE),
          MAX_CONCURRENT_REQUESTS: String(requests),
          MAX_QUEUE_MILLISECONDS: String(queueMs),
        },
        onStop,
      )
      const pool = new Pool(service.url, { connections: CONNECTIONS, pipelining: 1 })
      if (perSecond === 0) {
        await closed(pool, request, 3)
        perSecond = await closed(pool, request, SECONDS)
        console.log(`\n${kind}: ${Math.round(perSecond)} a second can be done`)
      } else await closed(pool, request, 3)
      for (const factor of FACTORS)
        console.log(told(name, factor, await open(pool, request, perSecond * factor)))
      await pool.destroy()
      await service.stop()
    }
  }
} finally {
  for (const step of undo.reverse()) await step()
}

/**
 * @typedef {{ method: 'POST', path: string, headers: Record<string, string>, body: string }} Request
 * @typedef {{ ms: number, is: 'good' | 'refused' | 'late' }} Answer `late`: refused or given up after it was let in
 */

/** Who asks again as soon as there is an answer. @returns good answers a second */
async function closed(
  /** @type {Pool} */ pool,
  /** @type {Request} */ request,
  /** @type {number} */ seconds,
) {
  const endAt = performance.now() + seconds * 1_000
  let good = 0
  await Promise.all(
    Array.from({ length: CLOSED_CLIENTS }, async () => {
      while (performance.now() < endAt) if ((await ask(pool, request)).is === 'good') good += 1
    }),
  )
  return good / seconds
}

/** Who asks without heed to answers, so many a second, as the world does. */
async function open(
  /** @type {Pool} */ pool,
  /** @type {Request} */ request,
  /** @type {number} */ perSecond,
) {
  /** @type {Promise<Answer>[]} */
  const answers = []
  const beganAt = performance.now()
  for (let elapsed = 0; elapsed < SECONDS * 1_000; elapsed = performance.now() - beganAt) {
    while (answers.length < (elapsed / 1_000) * perSecond) answers.push(ask(pool, request))
    await sleep(TICK_MS)
  }
  const all = await Promise.all(answers)
  return { all, seconds: (performance.now() - beganAt) / 1_000, offered: answers.length / SECONDS }
}

/** @returns {Promise<Answer>} */
async function ask(/** @type {Pool} */ pool, /** @type {Request} */ request) {
  const beganAt = performance.now()
  try {
    const { statusCode, body } = await pool.request(request)
    const text = await body.text()
    const ms = performance.now() - beganAt
    if (statusCode === 200 && !/"errors":\[/.test(text)) return { ms, is: 'good' }
    return { ms, is: text.includes('more to do than it can') ? 'refused' : 'late' }
  } catch {
    return { ms: performance.now() - beganAt, is: 'late' }
  }
}

/** @param {Awaited<ReturnType<typeof open>>} result */
function told(/** @type {string} */ name, /** @type {number} */ factor, { all, seconds, offered }) {
  const msOf = (/** @type {Answer['is']} */ what) => all.filter(({ is }) => is === what).map(({ ms }) => ms)
  const at = (/** @type {number[]} */ values, /** @type {number} */ share) =>
    values.length === 0 ? '–' : `${Math.round(quantile(values, share) ?? Number.NaN)}`
  const [good, refused, late] = [msOf('good'), msOf('refused'), msOf('late')]
  const share = (/** @type {number[]} */ those) => `${Math.round((those.length / all.length) * 100)} %`
  return `bounds ${name.padEnd(9)} ${factor}x (${Math.round(offered)}/s): good ${Math.round(good.length / seconds)}/s in ${at(good, 0.5)} / p99 ${at(good, 0.99)} ms, refused ${share(refused)} in ${at(refused, 0.5)} / ${at(refused, 0.99)} ms, failed late ${share(late)} after ${at(late, 0.5)} ms`
}
