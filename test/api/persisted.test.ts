import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { ConfigError, parseConfig } from '../../src/config/config.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { startTestApp } from '../support/app.ts'
import { runProcess } from '../support/command.ts'

const VIEWER = 'query Viewer { viewer { userId } }'
const FAILURES = 'query Failures($n: Int) { connectionLogs(limit: $n) { pagination { limit } } }'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function fileWith(content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-persisted-'))
  folders.push(folder)
  const path = join(folder, 'persisted-documents.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const LISTED = { [sha256(VIEWER)]: VIEWER, failures: FAILURES }

async function startWith(env: Record<string, string>) {
  const app = await startTestApp('sqlite', { env })
  const key = await app.key('u1')
  const read = async (response: Response) => [response.status, await response.json()]
  return {
    post: async (body: object) =>
      read(
        await app.send(key, '/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      ),
    get: async (parameters: Record<string, string>) =>
      read(await app.send(key, `/graphql?${new URLSearchParams(parameters)}`)),
  }
}

const VIEWED = [200, { data: { viewer: { userId: 'u1' } } }]
const hashed = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } })

it('an operation of the list is asked for by its id, in the ways of the field', async () => {
  const { post, get } = await startWith({ PERSISTED_OPERATIONS: fileWith(LISTED) })
  const hash = sha256(VIEWER)
  expect(await post({ documentId: hash })).toEqual(VIEWED)
  expect(await post({ documentId: `sha256:${hash}`, operationName: 'Viewer' })).toEqual(VIEWED)
  expect(await post({ extensions: hashed(hash) })).toEqual(VIEWED)
  expect(await get({ documentId: hash })).toEqual(VIEWED)
  expect(await get({ extensions: JSON.stringify(hashed(hash)) })).toEqual(VIEWED)
  expect(await post({ documentId: 'failures', variables: { n: 3 } })).toEqual([
    200,
    { data: { connectionLogs: { pagination: { limit: 3 } } } },
  ])
  expect(await post({ query: '{ viewer { userId } }' })).toEqual(VIEWED)
  expect(await post({ query: '{ viewer { userId } }', extensions: hashed('0'.repeat(64)) })).toEqual(VIEWED)
  for (const id of ['nope', '__proto__', 'constructor', 'sha256:nope']) {
    const message = `Expected \`documentId\` to be the id of a listed operation, got "${id}".`
    expect(await post({ documentId: id })).toEqual([
      404,
      { errors: [{ message, extensions: { code: 'NOT_FOUND' } }] },
    ])
  }
  expect((await post({}))[1]).toMatchObject({
    errors: [{ message: 'Expected `query` to be the text of a GraphQL document, got nothing.' }],
  })
})

it('the id of an operation is used where the query is null, empty or missing', async () => {
  const { post, get } = await startWith({ PERSISTED_OPERATIONS: fileWith(LISTED) })
  const documentId = sha256(VIEWER)
  for (const query of [null, '', undefined]) expect(await post({ documentId, query })).toEqual(VIEWED)
  expect(await get({ documentId, query: '' })).toEqual(VIEWED)
})

it('a hash that is not listed is answered in the words by which clients send the query', async () => {
  const { post, get } = await startWith({ PERSISTED_OPERATIONS: fileWith(LISTED) })
  const unlisted = [
    200,
    { errors: [{ message: 'PersistedQueryNotFound', extensions: { code: 'NOT_FOUND' } }] },
  ]
  for (const extensions of [
    hashed(sha256('{ a }')),
    hashed('__proto__'),
    { persistedQuery: { version: 1 } },
  ]) {
    expect(await post({ extensions })).toEqual(unlisted)
    expect(await post({ query: null, extensions })).toEqual(unlisted)
    expect(await get({ query: '', extensions: JSON.stringify(extensions) })).toEqual(unlisted)
    expect(await post({ extensions, query: VIEWER })).toEqual(VIEWED)
  }
})

it('a hash is answered in the words by which clients turn persisted queries off where nothing is listed', async () => {
  const { post, get } = await startWith({})
  const extensions = hashed(sha256(VIEWER))
  const unsupported = [
    200,
    { errors: [{ message: 'PersistedQueryNotSupported', extensions: { code: 'BAD_USER_INPUT' } }] },
  ]
  expect(await post({ extensions, operationName: 'Viewer' })).toEqual(unsupported)
  expect(await get({ extensions: JSON.stringify(extensions) })).toEqual(unsupported)
  expect(await post({ extensions, query: VIEWER })).toEqual(VIEWED)
  expect(await post({ documentId: sha256(VIEWER) })).toEqual([404, expect.anything()])
})

it('nothing else is answered where only listed operations are', async () => {
  const { post, get } = await startWith({
    PERSISTED_OPERATIONS: fileWith(LISTED),
    PERSISTED_OPERATIONS_ONLY: 'true',
  })
  expect(await post({ documentId: sha256(VIEWER) })).toEqual(VIEWED)
  expect(await post({ query: VIEWER })).toEqual(VIEWED)
  const refused = [
    403,
    {
      errors: [
        {
          message: 'Expected `query` to be one of the listed operations, got another one.',
          extensions: { code: 'FORBIDDEN' },
        },
      ],
    },
  ]
  for (const query of ['{ viewer { userId } }', `${VIEWER} `, '{ __schema { types { name } } }'])
    expect(await post({ query })).toEqual(refused)
  expect(await post({ query: '{ viewer { keyId } }', documentId: sha256(VIEWER) })).toEqual(refused)
  expect(await post({ query: '{ viewer { keyId } }', extensions: hashed(sha256(VIEWER)) })).toEqual(refused)
  expect(await get({ query: '{ viewer { userId } }' })).toEqual(refused)
})

it.each([
  [
    '{',
    'Expected `PERSISTED_OPERATIONS` to name a JSON file of GraphQL documents by their ids, got something else in ',
  ],
  [
    '[]',
    'Expected `PERSISTED_OPERATIONS` to name a JSON file of GraphQL documents by their ids, got something else in ',
  ],
  [
    '{"a":1}',
    'Expected `PERSISTED_OPERATIONS` to name a JSON file of GraphQL documents by their ids, got something else in ',
  ],
  [
    { a: '{ nothing }' },
    'Expected the document "a" of `PERSISTED_OPERATIONS` to be usable: Cannot query field "nothing" on type "Query".',
  ],
  [
    { a: '{' },
    'Expected the document "a" of `PERSISTED_OPERATIONS` to be usable: Syntax Error: Expected Name, found <EOF>.',
  ],
  [
    { a: VIEWER, b: `{ viewer { ${'a: userId '.repeat(51)} } }` },
    'Expected the document "b" of `PERSISTED_OPERATIONS` to be usable: Expected `query` to have at most 50 aliases, got 51.',
  ],
])('a list that cannot be used is told at the start: %j', async (content, sentence) => {
  const config = parseConfig({ DATABASE_URL: 'file:/nowhere/x.db', PERSISTED_OPERATIONS: fileWith(content) })
  const failure = await createApp({ config, logger: silentLogger }).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(ConfigError)
  expect((failure as ConfigError).problems[0]).toContain(sentence)
})

it('a file that is not there ends `connlog serve` with a sentence', async () => {
  const { code, stderr } = await runProcess(['serve'], {
    DATABASE_URL: 'file:/nowhere/x.db',
    PERSISTED_OPERATIONS: '/nowhere/list.json',
  })
  expect(code).toBe(1)
  expect(stderr).toContain(
    'Expected `PERSISTED_OPERATIONS` to name a JSON file of GraphQL documents by their ids, got ENOENT for "/nowhere/list.json".',
  )
})
