import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { intercept, unbound, withoutTenant } from '../support/statements.ts'
import {
  FOREIGN,
  NEVER,
  OWN,
  PLACES,
  REST_FIELDS,
  operations,
  populate,
  sweep,
  userOf,
} from '../support/two-tenants.ts'

const NOW = Date.parse('2026-11-20T12:00:00.000Z')

it('the sweep knows every place where text, an id or an object may be given', () => {
  const places = new Set(operations.flatMap(({ places }) => places.map(({ coordinate }) => coordinate)))
  expect(
    Object.keys(PLACES).sort(),
    'give each its line in PLACES in test/support/two-tenants.ts: whose ids can be tried there',
  ).toEqual([...places].sort())
})

describe.each(PROVIDERS)('two tenants on %s', (provider) => {
  it("another's ids are answered as ids that never were, and every statement binds the tenant", async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, {
      clock,
      // The sweep sends all reads at once.
      env: { NODE_ENV: 'production', MAX_CONCURRENT_REQUESTS: '1000' },
    })
    const ground = await populate(app, NOW)
    const wrong = new Set<string | undefined>()
    const before = await everythingOf(FOREIGN)
    let statements = 0
    intercept(app.database, (statement) => {
      statements += 1
      wrong.add(unbound(statement, userOf(OWN), [userOf(FOREIGN)]))
      return statement
    })
    const { differing, tried } = await sweep(ground)
    expect(differing).toEqual([])
    expect(tried).toBeGreaterThan(150)
    expect([...wrong]).toEqual([undefined])
    expect(statements).toBeGreaterThan(tried)
    expect(await everythingOf(FOREIGN)).toEqual(before)
    expect(before).toHaveLength(24)

    async function everythingOf(word: string) {
      return (await app.connectionLogs.page({ userId: [userOf(word)] }, { limit: 100 })).logs
    }
  })

  it('REST takes no field of a log that the sweep does not know', async () => {
    const app = await startTestApp(provider)
    const response = await app.send(await app.key('u1'), '/api/v1/connections/logs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        platform: 'reddit',
        eventType: 'disconnect',
        connectionMethod: 'oauth',
        never: 1,
      }),
    })
    const text = await response.text()
    const [, known = ''] = /no fields but ([^"]*?), got/.exec(text) ?? [text, text]
    const harmless = ['platform', 'eventType', 'connectionMethod', 'durationMs', 'createdAt']
    // Swept by the same inputs of GraphQL.
    const nested = ['success', 'error', 'context', 'metadata']
    expect(known.split(', ').sort()).toEqual([...Object.keys(REST_FIELDS), ...harmless, ...nested].sort())
  })

  it('a store that forgets the tenant is found out', async () => {
    const clock = createTestClock(NOW)
    const app = await startTestApp(provider, {
      clock,
      // The sweep sends all reads at once.
      env: { NODE_ENV: 'production', MAX_CONCURRENT_REQUESTS: '1000' },
    })
    const ground = await populate(app, NOW)
    intercept(app.database, withoutTenant)
    const { differing } = await sweep(ground, (at) => at.startsWith('Query'))
    expect(new Set(differing.map((one) => one.split(' ')[0]))).toEqual(
      new Set([
        'Query.connectionLog',
        'Query.connectionLogs',
        'Query.connectionLogsByCursor',
        'Query.connectionStats',
        'Query.node',
      ]),
    )
  })

  it('a statement without its tenant, or with another, is found out', async () => {
    const app = await startTestApp(provider)
    const found: (string | undefined)[] = []
    intercept(app.database, (statement) => {
      const forgetful = withoutTenant(statement)
      found.push(
        unbound(statement, 'u1', ['u2']),
        unbound(forgetful, 'u1', ['u2']),
        unbound(statement, 'u2', ['u1']),
      )
      return statement
    })
    await app.gql(await app.key('u1'), `{ connectionLog(id: "${NEVER}") { id } }`)
    expect(found.map((sentence) => sentence?.replace(/:.*/s, ''))).toEqual([
      undefined,
      "names tables of the tenants' 1 times and binds the tenant 0 times",
      'binds u1',
    ])
  })
})
