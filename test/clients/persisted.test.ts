import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Failures } from './strings/src/operations.ts'
import { HERE } from './support/run.ts'
import { type RunningService, startService } from './support/services.ts'

const LIST = join(HERE, 'strings/generated/persisted-documents.json')

// Which operations are listed has nothing to do with the database.
let service: RunningService
beforeAll(async () => {
  service = await startService({ PERSISTED_OPERATIONS: LIST, PERSISTED_OPERATIONS_ONLY: 'true' })
})
afterAll(() => service.stop())

async function post(body: object): Promise<[status: number, body: unknown]> {
  const response = await fetch(`${service.origin}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${service.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, variables: { limit: 1, skip: 0 } }),
  })
  return [response.status, await response.json()]
}

const NOTHING = [200, { data: { connectionLogs: { logs: [], pagination: { total: 0, hasMore: false } } } }]

it('takes the list that the client preset writes, and the ids that it puts into documents', async () => {
  const hash = (Failures as { __meta__?: { hash: string } }).__meta__?.hash ?? ''
  const list = JSON.parse(readFileSync(LIST, 'utf8')) as Record<string, string>
  expect(list[hash]).toContain('query Failures')
  expect(await post({ documentId: hash })).toEqual(NOTHING)
  const persistedQuery = { version: 1, sha256Hash: hash.slice('sha256:'.length) }
  expect(await post({ extensions: { persistedQuery } })).toEqual(NOTHING)
})

it('takes nothing that is not listed', async () => {
  const [status, body] = await post({ query: '{ viewer { keyId } }' })
  expect([status, body]).toMatchObject([403, { errors: [{ extensions: { code: 'FORBIDDEN' } }] }])
})
