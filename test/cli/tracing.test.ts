import { once } from 'node:events'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startTracing } from '../../src/cli/tracing.ts'
import { HOUR_MS, systemClock } from '../../src/kernel/clock.ts'
import { MAIN, runCommand, startCommand, startNode } from '../support/command.ts'
import { PROVIDERS, type Provider, createTestDatabase } from '../support/databases.ts'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'

const CALLER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }

async function prepare(provider: Provider) {
  const database = await createTestDatabase(provider)
  const receiver = await startOtlpReceiver()
  onTestFinished(async () => {
    await receiver.stop()
    await database.drop()
  })
  const env = { DATABASE_URL: database.url, PORT: '0', DEMO: 'false', NODE_ENV: 'production' }
  await runCommand(['migrate'], env)
  const { stdout } = await runCommand(['keys', 'create', '--user', 'canary-user'], env)
  return { receiver, env, key: stdout.trim() }
}

/** A service that answers two requests, a good one and one that fails, and ends. @returns its lines about itself */
async function serveAndAsk(env: Record<string, string>, key: string): Promise<string> {
  const command = startCommand(['serve'], { ...env, LOG_LEVEL: 'debug' })
  const [, address = ''] = /listens on (\S+)/.exec(await command.printed(/listens on \S+/)) ?? []
  const ask = async (query: string, headers: Record<string, string>) =>
    (
      await fetch(`${address}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query }),
      })
    ).text()
  await ask('query Recent { connectionLogs(filter: { search: "canary" }) { logs { id } } }', {
    traceparent: `00-${CALLER.traceId}-${CALLER.spanId}-01`,
  })
  await ask('mutation Clean { cleanupExpiredConnectionLogs { deleted } }', {})
  await fetch(`${address}/health`)
  command.kill('SIGTERM')
  const { code, stderr } = await command.finished
  expect(code).toBe(0)
  return stderr
}

const asking = ({ url }: OtlpReceiver) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
})

describe.each(PROVIDERS)('traces on %s', (provider) => {
  it('go from the caller to the request, the operation and the database, and are on the lines of the log', async () => {
    const { receiver, env, key } = await prepare(provider)
    const lines = await serveAndAsk({ ...env, ...asking(receiver) }, key)
    const spans = receiver.spans()
    const called = (name: string) => spans.find((span) => span.name === name)
    const [recent, clean] = [called('query Recent'), called('mutation (other)')]
    const [asked, other] = spans.filter(({ name }) => name === 'POST /graphql')
    const system = provider === 'sqlite' ? 'sqlite' : 'postgresql'
    expect(receiver.services()).toEqual(['connlog'])
    expect(spans.map(({ name }) => name).sort()).toEqual([
      'POST /graphql',
      'POST /graphql',
      'mutation (other)',
      'pageText connection_logs',
      'query Recent',
    ])
    expect(asked).toMatchObject({ kind: 2, traceId: CALLER.traceId, parentSpanId: CALLER.spanId, status: 0 })
    expect(recent).toMatchObject({ kind: 1, traceId: CALLER.traceId, parentSpanId: asked?.spanId, status: 0 })
    expect(recent?.attributes).toEqual({
      'graphql.operation.type': 'query',
      'graphql.operation.name': 'Recent',
    })
    expect(called('pageText connection_logs')).toMatchObject({
      kind: 3,
      traceId: CALLER.traceId,
      parentSpanId: recent?.spanId,
      attributes: { 'db.system.name': system, 'db.operation.name': 'pageText' },
    })
    expect(clean).toMatchObject({ parentSpanId: other?.spanId, traceId: other?.traceId, status: 2 })
    expect(clean?.attributes['error.type']).toBe('FORBIDDEN')
    expect(other).toMatchObject({ parentSpanId: undefined, status: 0 })
    const line = lines.split('\n').find((text) => text.includes('"operation":"Recent"')) ?? '{}'
    expect(JSON.parse(line)).toMatchObject({
      trace_id: CALLER.traceId,
      span_id: asked?.spanId,
      path: '/graphql',
      status: 200,
      keyId: key.split('_')[1],
    })
    const secret = new RegExp(`${key}|canary`)
    expect(receiver.bodies.join('')).not.toMatch(secret)
    expect(lines).not.toMatch(secret)
  })
})

/** What takes connections and what is sent over them, and never says anything. */
async function startSilentCollector() {
  const received: number[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', ({ length }) => void received.push(length))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => void server.close(resolve))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Resolves when the first spans have come. */
    asked: async () => {
      while (received.length === 0) await systemClock.sleep(5)
    },
  }
}

/** Where nothing listens. */
async function refusing(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => void server.close(resolve))
  return `http://127.0.0.1:${port}`
}

describe('a service whose collector of spans', () => {
  async function serveAndStop(
    provider: Provider,
    OTEL_EXPORTER_OTLP_ENDPOINT: string,
    meanwhile: () => Promise<void>,
  ) {
    const database = await createTestDatabase(provider)
    onTestFinished(database.drop)
    const env = { DATABASE_URL: database.url, NODE_ENV: 'production' }
    await runCommand(['migrate'], env)
    const key = (await runCommand(['keys', 'create', '--service'], env)).stdout.trim()
    const command = startCommand(['serve'], {
      ...env,
      PORT: '0',
      LOG_LEVEL: 'warn',
      OTEL_EXPORTER_OTLP_ENDPOINT,
      OTEL_BSP_SCHEDULE_DELAY: '10',
      // A service that waited for its collector would take an hour to stop.
      OTEL_EXPORTER_OTLP_TIMEOUT: String(HOUR_MS),
      OTEL_BSP_EXPORT_TIMEOUT: String(HOUR_MS),
    })
    onTestFinished(() => command.kill('SIGKILL'))
    const [, address = ''] = /listens on (\S+)/.exec(await command.printed(/listens on \S+/)) ?? []
    const record = async () => {
      const response = await fetch(`${address}/api/v1/connections/logs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }),
      })
      expect([response.status, ((await response.json()) as { accepted: number }).accepted]).toEqual([200, 1])
    }
    await record()
    await meanwhile()
    // Whoever waited for the collector would wait for ever.
    for (let index = 0; index < 20; index += 1) await record()
    command.kill('SIGTERM')
    const { code, stderr } = await command.finished
    expect([code, stderr]).toEqual([0, ''])
    const { stdout } = await runCommand(['export'], env)
    expect(stdout.split('\n').length - 1).toBe(21)
  }

  it('takes them and never answers: answers, ends in time, and loses nothing', async () => {
    await Promise.all(
      PROVIDERS.map(async (provider) => {
        const collector = await startSilentCollector()
        await serveAndStop(provider, collector.url, collector.asked)
      }),
    )
  })

  it('refuses connections: answers, ends in time, and loses nothing', async () => {
    const url = await refusing()
    await Promise.all(PROVIDERS.map((provider) => serveAndStop(provider, url, async () => undefined)))
  })
})

it('leave no process that is not asked for them', async () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:4318'
  const silent = [
    {},
    { OTEL_SERVICE_NAME: 'logs', OTEL_EXPORTER_OTLP_ENDPOINT: ' ' },
    { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' },
    { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' },
  ]
  expect(await Promise.all(silent.map(startTracing))).toEqual(silent.map(() => undefined))
})

it('leave a service that may not send them nothing to send', async () => {
  const { receiver, env, key } = await prepare('sqlite')
  const lines = await serveAndAsk({ ...env, ...asking(receiver), OTEL_SDK_DISABLED: 'true' }, key)
  expect(receiver.bodies).toEqual([])
  expect(lines).not.toContain('trace_id')
})

it('say what to install where the SDK is not there', async () => {
  const hooks = `export const resolve = (name, context, next) => {
    if (name === '@opentelemetry/sdk-node')
      throw Object.assign(new Error('not there'), { code: 'ERR_MODULE_NOT_FOUND' })
    return next(name, context)
  }`
  const register = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)})`
  const { finished } = startNode(
    ['--import', `data:text/javascript,${encodeURIComponent(register)}`, MAIN, 'serve'],
    { DATABASE_URL: 'file:/nowhere/at/all.db', OTEL_TRACES_EXPORTER: 'otlp' },
  )
  expect(await finished).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'OTEL_TRACES_EXPORTER asks for traces, and @opentelemetry/sdk-node is not installed beside connlog. Run `npm install @opentelemetry/sdk-node`, or set OTEL_SDK_DISABLED=true.\n',
  })
})
