import { graphql } from '../generated/index.ts'

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

export const Live = graphql(`
  subscription Live($after: String) {
    connectionLogRecorded(after: $after) {
      cursor
      log {
        id
        accountId
        eventType
      }
    }
  }
`)
