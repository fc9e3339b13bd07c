import { describe, expect, inject, it } from 'vitest'
import { followOn } from '../../src/cli/tail/follow-on.ts'
import { remoteSource } from '../../src/cli/tail/remote.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { graphqlAddress } from '../../src/remote/address.ts'
import { createRemote } from '../../src/remote/client.ts'
import { briskClock } from '../support/brisk-clock.ts'
import { PROVIDERS, createTestDatabase } from '../support/databases.ts'
import { startService } from '../support/service.ts'
import { startTail } from '../support/tailing.ts'
import { type Cutter, startTcpProxy } from '../support/tcp-proxy.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { report, seededRandom } from './seed.ts'
import { prepareDatabase } from './stored.ts'

/** The feed beneath it is cut more often in its own test. */
const reconnects = Math.ceil(inject('faults').reconnects / 4)
const WRITERS = 4
const HOST = '127.0.0.1'

const undo = undoneAfterEach()

describe.each(PROVIDERS)('connlog tail over a bad network, on %s', (provider) => {
  it(`misses nothing and repeats nothing, cut ${reconnects} times; one that comes back without a cursor loses`, async () => {
    const random = seededRandom(`tail, ${provider}`)
    const database = await createTestDatabase(provider)
    undo(database.drop)
    const key = await prepareDatabase(database.url)
    const service = await startService(database.url)
    undo(service.kill)
    const proxy = await startTcpProxy(service.port)
    undo(proxy.stop)
    const url = `http://${HOST}:${proxy.port}`

    const acknowledged: string[] = []
    const record = async (n: number): Promise<void> => {
      const response = await fetch(`http://${HOST}:${service.port}/api/v1/connections/logs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          userId: `u${n % 5}`,
          platform: 'reddit',
          eventType: 'disconnect',
          connectionMethod: 'oauth',
        }),
      })
      const { logs } = (await response.json()) as { logs: { _id: string }[] }
      acknowledged.push(...logs.map(({ _id }) => _id))
    }
    for (let n = 0; n < 250; n += 1) await record(n)

    // On Postgres the connections of the database break, too.
    const databaseUrl = new URL(database.url)
    const databaseProxy = provider === 'postgres' ? await startTcpProxy(Number(databaseUrl.port)) : undefined
    if (databaseProxy) {
      undo(databaseProxy.stop)
      databaseUrl.port = String(databaseProxy.port)
    }
    const since = new Date(systemClock.now() - 60_000).toISOString()
    const tails = [
      startTail({ url, key, since }),
      startTail({ since }, { DATABASE_URL: databaseProxy ? databaseUrl.href : database.url }),
    ]
    const naive = await tailWithoutCursor(url, key)
    undo(
      ...tails.map(
        ({ stop }) =>
          () =>
            stop(),
      ),
      naive.stop,
    )

    const left = new Map<number, number>()
    const cutter: Cutter = (direction, bytes, connection) => {
      if (direction === 'up') return undefined
      const before = left.get(connection) ?? random.whole(500, 20_000)
      left.set(connection, before - bytes)
      return bytes > before ? before : undefined
    }
    proxy.setCutter(cutter)
    const written = new AbortController()
    const writing = Promise.all(
      Array.from({ length: WRITERS }, async () => {
        for (let n = 0; !written.signal.aborted; n += 1) {
          await record(n)
          await systemClock.sleep(random.whole(5, 100))
        }
      }),
    )
    // The third cursor, of the naive one, is cut as well: each of them has its share.
    while (proxy.cuts() < 2 * reconnects) {
      await systemClock.sleep(300)
      databaseProxy?.resetAll()
    }
    written.abort()
    await writing
    proxy.setCutter(undefined)

    for (const [index, tailing] of tails.entries()) {
      const seen = (await tailing.logs(acknowledged.length)).map(({ _id }) => _id)
      expect(new Set(seen), `tail ${index}`).toEqual(new Set(acknowledged))
      expect(seen, `tail ${index}`).toHaveLength(acknowledged.length)
    }
    const lost = acknowledged.length - 250 - naive.seen()
    report(
      `tail, ${provider}: ${acknowledged.length} acknowledged, ${proxy.cuts()} cuts; ${lost} lost without a cursor`,
    )
    expect(lost).toBeGreaterThan(0)
    expect(await Promise.all(tails.map(({ stop }) => stop()))).toEqual([0, 0])
    await naive.stop()
    expect((await service.stop()).code).toBe(0)
  })
})

/** The naive way: whoever was cut off begins anew. */
async function tailWithoutCursor(url: string, key: string) {
  const stop = new AbortController()
  const own = { clock: briskClock, stop: stop.signal }
  const remote = createRemote({ ...own, address: graphqlAddress(url, 'url'), key, userAgent: 'naive', fetch })
  const source = remoteSource(remote, {})
  let seen = 0
  const begun = new AbortController()
  const following = followOn(
    {
      ...source,
      follow: async function* () {
        for await (const heard of source.follow(undefined)) {
          begun.abort()
          yield heard
        }
      },
    },
    { is: 'now' },
    { cursor: undefined, hasMissed: false },
    {
      ...own,
      say: () => undefined,
      random: Math.random,
      put: async (logs) => void (seen += logs.length),
    },
  ).catch(() => undefined)
  while (!begun.signal.aborted) await systemClock.sleep(5)
  return {
    seen: () => seen,
    stop: async () => {
      stop.abort()
      await following
    },
  }
}
