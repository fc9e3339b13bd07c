import { type IncomingMessage, type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type ConnlogOptions, createConnlog, createNodeListener } from '../../src/connlog.ts'
import { createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config/config.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createTestDatabase } from '../support/databases.ts'

const LOGS = '/api/v1/connections/logs'
const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
const VIEWER = { query: '{ viewer { name } }' }

const steps: (() => unknown)[] = []
afterEach(async () => {
  for (const step of steps.splice(0).reverse()) await step()
})

async function start(options: ConnlogOptions = {}) {
  const database = await createTestDatabase('sqlite')
  steps.push(() => database.drop())
  const connlog = createConnlog({ databaseUrl: database.url, logger: silentLogger, ...options })
  await connlog.start()
  steps.push(() => connlog.stop())
  const config = parseConfig({ DATABASE_URL: database.url })
  const app = await createApp({ config, clock: systemClock, logger: silentLogger })
  const { key } = await app.keys.create({ userId: 'u1', scopes: ['logs:read', 'logs:write'] })
  await app.stop()
  return { connlog, authorization: `Bearer ${key}` }
}

type Work = Parameters<typeof createServer>[1]

async function serve(work: Work): Promise<string> {
  const server: Server = createServer(work)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  steps.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** What came of a request by each API, in short. */
async function outcomes(base: string, authorization: string) {
  const post = async (path: string, type: string, body: string) => {
    const init = { method: 'POST', headers: { authorization, 'content-type': type }, body }
    const response = await fetch(`${base}${path}`, init)
    const text = await response.text()
    return `${response.status} ${text.slice(0, 46)}`
  }
  const get = await fetch(`${base}/graphql?query={viewer{name}}`, { headers: { authorization } })
  return [
    await post('/graphql', 'application/json', JSON.stringify(VIEWER)),
    await post(LOGS, 'application/json', JSON.stringify([EVENT])),
    await post(LOGS, 'application/json', JSON.stringify(EVENT)),
    await post(LOGS, 'application/x-ndjson', `${JSON.stringify(EVENT)}\n{}\n`),
    `${get.status} ${await get.text()}`,
  ]
}

const DONE = [
  '200 {"data":{"viewer":{"name":null}}}',
  '200 {"accepted":1,"duplicates":0,"rejected":0,"log',
  '200 {"accepted":1,"duplicates":0,"rejected":0,"log',
  '200 {"accepted":1,"duplicates":0,"rejected":1,"err',
  '200 {"data":{"viewer":{"name":null}}}',
]

describe('a body that a framework has read', () => {
  it('is taken from `body` as it was parsed, or as text or bytes', async () => {
    const { connlog, authorization } = await start()
    const answer = createNodeListener(connlog.fetch)
    const readings: ((text: string, type: string) => object)[] = [
      (text, type) => ({ body: type === 'application/json' ? (JSON.parse(text) as unknown) : text }),
      (text) => ({ body: text }),
      (text) => ({ body: Buffer.from(text) }),
      (text) => ({ body: {}, rawBody: Buffer.from(text) }),
    ]
    for (const read of readings) {
      const base = await serve((request, response) => {
        void textOf(request).then((text) => {
          if (text !== '') Object.assign(request, read(text, request.headers['content-type'] ?? ''))
          return answer(request, response)
        })
      })
      expect(await outcomes(base, authorization)).toEqual(DONE)
    }
  })

  it('is taken from the request object of a framework that keeps the one of node:http below `raw`', async () => {
    const { connlog, authorization } = await start()
    const answer = createNodeListener(connlog.fetch)
    const base = await serve((raw, reply) => {
      void textOf(raw).then((text) => {
        const body: unknown =
          raw.headers['content-type'] === 'application/json' ? JSON.parse(text) : text || undefined
        return answer({ raw, body }, { raw: reply })
      })
    })
    expect(await outcomes(base, authorization)).toEqual(DONE)
  })

  it('is left alone where an object stands for it that the framework made without reading', async () => {
    const { connlog, authorization } = await start()
    const answer = createNodeListener(connlog.fetch)
    const base = await serve(
      (request, response) => void answer(Object.assign(request, { body: {} }), response),
    )
    expect(await outcomes(base, authorization)).toEqual(DONE)
  })

  it('is missed in words that say what to do where it is nowhere', async () => {
    const { connlog, authorization } = await start()
    const answer = createNodeListener(connlog.fetch)
    const base = await serve(
      (request, response) => void textOf(request).then(() => answer(request, response)),
    )
    const response = await fetch(`${base}${LOGS}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(EVENT),
    })
    expect([response.status, await response.text()]).toEqual([
      500,
      '{"error":"The server that runs connlog has read the body of the request before connlog could. Give connlog the request object of the framework, whose `body` has it."}',
    ])
  })

  it('may have been decompressed on the way', async () => {
    const { connlog, authorization } = await start()
    const answer = createNodeListener(connlog.fetch)
    const base = await serve((request, response) => {
      void textOf(request).then(() => answer(Object.assign(request, { body: VIEWER }), response))
    })
    const headers = { authorization, 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const response = await fetch(`${base}/graphql`, { method: 'POST', headers, body: 'compressed' })
    expect([response.status, await response.text()]).toEqual([200, '{"data":{"viewer":{"name":null}}}'])
  })
})

describe('a path prefix', () => {
  it('is removed from the address where basePath names it, and needs not be there', async () => {
    const { connlog, authorization } = await start({ basePath: '/product/connlog' })
    const answer = createNodeListener(connlog.fetch)
    const base = await serve((request, response) => void answer(request, response))
    expect(await outcomes(`${base}/product/connlog`, authorization)).toEqual(DONE)
    expect(await outcomes(base, authorization)).toEqual(DONE)
    for (const path of [
      '/product/graphql',
      '/product/connlog',
      '/product/connlogx/health',
      '/x/product/connlog/health',
    ])
      expect((await fetch(`${base}${path}`)).status).toBe(404)
    const viaFetch = await connlog.fetch(new Request('https://x/product/connlog/health'))
    expect(viaFetch.status).toBe(200)
  })

  it('may be removed by the framework, as Express does for a path that it mounts', async () => {
    const { connlog, authorization } = await start()
    const answer = createNodeListener(connlog.fetch)
    const base = await serve((request, response) => {
      const originalUrl = request.url ?? ''
      const url = originalUrl.replace(/^\/mounted/, '')
      void answer(Object.assign(request, { originalUrl, url, query: { query: 'other' } }), response)
    })
    expect(await outcomes(`${base}/mounted`, authorization)).toEqual(DONE)
  })

  it('is kept by the links of GraphiQL', async () => {
    const { connlog } = await start({ basePath: '/connlog', graphiql: true })
    const page = await connlog.fetch(
      new Request('https://x/connlog/graphql', { headers: { accept: 'text/html' } }),
    )
    const paths = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!)
    expect(paths.length).toBe(4)
    for (const path of paths) {
      const address = new URL(path, 'https://x/connlog/graphql')
      expect(address.pathname).toMatch(/^\/connlog\/graphiql\//)
      expect((await connlog.fetch(new Request(address))).status).toBe(200)
    }
  })

  it('has to be a path', () => {
    for (const basePath of ['connlog', '/connlog/', '/', 'https://x/connlog', '/a b'])
      expect(() => createConnlog({ basePath })).toThrow(
        `Expected \`BASE_PATH\` to be a path such as /connlog, without a slash at its end, got ${JSON.stringify(basePath)}.`,
      )
  })
})

it("every answer of fetch is the platform's own Response", async () => {
  const { connlog, authorization } = await start({ graphiql: true })
  const json = { authorization, 'content-type': 'application/json' }
  const requests: [status: number, path: string, init?: RequestInit][] = [
    [200, '/graphql', { method: 'POST', headers: json, body: JSON.stringify(VIEWER) }],
    [200, '/graphql?query={connectionLogs{logs{id}}}', { headers: json }],
    [200, '/graphql?query={nope}', { headers: json }],
    [405, '/graphql?query=mutation{cleanupExpiredConnectionLogs{deleted}}', { headers: json }],
    [401, '/graphql', { method: 'POST', body: '{}' }],
    [200, LOGS, { headers: json }],
    [200, LOGS, { method: 'HEAD', headers: json }],
    [200, LOGS, { method: 'POST', headers: json, body: JSON.stringify(EVENT) }],
    [405, LOGS, { method: 'DELETE', headers: json }],
    [404, '/nowhere'],
    [200, '/health'],
    [200, '/ready'],
    [200, '/metrics'],
    [200, '/graphql', { headers: { accept: 'text/html' } }],
    [308, '/graphql/', { headers: { accept: 'text/html' } }],
    [404, '/graphiql/none.js'],
    [
      200,
      '/graphql?query=subscription{connectionLogRecorded{cursor}}',
      { headers: { ...json, accept: 'text/event-stream' } },
    ],
    [
      200,
      LOGS,
      {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' },
        body: '{}\n',
      },
    ],
  ]
  for (const [status, path, init] of requests) {
    const response = await connlog.fetch(new Request(`http://x${path}`, init))
    expect([path, response.status, response instanceof Response]).toEqual([path, status, true])
    // A middleware of the host may add headers, and reads or passes on the body.
    const passed = new Response(response.body, response)
    expect(passed.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) await passed.body?.cancel()
    else await passed.text()
  }
  await connlog.stop()
  expect((await connlog.fetch(new Request('http://x/health'))) instanceof Response).toBe(true)
})
