import { expect, it } from 'vitest'
import { createGraphql, type GraphqlContext } from '../../src/http/graphql.ts'
import { createDocumentFinder } from '../../src/http/persisted.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createSchema } from '../../src/schema.ts'
import { createTestClock } from '../support/clock.ts'
import { quietGate } from '../support/gate.ts'

it('a document is parsed when its turn comes, and the request says how long it waited for that', async () => {
  const schema = createSchema()
  const clock = createTestClock(0)
  const gate = quietGate(schema)
  const turns: (() => void)[] = []
  const parsed: string[] = []
  const waited: (number | undefined)[] = []
  const graphql = createGraphql({
    schema,
    gate: {
      admit: (query, name) => {
        parsed.push(query)
        return gate.admit(query, name)
      },
    },
    findDocument: createDocumentFinder(new Map(), false),
    maxCost: 1_000,
    introspection: true,
    endpoint: '/graphql',
    maxBodyBytes: 10_000,
    heartbeatMs: 15_000,
    maxResponseBytes: 16_777_216,
    clock,
    yieldIfLong: () => new Promise((resolve) => turns.push(resolve)),
    logger: silentLogger,
  })
  const body = JSON.stringify({ query: '{ __typename }' })
  const context = {
    requestId: 'r1',
    pay: () => undefined,
    readBody: async () => Buffer.from(body),
    enter: (waitedMs?: number) => void waited.push(waitedMs),
  } as unknown as GraphqlContext
  const headers = { 'content-type': 'application/json' }
  const answers = [1, 2].map(() =>
    graphql(new Request('http://connlog.test/graphql', { method: 'POST', headers, body }), context),
  )
  await systemClock.sleep(0)
  expect([turns.length, parsed.length]).toEqual([2, 0])
  clock.advance(300)
  turns.shift()?.()
  await systemClock.sleep(0)
  expect([parsed.length, waited]).toEqual([1, [300]])
  clock.advance(700)
  turns.shift()?.()
  await Promise.all(answers)
  expect([parsed.length, waited]).toEqual([2, [300, 1_000]])
})
