import { type Client, createClient } from 'graphql-sse'
import type { LiveSubscription, LiveSubscriptionVariables } from '../generated/graphql.ts'
import { Live } from './operations.ts'

export const connect = (url: string, key: string) =>
  createClient({ url, headers: { authorization: `Bearer ${key}` }, retryAttempts: 0 })

/** Each log as it is recorded, from a cursor on. */
export const follow = (client: Client, after: string | null) =>
  client.iterate<LiveSubscription, LiveSubscriptionVariables>({
    query: Live.toString(),
    variables: { after },
  })
