import { once, setMaxListeners } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const DOCUMENT = JSON.stringify({ query: 'subscription { connectionLogRecorded { cursor } }' })

it('a burst of 250 subscriptions on a service that is slow to begin them is accepted', async () => {
  const clock = createTestClock(Date.now())
  // Each look at the clock takes a tenth of a second, as if nothing had been compiled yet.
  const cold = {
    ...clock,
    steadyMs: () => {
      clock.advance(100)
      return clock.steadyMs()
    },
  }
  const app = await startTestApp('sqlite', {
    clock: cold,
    env: { STREAMS_PER_KEY: '250', REQUEST_TIMEOUT_SECONDS: '600' },
  })
  const key = await app.key('u1')
  const statuses = await Promise.all(
    Array.from({ length: 250 }, async () => {
      const response = await app.send(key, '/graphql', {
        method: 'POST',
        headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
        body: DOCUMENT,
      })
      await response.body?.cancel()
      return response.status
    }),
  )
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  await expect.poll(() => app.figures().openStreams).toBe(0)
})

it.each(PROVIDERS)(
  'subscriptions that begin at once as others are cut are all accepted, on new connections and on kept ones (%s)',
  async (provider) => {
    const app = await startTestApp(provider, { env: { STREAMS_PER_KEY: '250', SLOW_REQUEST_MS: '0' } })
    const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
    const { port } = new URL(server.address)
    const headers = {
      authorization: `Bearer ${await app.key('u1')}`,
      accept: 'text/event-stream',
      'content-type': 'application/json',
    }
    const begin = async (signal: AbortSignal, connection: string) => {
      const sent = request({
        port,
        method: 'POST',
        path: '/graphql',
        signal,
        headers: { ...headers, connection },
      })
      sent.on('error', () => undefined)
      sent.end(DOCUMENT)
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      response.on('error', () => undefined).resume()
      return response.statusCode
    }
    for (let round = 0; round < 10; round += 1) {
      const over = new AbortController()
      setMaxListeners(0, over.signal)
      const statuses = await Promise.all(
        Array.from({ length: 50 }, () => begin(over.signal, round % 2 === 0 ? 'close' : 'keep-alive')),
      )
      expect(statuses.filter((status) => status !== 200)).toEqual([])
      over.abort()
    }
    await expect.poll(() => app.figures().openStreams).toBe(0)
    await server.stop()
  },
)

it('a body that arrived while the process was busy is not missed, though the time of the request is over', async () => {
  const app = await startTestApp('sqlite', { env: { REQUEST_TIMEOUT_SECONDS: '1', SLOW_REQUEST_MS: '0' } })
  let isReading: () => void = () => undefined
  const reading = new Promise<void>((resolve) => (isReading = resolve))
  const answer: typeof app.fetch = (incoming, peer) => {
    const answered = app.fetch(incoming, peer)
    void systemClock.sleep(50).then(isReading)
    return answered
  }
  const server = await listen(answer, { port: 0, host: '127.0.0.1', clock: systemClock })
  const body = '{"query":"{ viewer { name } }"}'
  const socket = connect(Number(new URL(server.address).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await app.key('u1')}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  await reading
  // From here on, timers come before the network.
  await systemClock.sleep(0)
  // Written to the network before this process does nothing else for longer than the request may take.
  socket.write(body)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500)
  const [first] = (await once(socket, 'data')) as [Buffer]
  expect(first.toString().split('\r\n', 1)).toEqual(['HTTP/1.1 200 OK'])
  socket.destroy()
  await server.stop()
})
