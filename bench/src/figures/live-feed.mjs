import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { createApp } from '../../../dist/app.js'
import { parseConfig } from '../../../dist/config/config.js'
import { silentLogger } from '../../../dist/kernel/logger.js'
import { connlog, connlogProgram, serveSettings } from '../connlog.mjs'
import { withOwnDatabase } from '../own-database.mjs'
import { startService } from '../service.mjs'
import { median, quantile, spread } from '../statistics.mjs'

const SUBSCRIBERS = 100
const PER_SECOND = 1_000
const TICK_MS = 10
const WARM_UP_SECONDS = 3
const POOL_SIZE = 10

/** How long is waited for what was recorded and has not come, in milliseconds. */
const PATIENCE_MS = 60_000

const DOCUMENT = `subscription ($users: [ID!]) {
  connectionLogRecorded(filter: { userId: $users }) {
    cursor
    log { id userId profileId accountId platform eventType connectionMethod durationMs createdAt success { username } error { code message } }
  }
}`

/**
 * L1: from when one process has recorded an event to when a client of another process has it, a thousand events a second,
 * one by one, with a hundred subscribers, for events of a hundred users. Measured twice: each subscriber follows a user of
 * his own, as customers do, which are a thousand deliveries a second; and all of them follow all users, a hundred thousand.
 * The time begins when the event is acknowledged, some milliseconds at most after its COMMIT; from when it is sent, which
 * is before it, stands beside. Every event has to come to each once, or there is no figure.
 * @type {import('../figures.mjs').Measurement}
 */
export const liveFeed = {
  figures: [
    figure('L1', `live feed, ${SUBSCRIBERS} subscribers with a user each: commit to delivery, p99`),
    {
      id: 'L1a',
      title: `the same, each of the ${SUBSCRIBERS} subscribers following all users`,
      reach: 'at most',
      unit: 'ms',
    },
  ],
  needs: 'server',

  measure: async ({ options, postgres, say, onStop }) =>
    withOwnDatabase(postgres.url, 'bench_feed', async (url) => {
      await connlog(url, ['migrate'])
      const key = await connlog(url, ['keys', 'create', '--service'])
      const settings = { ...serveSettings(url, POOL_SIZE), STREAMS_PER_KEY: String(2 * SUBSCRIBERS) }
      const service = await startService(
        { node: process.execPath, args: [connlogProgram, 'serve'] },
        settings,
        onStop,
      )
      const app = await createApp({
        config: parseConfig({ DATABASE_URL: url, POOL_SIZE: String(POOL_SIZE) }),
        logger: silentLogger,
      })
      const details = {}
      try {
        for (const { id, usersOf } of [
          { id: 'L1', usersOf: (subscriber) => [userOf(subscriber)] },
          { id: 'L1a', usersOf: () => null },
        ]) {
          details[id] = []
          for (let round = 1; round <= options.rounds; round += 1) {
            const seconds = options.smoke ? 1 : 2 * options.seconds
            details[id].push(await oneRound({ service, key, app, usersOf, seconds }))
            say(`Round ${round} of ${id}: ${inWords(details[id].at(-1))}`)
          }
        }
      } finally {
        await app.stop()
        await service.stop()
      }
      const ratios = Object.fromEntries(
        Object.entries(details).map(([id, rounds]) => [id, spread(rounds.map(({ p99Ms }) => p99Ms))]),
      )
      return { ratios, details }
    }),
}

async function oneRound({ service, key, app, usersOf, seconds }) {
  /** When each was sent and acknowledged, and how long after both it came, by number. */
  const sent = []
  const sinceSent = []
  const sinceRecorded = []
  let isMeasured = false
  let came = 0
  const over = new AbortController()
  setMaxListeners(0, over.signal)
  const onEvent = (number) => {
    const now = performance.now()
    came += 1
    const times = sent[number]
    if (!times.isMeasured) return
    sinceSent.push(now - times.sentAt)
    // The other process may be told before this one hears that it was recorded.
    sinceRecorded.push(Math.max(0, now - (times.recordedAt ?? now)))
  }
  const subscribers = await Promise.all(
    Array.from({ length: SUBSCRIBERS }, (_, subscriber) =>
      subscribe(service.url, key, usersOf(subscriber), over.signal, onEvent),
    ),
  )
  try {
    const cpuBefore = service.cpuMs()
    const events = (WARM_UP_SECONDS + seconds) * PER_SECOND
    const recording = []
    const startAt = performance.now()
    for (let number = 0; number < events;) {
      const due = Math.min(events, Math.floor(((performance.now() - startAt) / 1_000) * PER_SECOND))
      for (; number < due; number += 1) {
        isMeasured ||= number >= WARM_UP_SECONDS * PER_SECOND
        const times = { sentAt: performance.now(), recordedAt: undefined, isMeasured }
        sent.push(times)
        recording.push(
          app.connectionLogs.record([{ value: eventOf(number), at: '' }]).then(() => {
            times.recordedAt = performance.now()
          }),
        )
      }
      await sleep(TICK_MS)
    }
    await Promise.all(recording)
    const lastedMs = performance.now() - startAt
    const expected = usersOf(0) === null ? events * SUBSCRIBERS : events
    await comeTo(expected, () => came)
    return {
      perSecond: (events / lastedMs) * 1_000,
      deliveries: sinceRecorded.length,
      p50Ms: median(sinceRecorded),
      p99Ms: quantile(sinceRecorded, 0.99),
      maxMs: quantile(sinceRecorded, 1),
      sentP99Ms: quantile(sinceSent, 0.99),
      serviceUs: ((service.cpuMs() - cpuBefore) * 1_000) / expected,
    }
  } finally {
    over.abort()
    await Promise.all(subscribers.map(({ ended }) => ended))
  }
}

/** Waits until so many have come, and a little longer for what should not. */
async function comeTo(expected, count) {
  const endAt = performance.now() + PATIENCE_MS
  while (count() < expected && performance.now() < endAt) await sleep(50)
  await sleep(200)
  if (count() !== expected) throw new Error(`Expected ${expected} deliveries, got ${count()}.`)
}

/** Subscribes over server-sent events and calls `onEvent` with the number of each. @returns once it follows */
async function subscribe(url, key, users, signal, onEvent) {
  const { body, statusCode } = await request(`${url}/graphql`, {
    method: 'POST',
    signal,
    headers: {
      authorization: `Bearer ${key}`,
      accept: 'text/event-stream',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ query: DOCUMENT, variables: { users } }),
    bodyTimeout: 0,
  })
  if (statusCode !== 200) throw new Error(`Expected to follow, got ${statusCode}.`)
  const chunks = body[Symbol.asyncIterator]()
  // The first piece says where the stream begins: from here on nothing is missed.
  await chunks.next()
  const ended = (async () => {
    let rest = ''
    try {
      for (let { done, value } = await chunks.next(); !done; { done, value } = await chunks.next()) {
        const text = rest + value.latin1Slice()
        const end = text.lastIndexOf('\n\n')
        for (const [, number] of text.slice(0, end + 1).matchAll(/"profileId":"n(\d+)"/g))
          onEvent(Number(number))
        rest = end === -1 ? text : text.slice(end)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  })()
  return { ended }
}

const userOf = (subscriber) => `user-${subscriber}`

const eventOf = (number) => ({
  userId: userOf(number % SUBSCRIBERS),
  profileId: `n${number}`,
  accountId: `account-${number % 1_009}`,
  platform: 'instagram',
  eventType: number % 3 === 0 ? 'connect_failed' : 'connect_success',
  connectionMethod: 'oauth',
  ...(number % 3 === 0
    ? { error: { code: 'oauth_denied', message: 'The user denied the access to the account' } }
    : { success: { username: `studio_${number % 1_009}` } }),
  durationMs: 1_200,
})

function figure(id, title) {
  return { id, title, must: 250, goal: 100, reach: 'at most', unit: 'ms' }
}

const inWords = ({ perSecond, deliveries, p50Ms, p99Ms, maxMs, sentP99Ms, serviceUs }) =>
  `${Math.round(perSecond)} events a second, ${deliveries} deliveries, median ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, longest ${maxMs.toFixed(0)} ms (p99 from when it was sent: ${sentP99Ms.toFixed(0)} ms), ${serviceUs.toFixed(0)} us of the service each`
