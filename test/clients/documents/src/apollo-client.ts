import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client'
import { relayStylePagination } from '@apollo/client/utilities'
import type { VariablesOf } from '@graphql-typed-document-node/core'
import { Failures, Live, Older, Record } from './operations.ts'

export const connect = (url: string, key: string) =>
  new ApolloClient({
    link: new HttpLink({ uri: url, headers: { authorization: `Bearer ${key}` } }),
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { connectionLogsByCursor: relayStylePagination(['filter']) } } },
    }),
  })

/** A page of failures of this moment, with how many there are. */
export async function readFailures(client: ApolloClient, variables: VariablesOf<typeof Failures>) {
  const { data } = await client.query({ query: Failures, variables, fetchPolicy: 'network-only' })
  return data?.connectionLogs
}

/** All logs, newest first: the cache puts each page behind those before it. */
export async function readAll(client: ApolloClient, first = 100) {
  const query = client.watchQuery({ query: Older, variables: { first } })
  const variables: VariablesOf<typeof Older> = { first }
  for (;;) {
    const { data } = await query.fetchMore({ variables })
    if (!data?.connectionLogsByCursor.pageInfo.hasNextPage) break
    variables.after = data.connectionLogsByCursor.pageInfo.endCursor
  }
  const all = client.readQuery({ query: Older, variables: { first } })
  return all?.connectionLogsByCursor.edges.map(({ node }) => node) ?? []
}

/** Records an event. With the `eventId` that it carries it is stored once, however often it is sent. */
export async function record(client: ApolloClient, variables: VariablesOf<typeof Record>) {
  const { data } = await client.mutate({ mutation: Record, variables })
  return data?.recordConnectionLog
}

/** Tells of each log as it is recorded, from a cursor on. */
export const follow = (client: ApolloClient, after: string | null) =>
  client.subscribe({ query: Live, variables: { after } })

/** BAD_USER_INPUT, UNAUTHENTICATED … */
export const codeOf = (error: unknown) =>
  CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.['code'] : undefined
