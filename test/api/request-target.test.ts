import { describe, expect, it } from 'vitest'
import { type Listening, listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { request, sendRaw } from '../support/raw-http.ts'

const LOGS = '/api/v1/connections/logs'

async function serving(
  work: (server: Listening, app: TestApp) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const app = await startTestApp('sqlite', { env })
  const { turnAway, unreadable } = app
  const server = await listen(app.fetch, {
    port: 0,
    host: '127.0.0.1',
    clock: systemClock,
    turnAway,
    unreadable,
  })
  try {
    await work(server, app)
  } finally {
    await server.stop()
  }
}

async function statusAndBody(server: Listening, bytes: string): Promise<[number, string]> {
  const [answer] = await sendRaw(server.address, bytes)
  return [answer!.status, answer!.body]
}

describe('over a socket', () => {
  it('a Host header never selects a route: with anything that is no host it is refused in words', async () => {
    await serving(async (server) => {
      for (const [host, shown] of [
        ['x/metrics?', '"x/metrics?"'],
        ['x/graphql?query={viewer{name}}&', 'text of 31 characters'],
        ['x\\metrics?', '"x\\\\metrics?"'],
        ['x#', '"x#"'],
        ['user@x', '"user@x"'],
        ['a b', '"a b"'],
        ['[::', '"[::"'],
        ['x:80/', '"x:80/"'],
      ] as const) {
        const error = `Expected \`host\` to be a host name or an address, got ${shown}.`
        expect(await statusAndBody(server, request(`GET ${LOGS} HTTP/1.1`, `Host: ${host}`))).toEqual([
          400,
          JSON.stringify({ error }),
        ])
      }
    })
  })

  it('valid Host headers are served, an empty one and a missing one of HTTP/1.0 included', async () => {
    await serving(async (server) => {
      for (const host of [
        'x',
        'x:80',
        'logs.example.com',
        '127.0.0.1:4000',
        '[::1]:4000',
        'under_score',
        'x:99999',
        '',
      ])
        expect(await statusAndBody(server, request('GET /health HTTP/1.1', `Host: ${host}`))).toEqual([
          200,
          '{"status":"ok"}',
        ])
      expect(await statusAndBody(server, request('GET /health HTTP/1.0'))).toEqual([200, '{"status":"ok"}'])
    })
  })

  it('a request of HTTP/1.1 needs one Host header', async () => {
    await serving(async (server) => {
      expect(await statusAndBody(server, request('GET /health HTTP/1.1'))).toEqual([
        400,
        '{"error":"Expected `host` to be a host name or an address, got nothing."}',
      ])
      expect(await statusAndBody(server, request('GET /health HTTP/1.1', 'Host: a', 'HOST: b'))).toEqual([
        400,
        '{"error":"Expected `host` to be given once, got 2."}',
      ])
    })
  })

  it('a path selects no other route by dots, backslashes, doubled slashes or percent encoding', async () => {
    await serving(async (server) => {
      for (const path of [
        '/api/v1/../../metrics',
        '/./metrics',
        '/api/v1/%2e%2e/%2e%2e/metrics',
        '/api/v1/..%5c..%5cmetrics',
        '/api/v1/..%2f..%2fmetrics',
        '//metrics',
        '/%6detrics',
        '/metrics/',
        '/metrics;x',
        '/METRICS',
        `${LOGS}/`,
        `${LOGS}/../logs`,
      ])
        expect(await statusAndBody(server, request(`GET ${path} HTTP/1.1`, 'Host: x'))).toEqual([
          404,
          JSON.stringify({ error: `There is nothing at ${path}.` }),
        ])
      for (const path of [
        '/api/v1/..\\..\\metrics',
        '/graphql\\..\\metrics',
        '\\metrics',
        '/metrics#',
        '/met\trics',
      ])
        expect((await statusAndBody(server, request(`GET ${path} HTTP/1.1`, 'Host: x')))[0]).toBe(400)
    })
  })

  it('an absolute address is taken for its path, whatever its scheme and its host', async () => {
    await serving(async (server, app) => {
      const authorization = `Authorization: Bearer ${await app.key('u1')}`
      for (const target of [
        'http://127.0.0.1:4000/health',
        'HTTP://logs.example.com/health',
        'https://[::1]/health?x=1',
        'http://other.example/health',
      ])
        expect(await statusAndBody(server, request(`GET ${target} HTTP/1.1`, 'Host: x'))).toEqual([
          200,
          '{"status":"ok"}',
        ])
      const [status, body] = await statusAndBody(
        server,
        request(`GET http://x${LOGS}?limit=7 HTTP/1.1`, 'Host: x', authorization),
      )
      expect([status, body]).toEqual([200, expect.stringContaining('"limit":7')])
      expect(await statusAndBody(server, request('GET http://x HTTP/1.1', 'Host: x'))).toEqual([
        404,
        '{"error":"There is nothing at /."}',
      ])
      expect(await statusAndBody(server, request('GET http://x//metrics HTTP/1.1', 'Host: x'))).toEqual([
        404,
        '{"error":"There is nothing at //metrics."}',
      ])
    })
  })

  it('a request target that is neither a path nor an http address is refused in words, and not repeated', async () => {
    await serving(async (server) => {
      const error =
        'Expected the request target to be a path such as /graphql, or an http address with such a path.'
      for (const line of [
        'GET *',
        'OPTIONS *',
        'GET http://user@x/health',
        'GET http://[/health',
        'GET http:///health',
        'GET ftp://x/health',
      ])
        expect(await statusAndBody(server, request(`${line} HTTP/1.1`, 'Host: x'))).toEqual([
          400,
          JSON.stringify({ error }),
        ])
      expect(await statusAndBody(server, request('CONNECT x:443 HTTP/1.1', 'Host: x:443'))).toEqual([
        400,
        '{"error":"Expected a valid HTTP/1.1 request for a path, got something else."}',
      ])
    })
  })

  it('parameters are read as they were sent, a backslash among them', async () => {
    await serving(async (server, app) => {
      const authorization = `Authorization: Bearer ${await app.key('u1')}`
      const target = '/graphql?query={viewer{name}}&variables={"a":"\\u0041"}'
      expect(
        await statusAndBody(server, request(`GET ${target} HTTP/1.1`, 'Host: x', authorization)),
      ).toEqual([200, '{"data":{"viewer":{"name":null}}}'])
    })
  })

  it('/graphql/ answers as /graphql does, and a browser is sent there', async () => {
    await serving(
      async (server, app) => {
        const authorization = `Authorization: Bearer ${await app.key('u1')}`
        const target = '/graphql/?query={viewer{name}}'
        expect(
          await statusAndBody(server, request(`GET ${target} HTTP/1.1`, 'Host: x', authorization)),
        ).toEqual([200, '{"data":{"viewer":{"name":null}}}'])
        const [page] = await sendRaw(
          server.address,
          request(`GET ${target} HTTP/1.1`, 'Host: x', 'Accept: text/html'),
        )
        expect([page!.status, page!.headers['location']]).toEqual([308, '../graphql?query={viewer{name}}'])
      },
      { GRAPHIQL: 'true' },
    )
  })

  it('requests that are turned away early are told apart by the same path', async () => {
    await serving(
      async (_, app) => {
        const refused = (url: string) => app.turnAway({ method: 'GET', url, headers: {} }, 120_000)?.status
        expect([LOGS, `${LOGS}?x`, `http://x${LOGS}`, `/mounted${LOGS}`].map(refused)).toEqual([
          503, 503, 503, 503,
        ])
        expect([`${LOGS}/`, `/x/..${LOGS}`, `/x/..\\${LOGS}`, `/${LOGS}`, '*'].map(refused)).toEqual(
          Array.from({ length: 5 }, () => undefined),
        )
      },
      { BASE_PATH: '/mounted' },
    )
  })
})

it('a Request is routed by the path that it has, and refused if a server put a Host with a path into it', async () => {
  const app = await startTestApp('sqlite')
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const response = await app.fetch(new Request(`http://x${path}`, { headers }))
    return [response.status, await response.text()]
  }
  expect(await ask('/health')).toEqual([200, '{"status":"ok"}'])
  expect(await ask('/health?x=/graphql#fragment')).toEqual([200, '{"status":"ok"}'])
  expect(await ask('/%2e%2e%2fhealth')).toEqual([404, '{"error":"There is nothing at /%2e%2e%2fhealth."}'])
  expect(await ask('/health', { host: 'x/metrics?' })).toEqual([
    400,
    '{"error":"Expected `host` to be a host name or an address, got \\"x/metrics?\\"."}',
  ])
})
