import type {
  FailuresQueryVariables,
  OlderQueryVariables,
  RecordConnectionLogInput,
  TypedDocumentString,
} from '../generated/graphql.ts'
import { Failures, Older, Record } from './operations.ts'

interface Answer<Data> {
  readonly data: Data
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[]
}

/**
 * Sends an operation and returns its data.
 * @throws {Error} whose `cause` is the error that the service answered with, if it did
 */
export async function ask<Data, Variables>(
  url: string,
  key: string,
  operation: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: operation.toString(), variables }),
  })
  const { data, errors: [error] = [] } = (await response.json()) as Answer<Data>
  if (error) throw new Error(error.message, { cause: error })
  return data
}

/** A page of failures, with how many there are. */
export const readFailures = async (url: string, key: string, variables: FailuresQueryVariables) =>
  (await ask(url, key, Failures, variables)).connectionLogs

/** All logs, newest first, page by page. */
export async function* readAll(url: string, key: string, first = 100) {
  const variables: OlderQueryVariables = { first }
  for (;;) {
    const { connectionLogsByCursor } = await ask(url, key, Older, variables)
    for (const { node } of connectionLogsByCursor.edges) yield node
    if (!connectionLogsByCursor.pageInfo.hasNextPage) return
    variables.after = connectionLogsByCursor.pageInfo.endCursor
  }
}

/** Records an event. With the `eventId` that it carries it is stored once, however often it is sent. */
export const record = async (url: string, key: string, input: RecordConnectionLogInput) =>
  (await ask(url, key, Record, { input })).recordConnectionLog

/** BAD_USER_INPUT, UNAUTHENTICATED … */
export const codeOf = (error: unknown) =>
  ((error as Error).cause as { extensions?: { code: string } } | undefined)?.extensions?.code
