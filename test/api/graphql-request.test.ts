import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const VIEWER = '{ viewer { userId } }'
const VIEWED = { data: { viewer: { userId: 'u1' } } }
const LIMITED = 'query ($limit: Int = 2) { connectionLogs(limit: $limit) { pagination { limit } } }'
const limited = (limit: number) => ({ data: { connectionLogs: { pagination: { limit } } } })

describe.each(PROVIDERS)('a GraphQL request as clients send it on %s', (provider) => {
  let app: TestApp
  let key: string
  beforeAll(async () => {
    app = keep(await startTestApp(provider))
    key = await app.key('u1')
  })
  afterAll(() => app.stop())

  const post = async (body: object | string) => {
    const headers = { 'content-type': 'application/json' }
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return (await app.send(key, '/graphql', { method: 'POST', headers, body: text })).json()
  }
  const get = async (parameters: string) => (await app.send(key, `/graphql?${parameters}`)).json()

  it.each([
    ['`id`, as Relay sends it', { id: 'abc' }],
    ['`id` that is null', { id: null }],
    ['`doc_id`', { doc_id: null }],
    ['`hash` and `queryId`', { hash: 'abc', queryId: 7 }],
    ['an object', { client: { name: 'web', version: [1, 2] } }],
    ['a name that objects have', { constructor: 1, toString: 'x' }],
  ])('ignores the unknown property %s', async (_, more) => {
    expect(await post({ query: VIEWER, ...more })).toEqual(VIEWED)
  })

  it('ignores `__proto__`, in which nothing is looked for', async () => {
    const [query, other] = [JSON.stringify(VIEWER), JSON.stringify('{ viewer { keyId } }')]
    expect(await post(`{"query":${query},"__proto__":{"query":${other},"operationName":"A"}}`)).toEqual(
      VIEWED,
    )
  })

  it('takes an empty text for nothing, in the body and in the address', async () => {
    expect(await post({ query: VIEWER, operationName: '' })).toEqual(VIEWED)
    expect(await post({ query: VIEWER, operationName: '', variables: '', extensions: '' })).toEqual(VIEWED)
    expect(await post({ query: VIEWER, documentId: '' })).toEqual(VIEWED)
    expect(await post({ query: LIMITED, variables: '' })).toEqual(limited(2))
    const query = encodeURIComponent(VIEWER)
    expect(await get(`query=${query}&operationName=`)).toEqual(VIEWED)
    expect(await get(`query=${query}&operationName=&variables=&extensions=&documentId=`)).toEqual(VIEWED)
    expect(await get(`query=${encodeURIComponent(LIMITED)}&variables=`)).toEqual(limited(2))
  })

  it('takes null for nothing', async () => {
    const nothing = { operationName: null, variables: null, extensions: null, documentId: null }
    expect(await post({ query: VIEWER, ...nothing })).toEqual(VIEWED)
  })

  it('still says which operations there are where an empty name leaves several', async () => {
    const query = `query A ${VIEWER} query B ${VIEWER}`
    expect(await post({ query, operationName: '' })).toMatchObject({
      errors: [{ message: 'Expected `operationName` to be one of A, B, got nothing.' }],
    })
    expect(await post({ query, operationName: 'B' })).toEqual(VIEWED)
  })

  it.each([
    ['variables', 'x', 'text of 1 character'],
    ['variables', ['x'], 'a list of 1'],
    ['extensions', 'x', 'text of 1 character'],
  ])('rejects `%s` that is %j', async (name, value, shown) => {
    expect(await post({ query: VIEWER, [name]: value })).toEqual({
      errors: [
        {
          message: `Expected \`${name}\` to be an object, got ${shown}.`,
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ],
    })
  })
})

describe.each(PROVIDERS)('a filter of one value on %s', (provider) => {
  it('is accepted in the document, and as the value of a variable that is declared as a list', async () => {
    const app = await startTestApp(provider)
    const key = await app.key('u1')
    const log = (platform: string) =>
      `recordConnectionLog(input: { platform: ${platform}, eventType: DISCONNECT, connectionMethod: OAUTH, accountId: "${platform}" }) { created }`
    await app.gql(key, `mutation { a: ${log('TIKTOK')} b: ${log('REDDIT')} }`)
    const total = async (given: string, declared = '', variables = {}) => {
      const { data, errors } = await app.gql(
        key,
        `query Q${declared} { connectionLogs(filter: ${given}) { pagination { total } } }`,
        variables,
      )
      return errors ? errors[0]!.message : (data.connectionLogs.pagination.total as number)
    }
    expect(await total('{ platform: TIKTOK }')).toBe(1)
    expect(await total('{ platform: $p }', '($p: [Platform!])', { p: 'TIKTOK' })).toBe(1)
    expect(await total('{ accountId: $a }', '($a: [ID!])', { a: ['TIKTOK', 'REDDIT'] })).toBe(2)
    expect(
      await total('$f', '($f: ConnectionLogFilter)', { f: { platform: 'TIKTOK', accountId: 'TIKTOK' } }),
    ).toBe(1)
    expect(await total('{ platform: $p }', '($p: Platform)', { p: 'TIKTOK' })).toBe(
      'Variable "$p" of type "Platform" used in position expecting type "[Platform!]".',
    )
  })
})
