import { describe, expect, it } from 'vitest'
import { sql } from '../../src/database/sql.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS, breakDatabase } from '../support/databases.ts'

const REQUEST_ID = 'request-1'
const PATH = '/api/v1/connections/logs'
const INSIDES = /prisma|sqlite|postgres|relation|table|SELECT|INSERT|node_modules|at \w+ \(|\.ts\b|\.js\b/i

describe.each(PROVIDERS)('faults of ours on %s', (provider) => {
  it('are told by a code and the id of the request alone, and are logged once with that id', async () => {
    const app = await startTestApp(provider)
    const key = await app.key(null)
    await app.database.execute(sql`ALTER TABLE connection_logs RENAME TO elsewhere`)
    const headers = { 'x-request-id': REQUEST_ID, 'content-type': 'application/json' }
    const query = '{ connectionLogs { logs { id } } }'
    const graphql = await app.send(key, '/graphql', {
      method: 'POST',
      headers,
      body: JSON.stringify({ query }),
    })
    const graphqlText = await graphql.text()
    expect(JSON.parse(graphqlText)).toEqual({
      data: null,
      errors: [
        {
          message: 'Something went wrong on our side.',
          locations: [{ line: 1, column: 3 }],
          path: ['connectionLogs'],
          extensions: { code: 'INTERNAL', requestId: REQUEST_ID },
        },
      ],
    })
    expect(graphql.headers.get('x-request-id')).toBe(REQUEST_ID)
    const rest = await app.send(key, PATH, { headers })
    const restText = await rest.text()
    expect({ status: rest.status, body: JSON.parse(restText) as unknown }).toEqual({
      status: 500,
      body: { error: 'Something went wrong on our side.', requestId: REQUEST_ID },
    })
    expect(graphqlText + restText).not.toMatch(INSIDES)
    const errors = app.logged.filter(({ level }) => level === 'error')
    expect(errors.map(({ fields }) => (fields as { requestId: string }).requestId)).toEqual([
      REQUEST_ID,
      REQUEST_ID,
    ])
    await app.database.execute(sql`ALTER TABLE elsewhere RENAME TO connection_logs`)
    expect((await app.send(key, PATH)).status).toBe(200)
  })

  it('a database that is gone is SERVICE_UNAVAILABLE with Retry-After, not a fault and never an empty list', async () => {
    const app = await startTestApp(provider)
    const key = await app.key(null)
    expect((await app.send(key, PATH)).status).toBe(200)
    if (provider === 'sqlite') await app.database.close()
    else await breakDatabase(app.url)
    const rest = await app.send(key, PATH)
    expect(rest.status).toBe(503)
    expect(rest.headers.get('retry-after')).toBe('2')
    expect(await rest.json()).toEqual({
      error: 'The database cannot be reached or cannot take this now. Try again soon.',
    })
    const { data, errors } = await app.gql(key, '{ connectionLogs { logs { id } } }')
    expect([data, errors?.[0]?.extensions]).toEqual([
      null,
      { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 2 },
    ])
    const ready = await app.send('', '/ready')
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'unavailable' }])
    expect((await app.send('', '/health')).status).toBe(200)
    const ofRequests = app.logged.filter(({ fields }) => 'requestId' in fields)
    expect(ofRequests.map(({ level }) => level)).toEqual(['warn', 'warn'])
  })

  it('a database that has been closed, as when the service ends, is no fault either', async () => {
    const app = await startTestApp(provider)
    const key = await app.key(null)
    expect((await app.send(key, PATH)).status).toBe(200)
    await app.database.close()
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' })
    const statuses = [await app.send(key, PATH), await app.send(key, PATH, { method: 'POST', headers, body })]
    expect(statuses.map(({ status }) => status)).toEqual([503, 503])
    expect(app.logged.filter(({ level }) => level === 'error')).toEqual([])
  })
})
