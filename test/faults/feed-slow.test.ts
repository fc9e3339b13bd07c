import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { describe, expect, inject, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { PROVIDERS, createTestDatabase } from '../support/databases.ts'
import { startService } from '../support/service.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { createFollower } from './follower.ts'
import { report } from './seed.ts'
import { prepareDatabase } from './stored.ts'

const { unread } = inject('faults')
const LIST = 500
const SLOW = 8
const METADATA_BYTES = 1_500
/** What the service may grow by. If it kept what nobody takes, it would be {@link SLOW} times all that is stored. */
const MOST_MEGABYTES = 400
const undo = undoneAfterEach()

const until = async (isSo: () => boolean) => {
  while (!isSo()) await systemClock.sleep(10)
}

/** Memory of a process in megabytes, on Linux. */
const memoryOf = (pid: number | undefined) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024

describe.each(PROVIDERS)('clients that take nothing, on %s', (provider) => {
  it(`keep nobody waiting and cost no memory for ${unread} logs, and get all of them later`, async () => {
    const database = await createTestDatabase(provider)
    undo(database.drop)
    const key = await prepareDatabase(database.url)
    const service = await startService(database.url)
    undo(service.kill)
    const followers = Array.from({ length: SLOW + 1 }, () => createFollower([service.port], key))
    const running = followers.map((follower) => follower.run())
    undo(...followers.map(({ stop }) => stop))
    await until(() => followers.every(({ hasBegun }) => hasBegun()))
    const [quick, ...slow] = followers
    for (const { pause } of slow) pause()

    const before = memoryOf(service.pid)
    const stored: string[] = []
    while (stored.length < unread) {
      const logs = Array.from({ length: LIST }, () => ({
        platform: 'reddit',
        eventType: 'disconnect',
        connectionMethod: 'oauth',
        metadata: { text: 'x'.repeat(METADATA_BYTES) },
      }))
      const response = await fetch(`http://127.0.0.1:${service.port}/api/v1/connections/logs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(logs),
      })
      const answer = (await response.json()) as { logs: { _id: string }[] }
      stored.push(...answer.logs.map(({ _id }) => _id))
    }
    await until(() => quick?.seen.length === stored.length)
    const grown = memoryOf(service.pid) - before
    const taken = Math.max(...slow.map(({ seen }) => seen.length))
    report(
      `feed, ${provider}: ${stored.length} logs of ${METADATA_BYTES} bytes past ${SLOW} clients that take nothing: ${grown.toFixed(0)} MB more`,
    )
    expect(taken).toBeLessThan(stored.length)
    expect(grown).toBeLessThan(MOST_MEGABYTES)
    expect(new Set(quick?.seen)).toEqual(new Set(stored))

    const [one] = slow
    one?.resume()
    await until(() => one?.seen.length === stored.length)
    expect(one?.seen).toEqual(quick?.seen)
    for (const { stop } of followers) stop()
    await Promise.all(running)
  })
})

/** Much more than a network holds between two programs of one machine. */
const PUSHED_BYTES = 32 * 1_024 * 1_024

it('control: one that pushes to whoever is there keeps all that a client does not take', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  undo(() => server.close())
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
  undo(() => client.destroy())
  const [socket] = await accepted
  // It is cut when the test ends.
  socket.on('error', () => undefined)
  const event = 'x'.repeat(METADATA_BYTES)
  for (let bytes = 0; bytes < PUSHED_BYTES; bytes += METADATA_BYTES) socket.write(event)
  await systemClock.sleep(100)
  expect(socket.writableLength).toBeGreaterThan(PUSHED_BYTES / 2)
})
