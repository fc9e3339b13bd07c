import { expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'

const LISTED = 'https://app.example.com'
const OTHER = 'http://localhost:3000'
const LOGS = '/api/v1/connections/logs'
const EXPOSED = 'X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After'

const corsOf = ({ headers }: Response) =>
  [...headers].filter(([name]) => /^access-control-|^vary$/.test(name))

const preflight = (origin: string, method = 'POST') => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': 'authorization,content-type',
  },
})

it('says nothing to any origin where none is listed', async () => {
  const app = await startTestApp('sqlite')
  const key = await app.key('u1')
  for (const origin of [LISTED, 'null', 'http://127.0.0.1:4000']) {
    for (const path of ['/graphql?query={viewer{userId}}', LOGS, '/health', '/nowhere'])
      expect(corsOf(await app.send(key, path, { headers: { origin } }))).toEqual([])
    for (const path of ['/graphql', LOGS]) {
      const answer = await app.send('', path, preflight(origin))
      expect([answer.status, corsOf(answer)]).toEqual([405, []])
    }
  }
})

it('lets pages of listed origins call and read, without credentials of the browser, and no others', async () => {
  const app = await startTestApp('sqlite', { env: { CORS_ORIGINS: `${LISTED}, ${OTHER}` } })
  const key = await app.key('u1')
  for (const path of ['/graphql', LOGS, '/health']) {
    const allowed = await app.send('', path, preflight(LISTED))
    expect([allowed.status, await allowed.text(), Object.fromEntries(corsOf(allowed))]).toEqual([
      204,
      '',
      {
        'access-control-allow-origin': LISTED,
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': 'Authorization, Content-Type, Accept, X-Request-Id',
        'access-control-max-age': '7200',
        'access-control-expose-headers': EXPOSED,
        vary: 'Origin',
      },
    ])
  }
  const answers = {
    '/graphql?query={viewer{userId}}': 200,
    [LOGS]: 200,
    [`${LOGS}?limit=0`]: 400,
    '/nowhere': 404,
  }
  for (const [path, status] of Object.entries(answers)) {
    for (const origin of [LISTED, OTHER]) {
      const answer = await app.send(key, path, { headers: { origin } })
      expect([answer.status, Object.fromEntries(corsOf(answer))]).toEqual([
        status,
        { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'Origin' },
      ])
    }
  }
  const refused = await app.send('', LOGS, { headers: { origin: LISTED } })
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, LISTED])
  for (const origin of [
    'null',
    '*',
    'https://app.example.com.evil.test',
    'https://evil.test/https://app.example.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    'HTTPS://APP.EXAMPLE.COM',
    `${LISTED}, ${OTHER}`,
  ]) {
    expect(corsOf(await app.send(key, LOGS, { headers: { origin } }))).toEqual([['vary', 'Origin']])
    const answer = await app.send('', '/graphql', preflight(origin))
    expect([answer.status, corsOf(answer)]).toEqual([405, [['vary', 'Origin']]])
  }
})

it('what a browser may show or keep is told what it may do', async () => {
  const app = await startTestApp('sqlite')
  const key = await app.key('u1')
  const nothing = "default-src 'none'; frame-ancestors 'none'"
  for (const path of ['/graphql?query={viewer{userId}}', LOGS, '/health', '/nowhere', '/graphiql/x.js']) {
    const { headers } = await app.send(key, path)
    expect(
      ['x-content-type-options', 'cache-control', 'content-security-policy'].map((name) => headers.get(name)),
    ).toEqual(['nosniff', 'no-store', nothing])
  }
  const page = await app.send('', '/graphql', { headers: { accept: 'text/html' } })
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
  expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin')
  expect(page.headers.get('x-frame-options')).toBe('DENY')
  expect(page.headers.get('referrer-policy')).toBe('no-referrer')
})
