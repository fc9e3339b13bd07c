import type { VariablesOf } from '@graphql-typed-document-node/core'
import { ClientError, GraphQLClient } from 'graphql-request'
import { Failures, Older, Record } from './operations.ts'

export const connect = (url: string, key: string) =>
  new GraphQLClient(url, { headers: { authorization: `Bearer ${key}` } })

/** A page of failures, with how many there are. */
export const readFailures = async (client: GraphQLClient, variables: VariablesOf<typeof Failures>) =>
  (await client.request(Failures, variables)).connectionLogs

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

/** Records an event. With the `eventId` that it carries it is stored once, however often it is sent. */
export const record = async (client: GraphQLClient, variables: VariablesOf<typeof Record>) =>
  (await client.request(Record, variables)).recordConnectionLog

/** BAD_USER_INPUT, UNAUTHENTICATED … */
export const codeOf = (error: unknown) =>
  error instanceof ClientError ? error.response.errors?.[0]?.extensions['code'] : undefined
