import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connlog, connlogProgram, serveSettings } from '../connlog.mjs'
import { graphql } from '../contestants.mjs'
import { PAGE_DOCUMENT } from '../page.mjs'
import { startService } from '../service.mjs'
import { asTenant } from '../side-by-side.mjs'
import { quantile, spread } from '../statistics.mjs'

const DAY_MS = 86_400_000
const ROUNDS = 3

/** Logs of a round; they take the service half a minute at the least. */
const EXPIRED = 80_000
const LIVING = 2_000

/** While it is cold, pages take long for other reasons. */
const WARM_UP_MS = 4_000
const MEASURED_MS = 8_000

/** How long is waited between two pages: a stall is seen by whoever comes while it lasts. */
const PAUSE_MS = 2

/**
 * R2: how long a page has to wait, at the worst, while a service on SQLite cleans up. The service has just been told a
 * shorter retention, so most of its logs have expired; a client asks for one page after the other. What the same pages
 * take once nothing is left to do stands beside it: on a machine with other work, that is how long they wait for it.
 * @type {import('../figures.mjs').Measurement}
 */
export const cleanupStall = {
  figures: [
    {
      id: 'R2',
      title: 'SQLite, a page while it cleans up: the longest wait',
      must: 50,
      goal: 20,
      reach: 'at most',
      unit: 'ms',
    },
  ],
  needs: 'nothing',

  measure: async ({ options, say, onStop }) => {
    const rounds = []
    for (let round = 1; round <= (options.smoke ? 1 : ROUNDS); round += 1) {
      rounds.push(await oneRound(options.smoke, onStop))
      const { cleaning, idle, expiredLeft } = rounds.at(-1)
      say(
        `Round ${round}: longest ${cleaning.maxMs.toFixed(1)} ms, p99 ${cleaning.p99Ms.toFixed(1)} ms of ${cleaning.pages} pages while it cleans up (${expiredLeft} left); longest ${idle.maxMs.toFixed(1)} ms, p99 ${idle.p99Ms.toFixed(1)} ms after that`,
      )
    }
    return { ratios: { R2: spread(rounds.map(({ cleaning }) => cleaning.maxMs)) }, details: { rounds } }
  },
}

async function oneRound(smoke, onStop) {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-bench-sqlite-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  onStop(remove)
  try {
    const url = `file:${join(folder, 'connlog.db')}`
    const file = join(folder, 'logs.ndjson')
    writeFileSync(file, lines(smoke ? 2_000 : EXPIRED, LIVING))
    await connlog(url, ['import', file], { RETENTION_DAYS: '30' })
    const key = await connlog(url, ['keys', 'create', '--service', '--scopes', 'logs:read,admin'])
    const settings = { ...serveSettings(url, 1), RETENTION_DAYS: '7', CLEANUP_INTERVAL_SECONDS: '1' }
    const service = await startService(
      { node: process.execPath, args: [connlogProgram, 'serve'] },
      settings,
      onStop,
    )
    const load = service.connect(1)
    try {
      const request = asTenant({ key }, graphql(PAGE_DOCUMENT, { skip: 50 }))
      const pages = async (forMs) => {
        const latencies = []
        for (const endMs = performance.now() + forMs; performance.now() < endMs; await sleep(PAUSE_MS))
          latencies.push(await load.time(request))
        return { pages: latencies.length, maxMs: Math.max(...latencies), p99Ms: quantile(latencies, 0.99) }
      }
      const left = async () => expiredLeft(service.url, key)
      await pages(smoke ? 100 : WARM_UP_MS)
      const cleaning = await pages(smoke ? 500 : MEASURED_MS)
      const stillLeft = await left()
      if (!smoke && stillLeft === 0) throw new Error('All was cleaned up before the time was over.')
      for (const endMs = performance.now() + 300_000; (await left()) > 0; await sleep(500))
        if (performance.now() > endMs) throw new Error('Cleaning up did not come to an end.')
      const idle = await pages(smoke ? 500 : MEASURED_MS)
      return { cleaning, idle, expiredLeft: stillLeft }
    } finally {
      await load.close()
      await service.stop()
    }
  } finally {
    remove()
  }
}

async function expiredLeft(url, key) {
  const query = 'mutation { cleanupExpiredConnectionLogs(dryRun: true) { deleted } }'
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query }),
  })
  return (await response.json()).data.cleanupExpiredConnectionLogs.deleted
}

/** Logs of many users, spread over the time before and after the retention begins. */
function lines(expired, living) {
  const now = Date.now()
  const platforms = ['instagram', 'facebook', 'tiktok', 'youtube', 'linkedin']
  const line = (n, createdAt) => {
    const isFailed = n % 3 === 0
    return JSON.stringify({
      eventId: `e${n}`,
      userId: `user${n % 97}`,
      profileId: `profile${n % 313}`,
      accountId: `account${n % 1009}`,
      platform: platforms[n % 5],
      eventType: isFailed ? 'connect_failed' : 'connect_success',
      connectionMethod: 'oauth',
      ...(isFailed
        ? { error: { code: 'oauth_denied', message: `User ${n} denied the access to the account` } }
        : {
            success: {
              displayName: `Brand ${n % 1009}`,
              username: `brand_${n % 1009}`,
              permissions: ['read', 'write'],
            },
          }),
      durationMs: n % 5_000,
      createdAt: new Date(createdAt).toISOString(),
    })
  }
  const spreadOver = (count, from, to, first) =>
    Array.from({ length: count }, (_, n) => line(first + n, from + ((n + 0.5) * (to - from)) / count))
  return [
    ...spreadOver(expired, now - 14 * DAY_MS, now - 7.1 * DAY_MS, 0),
    ...spreadOver(living, now - 6.9 * DAY_MS, now - DAY_MS, expired),
  ].join('\n')
}
