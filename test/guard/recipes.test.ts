import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Kind, OperationTypeNode, parse } from 'graphql'
import { expect, it } from 'vitest'
import { DEMO_USER_ID, demoEvents } from '../../src/demo/events.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { readEvents } from '../support/follower.ts'

const NOW = Date.UTC(2026, 10, 27, 2, 14)
const PAGE = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/recipes.md'), 'utf8')

interface Recipe {
  readonly name: string
  readonly isStream: boolean
  readonly query: string
}

const recipes = [...PAGE.matchAll(/^```graphql\n([\s\S]*?)^```$/gm)].map(([, query = '']): Recipe => {
  const operation = parse(query).definitions[0]
  if (operation?.kind !== Kind.OPERATION_DEFINITION || operation.name === undefined)
    throw new Error(`Give this operation of docs/recipes.md a name:\n${query}`)
  const isStream = operation.operation === OperationTypeNode.SUBSCRIPTION
  return { name: operation.name.value, isStream, query }
})

const EXPECTED = [
  'FailedToday',
  'Failing',
  'EndedOtherwise',
  'SuccessByPlatform',
  'AccountHistory',
  'HourByHour',
  'Watch',
  'ErrorCodes',
]

it('docs/recipes.md has the queries that are run here', () => {
  expect(recipes.map(({ name }) => name)).toEqual(EXPECTED)
})

it.each(PROVIDERS)('each query of docs/recipes.md finds something in the demo on %s', async (provider) => {
  const app = await startTestApp(provider, { clock: createTestClock(NOW) })
  const events = demoEvents({ nowMs: NOW, days: 1, count: 500, seed: 1 })
  await app.connectionLogs.record(events.map((value, index) => ({ value, at: `[${index}]` })))
  const account = events.find(
    ({ userId, accountId, eventType }) =>
      userId === DEMO_USER_ID && accountId !== undefined && eventType === 'reconnect_success',
  )?.accountId
  const key = await app.key(DEMO_USER_ID)
  const variables = { since: new Date(NOW - DAY_MS).toISOString(), account, accounts: [account] }
  for (const { name, query } of recipes.filter(({ isStream }) => !isStream)) {
    const used = Object.entries(variables).filter(([variable]) => query.includes(`$${variable}:`))
    const { data, errors } = await app.gql(key, query, Object.fromEntries(used))
    expect(errors, name).toBeUndefined()
    const { connectionLogs, connectionStats } = data
    const rows = connectionLogs?.logs ?? connectionStats.byPlatform ?? connectionStats.errorCodes
    expect((rows ?? connectionStats.series).length, name).toBeGreaterThan(0)
  }
})

it.each(PROVIDERS)('the subscription of docs/recipes.md tells of one user on %s', async (provider) => {
  const app = await startTestApp(provider)
  const query = recipes.find(({ isStream }) => isStream)?.query
  const { body } = await app.send(await app.key(null), '/graphql', {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { user: 'user-7' } }),
  })
  const stream = readEvents(body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>)
  await stream.next()
  await app.connectionLogs.record(
    ['user-8', 'user-7'].map((userId) => ({
      value: {
        userId,
        platform: 'reddit',
        eventType: 'disconnect',
        connectionMethod: 'oauth',
        accountId: userId,
      },
      at: '',
    })),
  )
  let event = (await stream.next()).value
  while (event !== undefined && event.event === undefined) event = (await stream.next()).value
  expect(event?.data.data.connectionLogRecorded.log.accountId).toBe('user-7')
  await stream.return(undefined)
})
