import pg from 'pg'
import { expect, inject, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { postgresBehindProxy } from '../support/behind-proxy.ts'
import { startService } from '../support/service.ts'
import type { ProxyMode } from '../support/tcp-proxy.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { createFollower } from './follower.ts'
import { bodyOf, sentEvent } from './producer.ts'
import { report } from './seed.ts'
import { prepareDatabase } from './stored.ts'

const { outagesMs, areTimed } = inject('faults')
const MODES = ['refuse', 'reset', 'blackhole', 'forget'] as const
const PATH = '/api/v1/connections/logs'
const POOL_SIZE = 4
/** Who reads, and as many who write: more than there are connections, so that the outage catches all of these. */
const CLIENTS = 4
/** What docs/reliability.md promises. */
const PROMISED_MS = 5_000
/** By then the service knows of the outage, and refuses at once. */
const KNOWN_AFTER_MS = 5_000
const undo = undoneAfterEach()

/** As another process does that stores a log and tells nobody. */
const STORE_ANOTHER = `
  INSERT INTO connection_logs (id, user_id, account_id, platform, event_type, connection_method, context, created_at)
  SELECT 'after the outage', user_id, account_id, platform, event_type, connection_method, context, created_at
  FROM connection_logs LIMIT 1`

const MERGED = 'connlog_counts_last_merge_timestamp_seconds'
const CLEANED = 'connlog_cleanup_last_success_timestamp_seconds'

/** What was seen of an outage. Times are milliseconds from its end, or from asking to the answer. */
interface Seen {
  /** When each thing first went well. */
  readonly firstMs: Readonly<Record<string, number>>
  readonly lastFailureMs: number
}

/** Takes Postgres away from a service that is busy, for a while. */
async function breakFor(outageMs: number, mode: ProxyMode): Promise<Seen> {
  const { database, proxy, url } = await postgresBehindProxy(undo)
  const key = await prepareDatabase(database.url)
  const service = await startService(url, {
    POOL_SIZE: String(POOL_SIZE),
    CLEANUP_INTERVAL_SECONDS: '1',
  })
  undo(service.kill)
  const follower = createFollower([service.port], key)
  undo(follower.stop)
  void follower.run()

  let beganMs = Infinity
  let endedMs = Infinity
  const over = new AbortController()
  const stored: string[] = []
  let lastFailureMs = 0
  const firstMs: Record<string, number> = {}
  const meanwhile: { readonly afterMs: number; readonly tookMs: number }[] = []

  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const ask = async (path: string, init: RequestInit = {}): Promise<boolean> => {
    const { status, body } = await fetch(`http://127.0.0.1:${service.port}${path}`, { ...init, headers })
    await body?.cancel()
    expect([200, 503]).toContain(status)
    return status === 200
  }
  /** Asks over and over. */
  async function askOn(what: string, askOnce: () => Promise<boolean>): Promise<void> {
    while (!over.signal.aborted) {
      const askedMs = systemClock.steadyMs()
      const isGood = await askOnce()
      const nowMs = systemClock.steadyMs()
      if (nowMs > endedMs && isGood) firstMs[what] ??= nowMs - endedMs
      if (nowMs > endedMs && !isGood) lastFailureMs = nowMs - endedMs
      if (askedMs > beganMs && nowMs < endedMs)
        meanwhile.push({ afterMs: askedMs - beganMs, tookMs: nowMs - askedMs })
      await systemClock.sleep(30)
    }
  }
  /** The same event until it is acknowledged, as producers are told to. */
  const writer = (name: string) => {
    let sent = 0
    return async () => {
      const body = JSON.stringify(bodyOf(sentEvent('u1', `${name}.${sent}`, 1)))
      const isStored = await ask(PATH, { method: 'POST', body })
      if (isStored) stored.push(`${name}.${(sent += 1)}`)
      return isStored
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, index) => [
    askOn('writes', writer(String(index))),
    askOn('reads', () => ask(`${PATH}?limit=1`)),
  ])
  const all = Promise.all([...clients.flat(), askOn('/ready', () => ask('/ready'))])
  undo(
    () => all,
    () => over.abort(),
  )
  while (!follower.hasBegun() || stored.length < 2 * CLIENTS) await systemClock.sleep(10)

  await proxy.setMode(mode)
  beganMs = systemClock.steadyMs()
  await systemClock.sleep(outageMs)
  await proxy.setMode('pass')
  endedMs = systemClock.steadyMs()
  const endedAt = systemClock.now()

  const other = new pg.Client(database.url)
  await other.connect()
  await other.query(STORE_ANOTHER)
  await other.end()
  const metric = async (name: string) => {
    const response = await fetch(`http://127.0.0.1:${service.port}/metrics`)
    return Number(new RegExp(`\n${name} (\\S+)\n`).exec(await response.text())?.[1] ?? 0)
  }
  const isSo = {
    'live feed': async () => follower.seen.includes('after the outage'),
    'counts merged': async () => (await metric(MERGED)) * 1_000 > endedAt,
    'cleaned up': async () => (await metric(CLEANED)) * 1_000 > endedAt,
    'all of it': async () => ['reads', 'writes', '/ready'].every((what) => what in firstMs),
  }
  await Promise.all(
    Object.entries(isSo).map(async ([what, hasHappened]) => {
      while (!(await hasHappened())) await systemClock.sleep(30)
      firstMs[what] = systemClock.steadyMs() - endedMs
    }),
  )
  // A failure may still be under way.
  await systemClock.sleep(200)
  expect(follower.figures.connections).toBe(1)
  const slowest = (those: typeof meanwhile) => Math.round(Math.max(0, ...those.map(({ tookMs }) => tookMs)))
  const known = meanwhile.filter(({ afterMs }) => afterMs > KNOWN_AFTER_MS)
  const told = Object.entries({ ...firstMs, 'last failure': lastFailureMs }).map(
    ([what, ms]) => `${what} ${Math.round(ms)}`,
  )
  report(
    `${mode} for ${outageMs} ms: ${meanwhile.length} refused, in ${slowest(meanwhile)} ms at most, of these ${known.length} once it was known, in ${slowest(known)} ms; afterwards, in ms: ${told.join(', ')}`,
  )
  return { firstMs, lastFailureMs }
}

it.each(outagesMs)(
  'after %d ms without Postgres a service recovers without a restart: reads, writes, feed, merges and cleanup',
  async (outageMs) => {
    await Promise.all(
      MODES.map(async (mode) => {
        const { firstMs, lastFailureMs } = await breakFor(outageMs, mode)
        for (const [what, ms] of Object.entries({ ...firstMs, lastFailure: lastFailureMs }))
          if (areTimed) expect(ms, `${what} after ${mode}`).toBeLessThan(PROMISED_MS)
      }),
    )
  },
)
