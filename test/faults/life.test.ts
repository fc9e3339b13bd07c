import { once } from 'node:events'
import { type ClientRequest, Agent, request } from 'node:http'
import { connect } from 'node:net'
import { expect, describe, it } from 'vitest'
import { openDatabase } from '../../src/database/open.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createKeyStore } from '../../src/auth/key-store.ts'
import { ALL_SCOPES } from '../../src/auth/scopes.ts'
import { createRandom } from '../../src/demo/random.ts'
import { startCommand } from '../support/command.ts'
import { type Provider, PROVIDERS, createTestDatabase } from '../support/databases.ts'
import { type Service, startService } from '../support/service.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { FLAWLESS } from './history.ts'
import { createLoad } from './load.ts'

const PATH = '/api/v1/connections/logs'
const BREAKER = new URL('../support/break-on-signal.mjs', import.meta.url).href
const undo = undoneAfterEach()

/** A service in a process of its own, and a service key. */
async function served(provider: Provider, env: Record<string, string> = {}) {
  const database = await createTestDatabase(provider)
  undo(database.drop)
  const service = await startService(database.url, env)
  undo(service.kill)
  const opened = await openDatabase(database.url, { poolSize: 1, clock: systemClock, logger: silentLogger })
  const keys = createKeyStore(opened, { clock: systemClock, logger: silentLogger })
  const { key } = await keys.create({ userId: null, scopes: ALL_SCOPES })
  await keys.stop()
  await opened.close()
  return { url: database.url, service, key }
}

const statusOf = async (service: Service, path: string) =>
  (await fetch(`http://127.0.0.1:${service.port}${path}`, { headers: { connection: 'close' } })).status

/** Load from the start to a while after the end has begun, as from behind a load balancer that asks `/ready`. */
async function loadAround(provider: Provider, end: (service: Service) => Promise<unknown>) {
  const { url, service, key } = await served(provider, { SHUTDOWN_DELAY_SECONDS: '1' })
  const load = createLoad({ random: createRandom(7), port: () => service.port, key })
  undo(load.end)
  load.start()
  while (load.history.length < 100) await systemClock.sleep(20)
  const ended = end(service)
  while ((await statusOf(service, '/ready').catch(() => 503)) === 200) await systemClock.sleep(10)
  await load.stop()
  return { result: await ended, load, verdict: await load.verdict(url) }
}

describe.each(PROVIDERS)('a service on %s that is told to stop under load', (provider) => {
  it('is not ready, answers whatever it is asked meanwhile, and loses nothing', async () => {
    const { result, load, verdict } = await loadAround(provider, (service) => service.stop())
    expect(result).toMatchObject({ code: 0 })
    expect([load.words.get('cut'), [...load.failures]]).toEqual([undefined, []])
    expect(verdict).toMatchObject(FLAWLESS)
  })

  it('control: one that ends at once cuts its clients', async () => {
    const { load } = await loadAround(provider, (service) => service.kill())
    expect(load.words.get('cut')).toBeGreaterThan(0)
  })
})

it('ends within ten seconds with clients that never end and never read, and tells them what was stored', async () => {
  await Promise.all(
    PROVIDERS.map(async (provider) => {
      const { service, key } = await served(provider)
      const endless = openStream(service, key)
      endless.sent.write(
        `${JSON.stringify({ platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' })}\n`,
      )
      const silent = connect(service.port, '127.0.0.1')
      silent.on('error', () => undefined)
      const query = JSON.stringify({ query: 'subscription { connectionLogRecorded { cursor } }' })
      silent.write(
        `POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: ${query.length}\r\n\r\n${query}`,
      )
      await once(silent, 'readable')
      const half = connect(service.port, '127.0.0.1')
      half.on('error', () => undefined)
      half.write('GET /health HTTP/1.1\r\nHost')
      await systemClock.sleep(500)
      const beganMs = systemClock.steadyMs()
      expect((await service.stop()).code).toBe(0)
      expect(systemClock.steadyMs() - beganMs).toBeLessThan(15_000)
      expect(await endless.answer).toEqual([
        503,
        '{"error":"The service is stopping. Of the lines before, 1 were stored, 0 were there already, 0 were rejected."}',
      ])
      for (const socket of [silent, half]) socket.destroy()
    }),
  )
})

/** A stream of lines whose end never comes. */
function openStream({ port }: Service, key: string) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' }
  const sent: ClientRequest = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: PATH,
    headers,
    agent: false,
  })
  const answer = new Promise<[number | undefined, string]>((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => void (text += chunk.toString()))
      response.on('end', () => {
        sent.destroy()
        resolve([response.statusCode, text])
      })
    })
  })
  return { sent, answer }
}

it.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('a second %s ends it at once', async (signal, code) => {
  const database = await createTestDatabase('sqlite')
  undo(database.drop)
  const env = { DATABASE_URL: database.url, PORT: '0', DEMO: 'false', SHUTDOWN_DELAY_SECONDS: '300' }
  const command = startCommand(['serve'], env)
  undo(() => command.kill('SIGKILL'))
  const [address = ''] = /http:\/\/\S+/.exec(await command.printed(/listens on \S+/)) ?? []
  command.kill(signal)
  const ready = async () => fetch(`${address}/ready`)
  while ((await ready()).status === 200) await systemClock.sleep(20)
  const health = await fetch(`${address}/health`)
  expect([health.status, health.headers.get('connection')]).toEqual([200, 'close'])
  command.kill(signal)
  expect((await command.finished).code).toBe(code)
})

describe('a service that is broken ends, so that it is started again', () => {
  it.each([
    [
      'its writing thread ends',
      'thread',
      'The thread that writes to SQLite has ended. Start the service again.\n',
    ],
    ['a promise is rejected that nobody holds', 'reject', 'a failure that nobody caught: the process ends'],
  ])('where %s', async (_, how, sentence) => {
    const { service, key } = await served('sqlite', { NODE_OPTIONS: `--import ${BREAKER}`, BREAK: how })
    const send = () =>
      fetch(`http://127.0.0.1:${service.port}${PATH}`, { headers: { authorization: `Bearer ${key}` } })
    expect((await send()).status).toBe(200)
    process.kill(service.pid ?? 0, 'SIGUSR2')
    const { code, stderr } = await service.finished
    expect(code).toBe(1)
    expect(stderr).toContain(sentence)
    expect(stderr).not.toContain('what a caller sent')
  })
})

/** Asks over and over with so many clients, and returns the median time of a good answer, and how many were refused. */
async function medianUnder(clients: number, { service, key }: { service: Service; key: string }) {
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  let refused = 0
  let left = 600
  const ask = () =>
    new Promise<number | undefined>((resolve, reject) => {
      const query = '{ connectionStats(interval: HOUR) { total errorCodes { code } series { total } } }'
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const path = '/graphql'
      const sent = request({ port: service.port, host: '127.0.0.1', agent, method: 'POST', path, headers })
      sent.on('error', reject)
      sent.on('response', (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode))
      })
      sent.end(JSON.stringify({ query }))
    })
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left > 0) {
        const beganMs = systemClock.steadyMs()
        if ((await ask()) === 200) {
          times.push(systemClock.steadyMs() - beganMs)
          left -= 1
        } else {
          refused += 1
          await systemClock.sleep(50)
        }
      }
    }),
  )
  agent.destroy()
  return { medianMs: times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0, refused }
}

it.each(PROVIDERS)(
  'overload on %s: who is let in waits as before, others hear so at once',
  async (provider) => {
    const bounded = await served(provider, { MAX_CONCURRENT_REQUESTS: '8' })
    await medianUnder(4, bounded)
    const calm = await medianUnder(8, bounded)
    const shed = await medianUnder(200, bounded)
    await bounded.service.stop()
    const unbounded = await served(provider, { MAX_CONCURRENT_REQUESTS: '100000' })
    await medianUnder(4, unbounded)
    const control = await medianUnder(200, unbounded)
    console.log(provider, { calm, shed, control }) // oxlint-disable-line no-console
    expect(calm.refused).toBe(0)
    expect(shed.refused).toBeGreaterThan(0)
    expect(shed.medianMs).toBeLessThan(calm.medianMs * 6)
    expect(control.refused).toBe(0)
    expect(control.medianMs).toBeGreaterThan(shed.medianMs * 2)
  },
)
