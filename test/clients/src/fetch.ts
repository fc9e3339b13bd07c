import { graphql } from '../generated/strings/index.ts'
import type {
  FailuresQueryVariables,
  OlderQueryVariables,
  RecordConnectionLogInput,
  TypedDocumentString,
} from '../generated/strings/graphql.ts'

export const Failures = graphql(`
  query Failures($platform: [Platform!], $limit: Int!, $skip: Int!) {
    connectionLogs(filter: { platform: $platform, status: FAILED }, limit: $limit, skip: $skip) {
      logs {
        id
        accountId
        createdAt
        error {
          code
          message
        }
      }
      pagination {
        total
        hasMore
      }
    }
  }
`)

export const Older = graphql(`
  query Older($first: Int!, $after: String) {
    connectionLogsByCursor(first: $first, after: $after) {
      edges {
        node {
          id
          accountId
          eventType
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`)

export const Record = graphql(`
  mutation Record($input: RecordConnectionLogInput!) {
    recordConnectionLog(input: $input) {
      created
      log {
        id
        accountId
      }
    }
  }
`)

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
