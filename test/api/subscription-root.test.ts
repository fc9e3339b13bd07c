import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const CONDITION =
  'The root field of a subscription cannot have `@skip` or `@include`. Leave the directive out.'
const ONE = (name: string) => `${name} must select only one top level field.`

const WITHOUT_A_FIELD: Record<string, readonly [query: string, sentence: string]> = {
  'a field that is skipped': ['subscription { connectionLogRecorded @skip(if: true) { cursor } }', CONDITION],
  'a field that is not included': [
    'subscription { connectionLogRecorded @include(if: false) { cursor } }',
    CONDITION,
  ],
  'a field that a variable skips': [
    'subscription ($yes: Boolean!) { connectionLogRecorded @skip(if: $yes) { cursor } }',
    CONDITION,
  ],
  'a field that a variable does not include': [
    'subscription ($no: Boolean = false) { connectionLogRecorded @include(if: $no) { cursor } }',
    CONDITION,
  ],
  'a fragment that is skipped': [
    'subscription { ...F @skip(if: true) } fragment F on Subscription { connectionLogRecorded { cursor } }',
    CONDITION,
  ],
  'a fragment whose field is skipped': [
    'subscription { ...F } fragment F on Subscription { connectionLogRecorded @skip(if: true) { cursor } }',
    CONDITION,
  ],
  'a fragment in a fragment whose field is skipped': [
    'subscription { ...F } fragment F on Subscription { ... on Subscription { ...G } } fragment G on Subscription { connectionLogRecorded @skip(if: true) { cursor } }',
    CONDITION,
  ],
  'an inline fragment that is skipped': [
    'subscription { ... @skip(if: true) { connectionLogRecorded { cursor } } }',
    CONDITION,
  ],
  'two fields': [
    'subscription { a: connectionLogRecorded { cursor } b: connectionLogRecorded { cursor } }',
    ONE('Anonymous Subscription'),
  ],
  'two fields of which a variable skips one': [
    'subscription ($yes: Boolean!) { a: connectionLogRecorded { cursor } b: connectionLogRecorded @skip(if: $yes) { cursor } }',
    CONDITION,
  ],
  'two fields in fragments': [
    'subscription S { ...F ...G } fragment F on Subscription { a: connectionLogRecorded { cursor } } fragment G on Subscription { b: connectionLogRecorded { cursor } }',
    ONE('Subscription "S"'),
  ],
}

describe.each(PROVIDERS)('a subscription on %s', (provider) => {
  let app: TestApp
  let key: string
  beforeAll(async () => {
    app = keep(await startTestApp(provider))
    key = await app.key('u1')
  })
  afterAll(() => app.stop())

  const subscribe = (query: string, variables: object, accept = 'text/event-stream') =>
    app.send(key, '/graphql', {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })

  it.each(Object.entries(WITHOUT_A_FIELD))('with %s is BAD_USER_INPUT', async (_, [query, sentence]) => {
    for (const accept of ['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0', '*/*'])
      for (const variables of [{}, { yes: true, no: false }, { yes: false, no: true }]) {
        const text = await (await subscribe(query, variables, accept)).text()
        expect(text).toContain(JSON.stringify(sentence).slice(1, -1))
        expect(text).toContain('"extensions":{"code":"BAD_USER_INPUT"}')
      }
    expect(app.logged.filter(({ level }) => level === 'error')).toEqual([])
  })

  it.each([
    'subscription { connectionLogRecorded { cursor @skip(if: true) log { id @include(if: false) platform } } }',
    'subscription { connectionLogRecorded { cursor } connectionLogRecorded { log { id } } }',
    'subscription { ...F } fragment F on Subscription { connectionLogRecorded { cursor } }',
  ])('%s starts', async (query) => {
    const response = await subscribe(query, {})
    const reader = response.body!.getReader()
    const { value } = await reader.read()
    expect([response.status, new TextDecoder().decode(value as Uint8Array).slice(0, 5)]).toEqual([
      200,
      ':\nid:',
    ])
    await reader.cancel()
  })

  it('a root of fragments that spread each other again and again is looked at once', async () => {
    const fragments = Array.from(
      { length: 19 },
      (_, n) => `fragment F${n} on Subscription { ${`...F${n + 1} `.repeat(4)} }`,
    )
    const query = `subscription { ...F0 } ${fragments.join(' ')} fragment F19 on Subscription { connectionLogRecorded @skip(if: true) { cursor } }`
    expect(await (await subscribe(query, {})).text()).toContain('"code":"TOO_COMPLEX"')
  })
})
