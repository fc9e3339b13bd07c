import { type Client, createClient } from 'graphql-sse'
import { graphql } from '../generated/strings/index.ts'
import type { LiveSubscription, LiveSubscriptionVariables } from '../generated/strings/graphql.ts'

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

export const connect = (url: string, key: string) =>
  createClient({ url, headers: { authorization: `Bearer ${key}` }, retryAttempts: 0 })

/** Each log as it is recorded, from a cursor on. */
export const follow = (client: Client, after: string | null) =>
  client.iterate<LiveSubscription, LiveSubscriptionVariables>({
    query: Live.toString(),
    variables: { after },
  })
