import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { Client, fetchExchange } from '@urql/core'
import { persistedExchange } from '@urql/exchange-persisted'
import { parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningService, startService } from './support/services.ts'

const VIEWER = 'query Viewer {\n  viewer {\n    userId\n  }\n}'
const VIEWED = { viewer: { userId: null } }
const sha256 = async (text: string) => createHash('sha256').update(text).digest('hex')

/** A request as a client sent it: by which method, and with a query or a hash alone. */
type Sent = `${'GET' | 'POST'} ${'query' | 'hash'}`

const kindsOf = (sent: readonly Sent[]) => sent.map((one) => one.split(' ')[1])

/** Sends requests on, and writes down what they were. */
function watching(sent: Sent[]): typeof fetch {
  return async (input, init) => {
    const asked = new URL(input instanceof Request ? input.url : input).searchParams.has('query')
    const isQuery = asked || (typeof init?.body === 'string' && 'query' in (JSON.parse(init.body) as object))
    sent.push(`${init?.method === 'GET' ? 'GET' : 'POST'} ${isQuery ? 'query' : 'hash'}`)
    return fetch(input, init)
  }
}

const CLIENTS = {
  'Apollo Client': (service: RunningService, sent: Sent[], isGet: boolean) => {
    const http = new HttpLink({
      uri: `${service.origin}/graphql`,
      fetch: watching(sent),
      headers: { authorization: `Bearer ${service.adminKey}` },
    })
    const link = new PersistedQueryLink({ sha256, useGETForHashedQueries: isGet }).concat(http)
    const client = new ApolloClient({ link, cache: new InMemoryCache() })
    return async () => {
      const { data } = await client.query({ query: parse(VIEWER), fetchPolicy: 'no-cache' })
      return data
    }
  },
  urql: (service: RunningService, sent: Sent[], isGet: boolean) => {
    const client = new Client({
      url: `${service.origin}/graphql`,
      fetch: watching(sent),
      fetchOptions: { headers: { authorization: `Bearer ${service.adminKey}` } },
      preferGetMethod: isGet ? 'force' : false,
      exchanges: [
        persistedExchange({ generateHash: sha256, preferGetForPersistedQueries: isGet ? 'force' : false }),
        fetchExchange,
      ],
    })
    return async () => {
      const { data, error } = await client.query(VIEWER, {}, { requestPolicy: 'network-only' })
      if (error) throw error
      return data as unknown
    }
  },
}

// Which operations are listed has nothing to do with the database.
const folder = mkdtempSync(join(tmpdir(), 'connlog-listed-'))
let [plain, listing]: RunningService[] = []
beforeAll(async () => {
  const list = join(folder, 'list.json')
  writeFileSync(list, JSON.stringify({ other: 'query Other { viewer { name } }' }))
  ;[plain, listing] = await Promise.all([startService(), startService({ PERSISTED_OPERATIONS: list })])
})
afterAll(async () => {
  await Promise.all([plain?.stop(), listing?.stop()])
  rmSync(folder, { recursive: true })
})

describe.each(Object.entries(CLIENTS))('automatic persisted queries of %s', (_, connect) => {
  it.each([false, true])('are turned off by a service without a list (by GET: %s)', async (isGet) => {
    const sent: Sent[] = []
    const ask = connect(plain!, sent, isGet)
    expect(await ask()).toMatchObject(VIEWED)
    expect(kindsOf(sent)).toEqual(['hash', 'query'])
    expect(sent[0]).toBe(isGet ? 'GET hash' : 'POST hash')
    expect(await ask()).toMatchObject(VIEWED)
    expect(kindsOf(sent.slice(2))).toEqual(['query'])
  })

  it.each([false, true])('send a query that is not listed (by GET: %s)', async (isGet) => {
    const sent: Sent[] = []
    const ask = connect(listing!, sent, isGet)
    expect(await ask()).toMatchObject(VIEWED)
    expect(kindsOf(sent)).toEqual(['hash', 'query'])
  })
})
