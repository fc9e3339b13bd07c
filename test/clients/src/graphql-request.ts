import type { VariablesOf } from '@graphql-typed-document-node/core'
import { ClientError, GraphQLClient } from 'graphql-request'
import { Older } from './operations.ts'

export const connect = (url: string, key: string) =>
  new GraphQLClient(url, { headers: { authorization: `Bearer ${key}` } })

/** All logs, newest first, page by page. */
export async function* readAll(client: GraphQLClient, first = 100) {
  const variables: VariablesOf<typeof Older> = { first }
  for (;;) {
    const { connectionLogsByCursor } = await client.request(Older, variables)
    for (const { node } of connectionLogsByCursor.edges) yield node
    if (!connectionLogsByCursor.pageInfo.hasNextPage) return
    variables.after = connectionLogsByCursor.pageInfo.endCursor
  }
}

/** BAD_USER_INPUT, UNAUTHENTICATED … */
export const codeOf = (error: unknown) =>
  error instanceof ClientError ? error.response.errors?.[0]?.extensions['code'] : undefined
