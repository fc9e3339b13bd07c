import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const LOGS = '/api/v1/connections/logs'
const BIG = '{ connectionLogs(limit: 100) { logs { a: metadata b: metadata c: metadata d: metadata } } }'

/** A service that two users have keys of, one of whom has logs of 16 kB. */
async function start(provider: (typeof PROVIDERS)[number], env: Record<string, string>) {
  const app = await startTestApp(provider, { env: { SLOW_REQUEST_MS: '0', ...env } })
  const [greedy, other] = [await app.key('greedy'), await app.key('other')]
  const log = {
    platform: 'reddit',
    eventType: 'disconnect',
    connectionMethod: 'oauth',
    metadata: { text: 'a word '.repeat(2_200) },
  }
  for (let n = 0; n < 4; n += 1)
    await app.send(greedy, LOGS, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(Array.from({ length: 25 }, () => log)),
    })
  const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
  const { port } = new URL(server.address)
  const read = (key: string) =>
    fetch(`${server.address}${LOGS}?limit=1`, { headers: { authorization: `Bearer ${key}` } })
  /** Asks for 6 MB, and reads no more of them than the status. */
  const askAndLeave = async () => {
    const socket = connect(Number(port), '127.0.0.1')
    const query = encodeURIComponent(BIG)
    socket.write(`GET /graphql?query=${query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${greedy}\r\n\r\n`)
    await once(socket, 'readable')
    expect(String(socket.read(12))).toBe('HTTP/1.1 200')
    return socket
  }
  return { app, server, greedy, other, read, askAndLeave }
}

const end = async (app: TestApp, server: { stop(): Promise<void> }, sockets: readonly Socket[]) => {
  for (const socket of sockets) socket.destroy()
  await server.stop()
  await app.stop()
}

describe.each(PROVIDERS)('answers that nobody reads, on %s', (provider) => {
  it('have their user rejected before anything is done, until they are read; others are answered', async () => {
    const { app, server, greedy, other, read, askAndLeave } = await start(provider, {
      MAX_UNREAD_BYTES: '16777216',
      USER_SHARE_PERCENT: '25',
    })
    const sockets = [await askAndLeave()]
    const refused = await read(greedy)
    expect([refused.status, await refused.json()]).toEqual([
      429,
      {
        error: expect.stringMatching(
          /^Expected at most 2097152 bytes of unread answers of this user at a time, got \d+\. Read them or close their connections\.$/,
        ),
      },
    ])
    expect((await read(other)).status).toBe(200)
    for (const socket of sockets) socket.resume()
    await expect.poll(async () => (await read(greedy)).status).toBe(200)
    await end(app, server, sockets)
  })

  it('control: without a bound, as many as are asked for stay in memory', async () => {
    const { app, server, greedy, read, askAndLeave } = await start(provider, {
      MAX_UNREAD_BYTES: '1073741824',
    })
    const sockets = [await askAndLeave(), await askAndLeave(), await askAndLeave()]
    expect((await read(greedy)).status).toBe(200)
    await end(app, server, sockets)
  })
})
