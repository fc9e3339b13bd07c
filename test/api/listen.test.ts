import { connect } from 'node:net'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'

/** Sends bytes as they are, and returns the status line and the body of what comes back. */
async function exchange(address: string, request: string): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(address)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.on('data', (chunk: Buffer) => void (answer += chunk.toString()))
  socket.end(request)
  await once(socket, 'close')
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), body }
}

it('answers requests that no client would send, without showing anything of itself', async () => {
  const app = await startTestApp('sqlite')
  const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
  const send = (line: string, ...headers: string[]) =>
    exchange(server.address, [line, 'Connection: close', ...headers, '', ''].join('\r\n'))
  expect(await send('GET /health HTTP/1.1', 'Host: a b')).toEqual({
    status: 400,
    body: '{"error":"Expected `host` to be a host name or an address, got \\"a b\\"."}',
  })
  expect(await send('GET / HTTP/1.1', 'Host: [::')).toMatchObject({ status: 400 })
  expect(await send('GET //evil/x HTTP/1.1', 'Host: x')).toEqual({
    status: 404,
    body: '{"error":"There is nothing at //evil/x."}',
  })
  expect(await send('GET /health HTTP/1.0')).toEqual({ status: 200, body: '{"status":"ok"}' })
  expect(await send('HEAD /health HTTP/1.1', 'Host: x')).toEqual({ status: 200, body: '' })
  expect(await send('PUT /health HTTP/1.1', 'Host: x')).toEqual({
    status: 405,
    body: '{"error":"Expected the method to be GET or HEAD, got PUT."}',
  })
  expect(await send('DELETE /api/v1/connections/logs HTTP/1.1', 'Host: x')).toMatchObject({ status: 405 })
  expect(await send('GET /api/v1/connections/logs/ HTTP/1.1', 'Host: x')).toMatchObject({ status: 404 })
  expect(await send('GET /graphql?query=%7Bviewer%7BkeyId%7D%7D HTTP/1.1', 'Host: x')).toEqual({
    status: 401,
    body: '{"errors":[{"message":"Unauthorized","extensions":{"code":"UNAUTHENTICATED"}}]}',
  })
  await server.stop()
  await server.stop()
})

it('answers a body that is too large in words however it is sent, and a stream that the database cannot take', async () => {
  const app = await startTestApp('sqlite')
  const key = await app.key('u1')
  const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
  const blanks = (count: number) => {
    let left = count
    return new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if ((left -= 1) >= 0) controller.enqueue(new Uint8Array(65_536).fill(0x20))
        else controller.close()
      },
    })
  }
  const post = (path: string, type: string, body: BodyInit) =>
    fetch(`${server.address}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': type },
      body,
      duplex: 'half',
    } as RequestInit)
  for (const path of ['/graphql', '/api/v1/connections/logs']) {
    const response = await post(path, 'application/json', blanks(320))
    expect(response.status).toBe(413)
    expect(await response.text()).toContain('Expected a body of at most 4194304 bytes, got a larger one.')
  }
  await app.database.close()
  const log = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
  const lines = await post(
    '/api/v1/connections/logs',
    'application/x-ndjson',
    `${JSON.stringify(log)}\n`.repeat(50_000),
  )
  expect([lines.status, lines.headers.get('retry-after')]).toEqual([503, '2'])
  await server.stop()
})

it('aborts work that combines signals when the client of a socket leaves', async () => {
  const seen = new AbortController()
  let reach: (signal: AbortSignal) => void = () => undefined
  const reached = new Promise<AbortSignal>((resolve) => (reach = resolve))
  const server = await listen(
    async ({ signal }) => {
      const both = AbortSignal.any([signal, seen.signal])
      reach(both)
      await once(both, 'abort')
      return new Response(null)
    },
    { port: 0, host: '127.0.0.1', clock: systemClock },
  )
  const { hostname, port } = new URL(server.address)
  const socket = connect(Number(port), hostname)
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const signal = await reached
  expect(signal.aborted).toBe(false)
  socket.destroy()
  await expect.poll(() => signal.aborted).toBe(true)
  await server.stop()
})
