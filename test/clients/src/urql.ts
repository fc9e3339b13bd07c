import { Client, CombinedError, cacheExchange, fetchExchange } from '@urql/core'
import type { VariablesOf } from 'gql.tada'
import { Failures, Live, Older, Record } from './operations.ts'

export const connect = (url: string, key: string) =>
  new Client({
    url,
    exchanges: [cacheExchange, fetchExchange],
    fetchSubscriptions: true,
    fetchOptions: { headers: { authorization: `Bearer ${key}` } },
  })

/** A page of failures of this moment, with how many there are. */
export async function readFailures(client: Client, variables: VariablesOf<typeof Failures>) {
  const { data, error } = await client.query(Failures, variables, { requestPolicy: 'network-only' })
  if (error) throw error
  return data?.connectionLogs
}

/** All logs, newest first, page by page. */
export async function* readAll(client: Client, first = 100) {
  const variables: VariablesOf<typeof Older> = { first }
  for (;;) {
    const { data, error } = await client.query(Older, variables, { requestPolicy: 'network-only' })
    if (!data) throw error ?? new Error('connlog did not answer.')
    for (const { node } of data.connectionLogsByCursor.edges) yield node
    if (!data.connectionLogsByCursor.pageInfo.hasNextPage) return
    variables.after = data.connectionLogsByCursor.pageInfo.endCursor
  }
}

/** Records an event. With the `eventId` that it carries it is stored once, however often it is sent. */
export async function record(client: Client, variables: VariablesOf<typeof Record>) {
  const { data, error } = await client.mutation(Record, variables)
  if (error) throw error
  return data?.recordConnectionLog
}

/** Tells of each log as it is recorded, from a cursor on. */
export const follow = (client: Client, after: string | null) => client.subscription(Live, { after })

/** BAD_USER_INPUT, UNAUTHENTICATED … */
export const codeOf = (error: unknown) =>
  error instanceof CombinedError ? error.graphQLErrors[0]?.extensions['code'] : undefined
