import { Client, CombinedError, cacheExchange, fetchExchange } from '@urql/core'
import type { VariablesOf } from 'gql.tada'
import { Live, Older } from './tada.ts'

export const connect = (url: string, key: string) =>
  new Client({
    url,
    exchanges: [cacheExchange, fetchExchange],
    fetchSubscriptions: true,
    fetchOptions: { headers: { authorization: `Bearer ${key}` } },
  })

/** All logs, newest first, page by page. */
export async function* readAll(client: Client, first = 100) {
  const variables: VariablesOf<typeof Older> = { first }
  for (;;) {
    const { data, error } = await client.query(Older, variables)
    if (!data) throw error ?? new Error('connlog did not answer.')
    for (const { node } of data.connectionLogsByCursor.edges) yield node
    if (!data.connectionLogsByCursor.pageInfo.hasNextPage) return
    variables.after = data.connectionLogsByCursor.pageInfo.endCursor
  }
}

/** Tells of each log as it is recorded, from a cursor on. */
export const follow = (client: Client, after: string | null) => client.subscription(Live, { after })

/** BAD_USER_INPUT, UNAUTHENTICATED … */
export const codeOf = (error: unknown) =>
  error instanceof CombinedError ? error.graphQLErrors[0]?.extensions['code'] : undefined
