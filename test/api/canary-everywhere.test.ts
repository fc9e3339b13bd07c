import { isObjectType, isInterfaceType, isLeafType, getNamedType, type GraphQLNamedType } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logFailure } from '../../src/kernel/logger.ts'
import { createSchema } from '../../src/schema.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { startService } from '../support/service.ts'
import { type WatchedApp, startWatchedApp } from '../support/watched-app.ts'

const CANARY = 'canary-7f3a'
const schema = createSchema()

/** What a driver might throw: a message, a cause and fields that tell of statements and of what was sent. */
function canary(): Error {
  const cause = Object.assign(new Error(`SELECT '${CANARY}'`), { detail: CANARY, originalMessage: CANARY })
  return Object.assign(new Error(`${CANARY} at /srv/${CANARY}.ts`, { cause }), {
    code: CANARY,
    meta: { query: CANARY },
  })
}

/** A selection that goes down to a field, by the shortest way there is. */
const selectionTo = (type: GraphQLNamedType, field: string): string => {
  const inside = schemaFields(type)[field]
  return inside && !isLeafType(getNamedType(inside.type)) ? `${field} { __typename }` : field
}

function schemaFields(type: GraphQLNamedType) {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields() : {}
}

const LOG =
  '{ userId: "u1", platform: REDDIT, eventType: CONNECT_FAILED, connectionMethod: OAUTH, error: { code: "x" }, success: { username: "x" } }'
const ROOTS: Readonly<Record<string, string>> = {
  connectionLogs: 'connectionLogs',
  connectionLog: 'connectionLog(id: $id)',
  node: 'node(id: $id)',
  connectionLogsByCursor: 'connectionLogsByCursor',
  connectionStats: 'connectionStats',
  viewer: 'viewer',
  recordConnectionLog: `recordConnectionLog(input: ${LOG})`,
  recordConnectionLogs: `recordConnectionLogs(inputs: [${LOG}])`,
  cleanupExpiredConnectionLogs: 'cleanupExpiredConnectionLogs(dryRun: true)',
  eraseConnectionLogs: 'eraseConnectionLogs(userId: "nobody")',
  connectionLogFeedCursor: 'connectionLogFeedCursor',
  apiKeys: 'apiKeys',
  auditLog: 'auditLog',
  createApiKey: 'createApiKey(input: { userId: "u1" })',
  rotateApiKey: 'rotateApiKey(id: $key)',
  revokeApiKey: 'revokeApiKey(id: $key)',
}
/** How to come to an object of a type from the root, `*` being what is asked of it. */
const WAYS: Readonly<Record<string, string>> = {
  ConnectionLogPage: '{ connectionLogs { * } }',
  ConnectionLog: '{ connectionLogs { logs { * } } }',
  OffsetPagination: '{ connectionLogs { pagination { * } } }',
  ConnectionError: '{ connectionLogs { logs { error { * } } } }',
  ConnectionSuccess: '{ connectionLogs { logs { success { * } } } }',
  ConnectionContext: '{ connectionLogs { logs { context { * } } } }',
  ConnectionLogConnection: '{ connectionLogsByCursor { * } }',
  ConnectionLogEdge: '{ connectionLogsByCursor { edges { * } } }',
  PageInfo: '{ connectionLogsByCursor { pageInfo { * } } }',
  ConnectionStats: '{ connectionStats { * } }',
  ConnectionStatsPoint: '{ connectionStats { series { * } } }',
  ConnectionMethodStats: '{ connectionStats { byConnectionMethod { * } } }',
  PlatformStats: '{ connectionStats { byPlatform { * } } }',
  EventTypeStats: '{ connectionStats { byEventType { * } } }',
  StatusStats: '{ connectionStats { byStatus { * } } }',
  ErrorCodeStats: '{ connectionStats { errorCodes { * } } }',
  DurationStats: '{ connectionStats { durationMs { * } } }',
  Viewer: '{ viewer { * } }',
  RateLimit: '{ viewer { rateLimit { * } } }',
  RecordConnectionLogPayload: `mutation { ${ROOTS['recordConnectionLog']} { * } }`,
  RecordConnectionLogsPayload: `mutation { ${ROOTS['recordConnectionLogs']} { * } }`,
  CleanupPayload: `mutation { ${ROOTS['cleanupExpiredConnectionLogs']} { * } }`,
  ErasePayload: `mutation { ${ROOTS['eraseConnectionLogs']} { * } }`,
  ApiKeyPage: '{ apiKeys { * } }',
  ApiKey: '{ apiKeys { apiKeys { * } } }',
  AuditLogPage: '{ auditLog { * } }',
  AuditLogEntry: '{ auditLog { entries { * } } }',
  CreateApiKeyPayload: `mutation { ${ROOTS['createApiKey']} { * } }`,
  RotateApiKeyPayload: `mutation ($key: ID!) { ${ROOTS['rotateApiKey']} { * } }`,
  RevokeApiKeyPayload: `mutation ($key: ID!) { ${ROOTS['revokeApiKey']} { * } }`,
}
/** There is no limit of requests in tests, so nobody comes to that; subscriptions have a test of their own. */
const UNREACHED = new Set(['RateLimit', 'Subscription', 'ConnectionLogEvent'])

function documents(): [field: string, query: string][] {
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__') && !UNREACHED.has(type.name))
    .flatMap((type) =>
      Object.keys(schemaFields(type)).map((field): [string, string] => {
        if (type.name !== 'Query' && type.name !== 'Mutation')
          return [
            `${type.name}.${field}`,
            (WAYS[type.name] ?? `?${type.name}`).replace('*', selectionTo(type, field)),
          ]
        const call = ROOTS[field] ?? `?${field}`
        const variables = call.includes('$id') ? '($id: ID!)' : call.includes('$key') ? '($key: ID!)' : ''
        const word = type.name === 'Query' ? 'query' : 'mutation'
        const inside = isLeafType(getNamedType(schemaFields(type)[field]?.type)) ? '' : '{ __typename }'
        return [`${type.name}.${field}`, `${word} ${variables} { ${call} ${inside} }`]
      }),
    )
}

describe.each(PROVIDERS)('what a resolver throws on %s', (provider) => {
  let watched: WatchedApp
  let key: string
  let id = ''
  let beginning = ''
  let throwing = ''
  const lines: string[] = []
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push(JSON.stringify({ level, message, ...fields }))
  beforeAll(async () => {
    watched = await startWatchedApp(provider, {
      before: (field) => {
        if (field === throwing) throw canary()
      },
      logger: { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error') },
    })
    key = await watched.app.key(null)
    beginning = await watched.app.connectionLogs.feedCursor()
    for (const [eventType, extra] of [
      ['connect_failed', { error: { code: 'c', message: 'm' } }],
      ['connect_success', { success: { username: 'u' } }],
    ] as const) {
      const value = {
        userId: 'u1',
        platform: 'reddit',
        connectionMethod: 'oauth',
        eventType,
        durationMs: 1,
        ...extra,
      }
      const [recorded] = await watched.app.connectionLogs.record([{ value, at: '' }])
      id = recorded?.log.id ?? ''
    }
  })
  afterAll(() => watched.stop())

  async function variablesOf(query: string): Promise<object> {
    if (query.includes('$id')) return { id }
    if (!query.includes('$key')) return {}
    // A key can be rotated once.
    const { apiKey } = await watched.app.keys.create({ userId: 'u1', scopes: ['logs:read'] })
    return { key: apiKey.id }
  }

  it.each(['Subscription.connectionLogRecorded', 'ConnectionLogEvent.log', 'ConnectionLog.id'])(
    '%s: no event of a stream shows it',
    async (field) => {
      throwing = field
      lines.length = 0
      const response = await watched.send(key, '/graphql', {
        method: 'POST',
        headers: { accept: 'text/event-stream', 'content-type': 'application/json', 'x-request-id': 'r-1' },
        body: JSON.stringify({
          query: 'subscription ($after: String) { connectionLogRecorded(after: $after) { log { id } } }',
          variables: { after: beginning },
        }),
      })
      let text = ''
      const decoder = new TextDecoder()
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true })
        if (text.includes('INTERNAL')) break
      }
      expect(text).toContain('"message":"Something went wrong on our side."')
      expect(text).toContain('"extensions":{"code":"INTERNAL","requestId":"r-1"}')
      expect(text).not.toContain(CANARY)
      expect(lines.join('\n')).toContain('"requestId":"r-1"')
      expect(lines.join('\n').replaceAll('canary-everywhere.test.ts', '')).not.toContain(CANARY)
    },
  )

  it.each(documents())('%s: no answer, stream or line of the log shows it', async (field, query) => {
    throwing = field
    // With a second root field, pages are executed and not written by the database.
    const executed = query.replace(/^\{ /, '{ viewer { userId } ')
    const isRoot = /^(Query|Mutation)\./.test(field)
    for (const accept of isRoot ? ['application/json', 'text/event-stream'] : ['application/json']) {
      lines.length = 0
      const response = await watched.send(key, '/graphql', {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json', 'x-request-id': 'r-1' },
        body: JSON.stringify({ query: executed, variables: await variablesOf(query) }),
      })
      const text = await response.text()
      expect(text).toContain('"message":"Something went wrong on our side."')
      expect(text).toContain('"extensions":{"code":"INTERNAL","requestId":"r-1"}')
      expect(text).not.toContain(CANARY)
      expect(text).not.toMatch(/SELECT|\.ts|at \w+ \(/)
      expect(lines.length).toBeGreaterThan(0)
      const joined = lines.join('\n')
      expect(joined).toContain('"requestId":"r-1"')
      expect(joined).toContain('canary-everywhere.test.ts')
      expect(joined.replaceAll('canary-everywhere.test.ts', '')).not.toContain(CANARY)
    }
  })
})

it('what a failure said is told at the level debug, to whoever asks for it', () => {
  const told: string[] = []
  const write = (level: string) => (fields: object, message: string) =>
    void told.push(`${level}: ${message} ${'said' in fields ? String(fields.said) : ''}`)
  logFailure(
    canary(),
    {},
    { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
  )
  expect(told).toEqual([
    'error: something failed ',
    `debug: what the failure said ${CANARY} at /srv/${CANARY}.ts: SELECT '${CANARY}'`,
  ])
})

it('no key, token or payload stands in what the service writes about itself, even at the level debug', async () => {
  const app = await startTestApp('sqlite')
  const key = await app.key(null)
  const service = await startService(app.url, { LOG_LEVEL: 'debug' })
  const send = (path: string, init: RequestInit = {}, as = key) =>
    fetch(`http://127.0.0.1:${service.port}${path}`, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${as}` },
    }).then((response) => response.text())
  const json = (body: unknown) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const LOGS = '/api/v1/connections/logs'
  const log = {
    platform: 'reddit',
    eventType: 'connect_failed',
    connectionMethod: 'oauth',
    userId: CANARY,
    profileId: CANARY,
    accountId: CANARY,
    error: { code: CANARY, message: CANARY, rawResponse: CANARY },
    context: { connectToken: CANARY, invitationToken: CANARY },
    metadata: { [CANARY]: CANARY },
  }
  await send(LOGS, json(log))
  await send(LOGS, json({ ...log, platform: CANARY }))
  await send(LOGS, json(`{"${CANARY}`))
  await send(LOGS, {
    ...json(`${JSON.stringify(log)}\n${CANARY}\n`),
    headers: { 'content-type': 'application/x-ndjson' },
  })
  await send(`${LOGS}?platform=${CANARY}`)
  await send(`/graphql?query={connectionLogs(filter:{search:"${CANARY}"}){logs{id}}}`)
  await send('/graphql', json({ query: `{ ${CANARY.replaceAll('-', '_')} }` }))
  await send(
    '/graphql',
    json({ query: 'query ($i: ID!) { connectionLog(id: $i) { id } }', variables: { i: CANARY } }),
  )
  await send(LOGS, {}, CANARY)
  await send('/graphql', json({ query: '{ viewer { keyId } }' }), `${key}x`)
  const { stderr } = await service.stop()
  expect(stderr.split('\n').filter((line) => line.includes('"answered"'))).toHaveLength(10)
  expect(stderr).not.toContain(CANARY)
  expect(stderr).not.toContain(CANARY.replaceAll('-', '_'))
  expect(stderr).not.toContain(key)
  expect(stderr).not.toContain(key.slice(-20))
})
