import { graphql } from 'relay-runtime'

/** The failures of a user, page by page: Relay loads the next, older page and keeps the cursors. */
export const failures = graphql`
  fragment Failures_query on Query
  @refetchable(queryName: "FailuresPaginationQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 50 }, after: { type: "String" }) {
    connectionLogsByCursor(filter: { status: FAILED }, first: $first, after: $after)
      @connection(key: "Failures_connectionLogsByCursor") {
      edges {
        node {
          id
          createdAt
          platform
          error {
            code
            message
          }
        }
      }
      totalCount
    }
  }
`

export const query = graphql`
  query FailuresQuery {
    ...Failures_query
    connectionStats(filter: { status: FAILED }) {
      total
      series {
        start
        total
      }
    }
  }
`

/** One log again, by its id. */
export const log = graphql`
  query FailuresLogQuery($id: ID!) {
    node(id: $id) {
      ... on ConnectionLog {
        id
        eventType
        metadata
      }
    }
  }
`
