import {
  ConnectionHandler,
  type Environment,
  ROOT_ID,
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  getFragment,
  getRequest,
  getSingularSelector,
  graphql,
  requestSubscription,
} from 'relay-runtime'
import type { LogsFailuresQuery } from './__generated__/LogsFailuresQuery.graphql'
import type { LogsLiveSubscription } from './__generated__/LogsLiveSubscription.graphql'
import paginationQuery from './__generated__/LogsPaginationQuery.graphql'
import type { LogsLogQuery } from './__generated__/LogsLogQuery.graphql'
import type { LogsQuery } from './__generated__/LogsQuery.graphql'
import type { LogsRecordMutation } from './__generated__/LogsRecordMutation.graphql'
import type { Logs_query$data } from './__generated__/Logs_query.graphql'

export const readFailures = (environment: Environment, variables: LogsFailuresQuery['variables']) =>
  fetchQuery<LogsFailuresQuery>(
    environment,
    graphql`
      query LogsFailuresQuery($platform: [Platform!], $limit: Int!, $skip: Int!) {
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
    `,
    variables,
  ).toPromise()

const logs = graphql`
  fragment Logs_query on Query
  @refetchable(queryName: "LogsPaginationQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 100 }, after: { type: "String" }) {
    connectionLogsByCursor(first: $first, after: $after) @connection(key: "Logs_connectionLogsByCursor") {
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
`

const query = graphql`
  query LogsQuery($first: Int!) {
    ...Logs_query @arguments(first: $first)
  }
`

/** What the store holds of the connection, as `usePaginationFragment` reads it. */
export function readConnection(environment: Environment, first: number) {
  const { fragment } = createOperationDescriptor(getRequest(query), { first })
  const selector = getSingularSelector(getFragment(logs), environment.lookup(fragment).data)
  if (!selector) throw new Error('The query has not been fetched.')
  return (environment.lookup(selector).data as unknown as Logs_query$data).connectionLogsByCursor
}

/** Loads page after page into the store, as `loadNext` does, until there are no older logs. */
export async function loadAll(environment: Environment, first: number) {
  environment.retain(createOperationDescriptor(getRequest(query), { first }))
  await fetchQuery<LogsQuery>(environment, query, { first }).toPromise()
  for (;;) {
    const { edges, pageInfo } = readConnection(environment, first)
    if (!pageInfo.hasNextPage) return edges.map(({ node }) => node)
    await fetchQuery(environment, paginationQuery, { first, after: pageInfo.endCursor }).toPromise()
  }
}

/** One log again, by its id. */
export const readLog = (environment: Environment, id: string) =>
  fetchQuery<LogsLogQuery>(
    environment,
    graphql`
      query LogsLogQuery($id: ID!) {
        node(id: $id) {
          __typename
          ... on ConnectionLog {
            id
            accountId
            metadata
          }
        }
      }
    `,
    { id },
  ).toPromise()

export const record = (environment: Environment, input: LogsRecordMutation['variables']['input']) =>
  new Promise<LogsRecordMutation['response']>((resolve, reject) => {
    commitMutation<LogsRecordMutation>(environment, {
      mutation: graphql`
        mutation LogsRecordMutation($input: RecordConnectionLogInput!) {
          recordConnectionLog(input: $input) {
            created
            log {
              id
              accountId
            }
          }
        }
      `,
      variables: { input },
      onCompleted: resolve,
      onError: reject,
    })
  })

/** Puts each log that is recorded on top of the connection, from a cursor on. */
export const follow = (
  environment: Environment,
  after: string | null,
  onNext: (response: LogsLiveSubscription['response']) => void,
  onError: (error: Error) => void,
) =>
  requestSubscription<LogsLiveSubscription>(environment, {
    subscription: graphql`
      subscription LogsLiveSubscription($after: String, $connections: [ID!]!) {
        connectionLogRecorded(after: $after) {
          cursor
          log @prependNode(connections: $connections, edgeTypeName: "ConnectionLogEdge") {
            id
            accountId
            eventType
          }
        }
      }
    `,
    variables: {
      after,
      connections: [ConnectionHandler.getConnectionID(ROOT_ID, 'Logs_connectionLogsByCursor')],
    },
    onNext: (response) => response && onNext(response),
    onError,
  })
