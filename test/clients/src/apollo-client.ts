import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client'
import { relayStylePagination } from '@apollo/client/utilities'
import { Live, Older } from './operations.ts'

export const connect = (url: string, key: string) =>
  new ApolloClient({
    link: new HttpLink({ uri: url, headers: { authorization: `Bearer ${key}` } }),
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { connectionLogsByCursor: relayStylePagination(['filter']) } } },
    }),
  })

/** All logs, newest first: the cache puts each page behind those before it. */
export async function readAll(client: ApolloClient, first = 100) {
  const query = client.watchQuery({ query: Older, variables: { first } })
  for (let after: string | null | undefined; ;) {
    const { data } = await query.fetchMore({ variables: { after } })
    if (!data?.connectionLogsByCursor.pageInfo.hasNextPage) break
    after = data.connectionLogsByCursor.pageInfo.endCursor
  }
  const all = client.readQuery({ query: Older, variables: { first } })
  return all?.connectionLogsByCursor.edges.map(({ node }) => node) ?? []
}

/** Tells of each log as it is recorded, from a cursor on. */
export const follow = (client: ApolloClient, after: string | null) =>
  client.subscribe({ query: Live, variables: { after } })

/** BAD_USER_INPUT, UNAUTHENTICATED … */
export const codeOf = (error: unknown) =>
  CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.['code'] : undefined
