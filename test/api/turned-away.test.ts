import { expect, it, vi } from 'vitest'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'

const PATH = '/api/v1/connections/logs'
const JSON_TYPE = { 'content-type': 'application/json' }

/** A service that works on one request at a time, and whether it does: that one waits for the writer of the database. */
async function start({ isBusy = true } = {}) {
  const app = await startTestApp('sqlite', {
    env: { MAX_CONCURRENT_REQUESTS: '1', CORS_ORIGINS: 'https://app.example' },
  })
  const key = await app.key('u1')
  let letGo: () => void = () => undefined
  let held: Promise<unknown> | undefined
  if (isBusy) {
    const until = new Promise<void>((resolve) => (letGo = resolve))
    await new Promise<void>((began) => {
      const writing = app.database.transaction(async () => {
        began()
        await until
      })
      held = writing
    })
    const body = JSON.stringify({ platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' })
    held = Promise.all([held, app.send(key, PATH, { method: 'POST', headers: JSON_TYPE, body })])
    const probe = { method: 'GET', url: PATH, headers: {} }
    await expect.poll(() => app.turnAway(probe, 0)?.status).toBe(503)
  }
  const turnedAway = (method: string, url: string, headers: Record<string, string> = {}) =>
    app.turnAway({ method, url, headers: { authorization: `Bearer ${key}`, ...headers } }, 0)
  const end = async () => {
    letGo()
    await held
  }
  return { app, key, turnedAway, end }
}

type Case = readonly [method: string, url: string, headers: Record<string, string>]

it.each<Case>([
  ['POST', '/graphql', JSON_TYPE],
  ['POST', '/graphql', { ...JSON_TYPE, accept: 'application/graphql-response+json, application/json;q=0.9' }],
  ['POST', '/graphql?x=1', { ...JSON_TYPE, origin: 'https://app.example' }],
  ['POST', '/graphql', { 'content-type': 'application/json; charset=utf-8', 'x-request-id': 'mine' }],
  ['POST', '/graphql', { ...JSON_TYPE, 'x-request-id': 'not plain', origin: 'https://other.example' }],
  ['GET', PATH, {}],
  ['GET', `${PATH}?limit=5`, { 'x-request-id': 'mine' }],
  ['POST', PATH, JSON_TYPE],
])('%s %s %j is turned away as the service itself would do it', async (method, url, headers) => {
  const { app, key, turnedAway, end } = await start()
  const { status, headers: had, text } = turnedAway(method, url, headers) ?? {}
  const response = await app.send(key, url, { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) })
  const id = headers['x-request-id'] === 'mine' ? 'mine' : expect.stringMatching(/^[0-9a-f-]{36}$/)
  expect({ status, text }).toEqual({ status: 503, text: await response.text() })
  expect(response.status).toBe(503)
  expect(had).toEqual({ ...Object.fromEntries(response.headers), 'x-request-id': id })
  expect(had).toMatchObject({ 'retry-after': '1' })
  await end()
})

it.each<Case>([
  ['GET', '/health', {}],
  ['GET', '/ready', {}],
  ['GET', '/metrics', {}],
  ['GET', '/graphql', { accept: 'text/html' }],
  ['GET', '/graphql?query={viewer{keyId}}', {}],
  ['OPTIONS', '/graphql', { origin: 'https://app.example', 'access-control-request-method': 'POST' }],
  ['POST', PATH, { 'content-type': 'application/x-ndjson' }],
  ['PUT', PATH, JSON_TYPE],
  ['POST', '/elsewhere', JSON_TYPE],
])('%s %s %j is left to the service', async (method, url, headers) => {
  const { turnedAway, end } = await start()
  expect(turnedAway(method, url, headers)).toBeUndefined()
  await end()
})

it('nobody is turned away where there is not too much to do', async () => {
  const { turnedAway } = await start({ isBusy: false })
  expect(turnedAway('POST', '/graphql', JSON_TYPE)).toBeUndefined()
  expect(turnedAway('GET', PATH)).toBeUndefined()
})

it('who is turned away never reaches the service, and others do', async () => {
  const { app, end } = await start()
  const reached = vi.fn(app.fetch)
  const at = { port: 0, host: '127.0.0.1', clock: systemClock }
  const server = await listen(reached, { ...at, turnAway: app.turnAway })
  const refused = await fetch(`${server.address}/graphql`, { method: 'POST', headers: JSON_TYPE, body: '{}' })
  expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
    503,
    '1',
    { errors: [expect.objectContaining({ message: expect.stringContaining('more to do than it can') })] },
  ])
  expect(reached).not.toHaveBeenCalled()
  expect((await fetch(`${server.address}/health`)).status).toBe(200)
  expect(reached).toHaveBeenCalledOnce()
  await server.stop()
  await end()
})
