import { describe, expect, inject, it } from 'vitest'
import type { Random } from '../../src/demo/random.ts'
import { openDatabase } from '../../src/database/open.ts'
import { sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { PROVIDERS, createTestDatabase } from '../support/databases.ts'
import { startService } from '../support/service.ts'
import { type Cutter, startTcpProxy } from '../support/tcp-proxy.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { createFollower } from './follower.ts'
import { report, seededRandom } from './seed.ts'
import { prepareDatabase, rowsOf } from './stored.ts'

const { reconnects } = inject('faults')
const WRITERS = 16
/** Lists of so many are stored on their own, beside one another. */
const LIST = 100
const HOST = '127.0.0.1'

const undo = undoneAfterEach()

/** Cuts each connection after some bytes of what comes down, wherever that is. */
function randomCuts(random: Random): Cutter {
  const left = new Map<number, number>()
  return (direction, bytes, connection) => {
    if (direction === 'up') return undefined
    const before = left.get(connection) ?? random.whole(200, 3_000)
    left.set(connection, before - bytes)
    return bytes > before ? before : undefined
  }
}

describe.each(PROVIDERS)('a stream that is cut over and over, on %s', (provider) => {
  it(`misses nothing and repeats nothing, cut ${reconnects} times while ${WRITERS} writers store; a cursor over ids loses`, async () => {
    const random = seededRandom(`feed, ${provider}`)
    const database = await createTestDatabase(provider)
    undo(database.drop)
    const key = await prepareDatabase(database.url)
    const services = await Promise.all(
      Array.from({ length: provider === 'postgres' ? 2 : 1 }, () => startService(database.url)),
    )
    undo(...services.map(({ kill }) => kill))
    const proxies = await Promise.all(services.map(({ port }) => startTcpProxy(port)))
    undo(...proxies.map(({ stop }) => stop))

    const follower = createFollower(
      proxies.map(({ port }) => port),
      key,
    )
    const following = follower.run()
    undo(follower.stop)
    while (!follower.hasBegun()) await systemClock.sleep(5)
    for (const proxy of proxies) proxy.setCutter(randomCuts(random))

    const acknowledged = new Set<string>()
    /** Sends until it is answered what is stored: a database that cannot take it now may have taken it. */
    const sent = async (port: number | undefined, body: string): Promise<string[]> => {
      for (;;) {
        const response = await fetch(`http://${HOST}:${port}/api/v1/connections/logs`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body,
        })
        const answer = (await response.json()) as { logs: { _id: string }[] }
        if (response.status === 200) return answer.logs.map(({ _id }) => _id)
        expect(response.status).toBe(503)
        await systemClock.sleep(100)
      }
    }
    const written = new AbortController()
    const write = async (writer: number) => {
      for (let n = 0; !written.signal.aborted; n += 1) {
        const port = services[(writer + n) % services.length]?.port
        const size = writer % 4 === 0 ? LIST : 1
        const body = JSON.stringify(
          Array.from({ length: size }, (_, index) => ({
            userId: `u${writer % 5}`,
            eventId: `${writer}-${n}-${index}`,
            platform: 'reddit',
            eventType: 'disconnect',
            connectionMethod: 'oauth',
          })),
        )
        for (const id of await sent(port, body)) acknowledged.add(id)
        await systemClock.sleep(random.whole(50, size === 1 ? 300 : 1_500))
      }
    }
    const naive = await followIds(database.url)
    undo(naive.stop)
    const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
    while (follower.figures.connections <= reconnects || !naive.hasLost(acknowledged))
      await systemClock.sleep(10)
    written.abort()
    await writing
    const lost = acknowledged.size - (await naive.stop())

    for (const proxy of proxies) proxy.setCutter(undefined)
    for (let waited = 0; follower.seen.length < acknowledged.size && waited < 400; waited += 1)
      await systemClock.sleep(50)
    follower.stop()
    await following
    report(
      `feed, ${provider}: ${acknowledged.size} acknowledged by ${services.length} services, ${proxies.reduce((sum, { cuts }) => sum + cuts(), 0)} cuts, ${follower.seen.length} seen; ${lost} lost by a cursor over ids`,
    )
    const stored = await rowsOf<{ id: string }>(database.url, 'SELECT id FROM connection_logs')
    expect(stored).toHaveLength(acknowledged.size)
    expect(new Set(follower.seen)).toEqual(acknowledged)
    expect(follower.seen).toHaveLength(acknowledged.size)
    expect(lost).toBeGreaterThan(0)
    for (const service of services) expect((await service.stop()).code).toBe(0)
  })
})

/** The naive way: whoever has seen an id asks for those that are greater. */
async function followIds(url: string) {
  const database = await openDatabase(url, { clock: systemClock, logger: silentLogger, poolSize: 1 })
  const seen = new Set<string>()
  let last = ''
  const over = new AbortController()
  const readOn = async () => {
    for (;;) {
      const rows = await database.query<{ id: string }>(
        sql`SELECT id FROM connection_logs WHERE id > ${last} ORDER BY id LIMIT 1000`,
      )
      for (const { id } of rows) seen.add(id)
      last = rows.at(-1)?.id ?? last
      if (rows.length < 1_000) return
    }
  }
  const reading = (async () => {
    while (!over.signal.aborted) {
      await readOn()
      await systemClock.sleep(2)
    }
    await readOn()
    await database.close()
  })()
  return {
    /** Whether it has passed over one of these. */
    hasLost: (ids: ReadonlySet<string>) => [...ids].some((id) => id < last && !seen.has(id)),
    /** @returns how many it has seen */
    stop: async () => {
      over.abort()
      await reading
      return seen.size
    },
  }
}
