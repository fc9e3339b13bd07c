import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import type { Random } from '../../src/demo/random.ts'
import { listen } from '../../src/http/listen.ts'
import { DAY_MS, MINUTE_MS, systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { type TestClock, createTestClock } from '../support/clock.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'
import { type Cutter, startTcpProxy } from '../support/tcp-proxy.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { type Attempt, FLAWLESS, check, figures } from './history.ts'
import { DOORS, type SentEvent, bodyOf, createProducer, isSingle, sentEvent } from './producer.ts'
import { report, seededRandom } from './seed.ts'
import { findDamage, readStored } from './stored.ts'

const MIDNIGHT = Math.floor(Date.now() / DAY_MS) * DAY_MS
const CLIENTS = 8
const { events: EVENTS } = inject('faults')
const undo = undoneAfterEach()

interface Scene {
  readonly random: Random
  readonly clock: TestClock
  readonly url: string
  readonly port: number
  readonly key: string
  readonly cuts: () => number
}

/** A service on a socket, and a network before it that cuts connections in the midst of whatever goes on. */
async function setScene(provider: Provider, name: string, lifetime = LONG): Promise<Scene> {
  const random = seededRandom(name)
  const clock = createTestClock(MIDNIGHT - MINUTE_MS)
  const app = await startTestApp(provider, { clock })
  const key = await app.key(null)
  const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
  undo(server.stop)
  const proxy = await startTcpProxy(Number(new URL(server.address).port))
  undo(proxy.stop)
  proxy.setCutter(createCutter(random, lifetime))
  return { random, clock, key, url: app.url, port: proxy.port, cuts: proxy.cuts }
}

interface Lifetime {
  readonly min: number
  readonly max: number
}

/** How many bytes a connection may live for, as powers of two: from a part of a header to a hundred requests. */
const LONG: Lifetime = { min: 8, max: 24 }
const SHORT: Lifetime = { min: 7, max: 13 }

function createCutter(random: Random, { min, max }: Lifetime): Cutter {
  const left = new Map<string, number>()
  return (direction, bytes, connection) => {
    const name = `${direction} ${connection}`
    const budget = left.get(name) ?? Math.floor(2 ** (min + random.fraction() * (max - min)))
    left.set(name, budget - bytes)
    return budget < bytes ? budget : undefined
  }
}

/**
 * Sends events through several clients until each time that it is to be sent is settled: acknowledged or refused. What
 * is unknown is sent again; so is the rest of a list that was refused for one of them.
 */
async function sendAll(
  { random, key, port }: Scene,
  todo: SentEvent[],
  options: { withEventIds: boolean; onSettled?: (left: number) => void },
): Promise<{ history: Attempt[]; words: Map<string, number>; failures: Set<string> }> {
  const history: Attempt[] = []
  const words = new Map<string, number>()
  const failures = new Set<string>()
  const queue = inBatches(todo, random)
  const client = async () => {
    const producer = createProducer({
      port: () => port,
      key,
      history,
      words,
      failures,
      withEventIds: options.withEventIds,
    })
    for (let batch = queue.pop(); batch; batch = queue.pop()) {
      const door = random.pick(batch.length === 1 ? DOORS : LIST_DOORS)
      const { outcomes, refusedAt } = await producer.send(door, batch)
      // A list is refused whole, for one of them.
      const open = batch.filter((_, index) =>
        refusedAt === undefined ? outcomes[index] === 'unknown' : index !== refusedAt,
      )
      const half = random.chance(0.3) ? Math.ceil(open.length / 2) : open.length
      const again = [open.slice(0, half), open.slice(half)].filter(({ length }) => length > 0)
      queue.splice(random.whole(Math.max(0, queue.length - 20), queue.length), 0, ...again)
      options.onSettled?.(queue.length)
    }
    producer.stop()
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return { history, words, failures }
}

const WORDS = new Set(['ok', 'cut', 'CONFLICT', '409', 'SERVICE_UNAVAILABLE', '503'])
const TOO_MUCH_AT_ONCE = 'Too many others send the same events at this moment.'
const LIST_DOORS = DOORS.filter((door) => !isSingle(door))

function inBatches(events: SentEvent[], random: Random): SentEvent[][] {
  const batches: SentEvent[][] = []
  for (let at = 0; at < events.length;) {
    const size = random.weighted([
      { weight: 5, size: 1 },
      { weight: 5, size: random.whole(2, 20) },
      { weight: 3, size: random.whole(20, 200) },
      { weight: 0.2, size: random.whole(500, 1_000) },
    ]).size
    batches.push(events.slice(at, at + size))
    at += size
  }
  return batches
}

/** Each event one to five times, repetitions near each other, so that many are under way at once. */
function repeated(events: readonly SentEvent[], random: Random): SentEvent[] {
  return events
    .flatMap((event, index) =>
      Array.from({ length: random.whole(1, 5) }, () => ({ event, at: index + random.exponential(300) })),
    )
    .toSorted((a, b) => a.at - b.at)
    .map(({ event }) => event)
}

describe.each(PROVIDERS)(
  'events that are each sent one to five times through a network that cuts, on %s',
  (provider) => {
    it(`are stored once each, with the content that was acknowledged first, over midnight: ${EVENTS}`, async () => {
      const scene = await setScene(provider, `exactly once, ${provider}`)
      const { random, clock } = scene
      const of = (userId: string | null, count: number) =>
        Array.from({ length: count }, (_, index) => sentEvent(userId, `e${index}`, random.whole(0, 100_000)))
      // Other tenants, one of them nobody, have events with the same ids.
      const events = [...of('tenant-a', EVENTS), ...of('tenant-b', EVENTS / 20), ...of(null, EVENTS / 40)]
      const changed = Array.from({ length: 100 }, () => random.pick(events)).map((event): SentEvent => ({
        ...event,
        content: event.content + 1,
      }))
      const todo = repeated(events, random)
      for (const event of changed) todo.splice(random.whole(0, todo.length), 0, event)

      const sizeAtStart = inBatches(todo, random).length
      const { history, words, failures } = await sendAll(scene, todo, {
        withEventIds: true,
        // Clocks of several services tell times on either side of midnight before the day is over.
        onSettled: (left) => {
          const share = 1 - left / sizeAtStart
          const offset = share < 0.4 ? -2 : share > 0.6 ? 2 : random.chance(0.5) ? -1 : 1
          clock.set(MIDNIGHT + offset * MINUTE_MS)
        },
      })
      const stored = await readStored(scene.url)
      const verdict = check(history, stored)
      report(
        `exactly once, ${provider}: ${todo.length} sent in ${history.length}, ${scene.cuts()} cuts, ${figures(verdict)}`,
      )
      expect(verdict).toMatchObject({ ...FLAWLESS, stored: events.length, acknowledged: events.length })
      expect(stored.filter(({ key }) => key.startsWith('tenant-a/')).length).toBe(EVENTS)
      // Who loses a race for the events of a list too often is asked to come again.
      expect([...failures].filter((text) => !text.includes(TOO_MUCH_AT_ONCE))).toEqual([])
      expect([...words.keys()].filter((word) => !WORDS.has(word))).toEqual([])
      expect(scene.cuts()).toBeGreaterThan(0)
      expect(await findDamage(scene.url)).toEqual([])

      // The other way in: from a file, by another process, the day after.
      const folder = mkdtempSync(join(tmpdir(), 'connlog-import-'))
      undo(() => rmSync(folder, { recursive: true }))
      const file = join(folder, 'again.ndjson')
      const contents = new Map(stored.map(({ key, content }) => [key, content]))
      const again = events.map((event) => bodyOf({ ...event, content: contents.get(event.key) ?? -1 }))
      writeFileSync(file, again.map((log) => JSON.stringify(log)).join('\n'))
      const imported = await runCommand(['import', file], { DATABASE_URL: scene.url, LOG_LEVEL: 'error' })
      const count = events.length.toLocaleString('en')
      expect(imported).toMatchObject({ code: 0, stdout: `0 stored, ${count} there already, 0 rejected.\n` })
    })

    it('control: are stored more often where they come without event ids', async () => {
      const scene = await setScene(provider, `exactly once, ${provider}, control`, SHORT)
      const events = Array.from({ length: 300 }, (_, index) => sentEvent('tenant-a', `e${index}`, index))
      const { history } = await sendAll(scene, events, { withEventIds: false })
      const verdict = check(history, await readStored(scene.url))
      report(`exactly once, ${provider}, control: ${scene.cuts()} cuts, ${figures(verdict)}`)
      expect(verdict.duplicated.length).toBeGreaterThan(0)
      expect({ ...verdict, duplicated: [] }).toMatchObject(FLAWLESS)
    })
  },
)

describe.each(PROVIDERS)('one event sent 50 times at once, on %s', (provider) => {
  it.each([
    ['alone', 10, 1],
    ['in lists of 20', 200, 20],
  ])('is created once and found 49 times, by the same id: %s, %s events', async (_, events, size) => {
    const app = await startTestApp(provider)
    const key = await app.key('u1')
    const query = `mutation ($inputs: [RecordConnectionLogInput!]!) {
      recordConnectionLogs(inputs: $inputs) { results { created log { id eventId } } }
    }`
    for (let at = 0; at < events; at += size) {
      const inputs = Array.from({ length: size }, (_, index) => ({ ...INPUT, eventId: `e${at + index}` }))
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          app.gql(key, query, { inputs: index % 2 === 0 ? inputs : inputs.toReversed() }),
        ),
      )
      const results = answers.flatMap(({ data }) => data.recordConnectionLogs.results as Result[])
      for (const { eventId } of inputs) {
        const ofEvent = results.filter(({ log }) => log.eventId === eventId)
        expect(ofEvent.filter(({ created }) => created).length).toBe(1)
        expect(new Set(ofEvent.map(({ log }) => log.id)).size).toBe(1)
        expect(ofEvent.length).toBe(50)
      }
    }
    expect((await app.connectionLogs.page({}, {})).pagination.total).toBe(events)
    expect(await findDamage(app.url)).toEqual([])
  })
})

const INPUT = { platform: 'REDDIT', eventType: 'DISCONNECT', connectionMethod: 'OAUTH' }

interface Result {
  readonly created: boolean
  readonly log: { readonly id: string; readonly eventId: string }
}
