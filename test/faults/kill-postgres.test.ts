import { existsSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { type Service, startService } from '../support/service.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { FLAWLESS, type Verdict, figures } from './history.ts'
import { createLoad } from './load.ts'
import { report, seededRandom } from './seed.ts'
import { findDamage, prepareDatabase } from './stored.ts'

const { cycles, longestMs } = inject('faults')
const UNAVAILABLE = 'The database cannot be reached or cannot take this now. Try again soon.'

// To find the processes of a server takes /proc.
describe.skipIf(!existsSync('/proc/self/stat'))('Postgres killed with SIGKILL under a service', () => {
  let server: PostgresServer
  const undo = undoneAfterEach()
  beforeAll(async () => {
    // After a crash Postgres would flush each of its files, one by one.
    server = await startPostgres(['-c', 'fsync=on', '-c', 'recovery_init_sync_method=syncfs'])
  })
  afterAll(() => server.stop())

  it(`loses nothing, stores nothing twice and nothing in part, in ${cycles} cycles, and the service recovers by itself`, async () => {
    const { url, service, verdict, load } = await killPostgres('kill, Postgres itself', 'kept', cycles)
    expect(verdict).toMatchObject(FLAWLESS)
    expect(verdict.acknowledged).toBeGreaterThan(cycles)
    expect([...load.words.keys()].toSorted()).toEqual(['503', 'SERVICE_UNAVAILABLE', 'ok'])
    expect([...load.failures].filter((text) => !text.includes(UNAVAILABLE))).toEqual([])
    expect((await service.stop()).code).toBe(0)
    expect(await findDamage(url)).toEqual([])
  })

  it('control: loses what was acknowledged where commits do not wait for the disk', async () => {
    const { verdict, load } = await killPostgres('kill, synchronous_commit=off', 'lost', cycles, {
      prepare: async () => {
        // The service refuses to start on such a server; it does not see what is turned off later.
        await onServer("ALTER SYSTEM SET wal_writer_delay = '10s'")
        await onServer('ALTER SYSTEM SET synchronous_commit = off')
        await onServer('SELECT pg_reload_conf()')
      },
      isEnough: ({ lost }) => lost.length > 0,
    })
    expect(verdict.lost.length).toBeGreaterThan(0)
    // What is lost with a crash may be a partition, too. The service makes it anew.
    expect([...load.failures].filter((text) => !text.includes(UNAVAILABLE))).toEqual([])
  })

  /** Kills Postgres, again and again, under one service that nobody restarts. */
  async function killPostgres(
    name: string,
    database: string,
    most: number,
    { prepare, isEnough }: { prepare?: () => Promise<void>; isEnough?: (verdict: Verdict) => boolean } = {},
  ) {
    const random = seededRandom(name)
    await onServer(`CREATE DATABASE ${database}`)
    const url = server.url.replace(/postgres$/, database)
    const key = await prepareDatabase(url)
    const service = await startService(url)
    undo(service.kill)
    await prepare?.()
    const load = createLoad({ random, key, port: () => service.port })
    undo(load.end, load.stop)
    load.start()
    let cycle = 0
    for (let isOver = false; !isOver && cycle < most; cycle += 1) {
      await systemClock.sleep(random.whole(20, longestMs))
      await server.kill()
      // Clients go on asking, and are told that there is no database.
      await systemClock.sleep(random.whole(0, 50))
      await server.start()
      await isReady(service)
      if (isEnough) {
        await load.stop()
        isOver = isEnough(await load.verdict(url))
        load.start()
      }
    }
    await load.stop()
    await load.settle()
    const verdict = await load.verdict(url)
    report(`${name}: ${cycle} cycles, ${figures(verdict)}`)
    return { url, service, verdict, load }
  }

  async function onServer(statement: string): Promise<void> {
    const client = new pg.Client(server.url)
    await client.connect()
    await client.query(statement)
    await client.end()
  }
})

/** The service finds the way back by itself. */
async function isReady({ port }: Service): Promise<void> {
  for (;;) {
    const { status } = await fetch(`http://127.0.0.1:${port}/ready`)
    if (status === 200) return
    await systemClock.sleep(10)
  }
}
