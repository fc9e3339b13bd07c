import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import type { Provider } from './global-setup.ts'

export const PROVIDERS: readonly Provider[] = ['sqlite', 'postgres']

/** A new user of a running service, with a key that reads and writes the user's own logs. */
export interface User {
  /** Of the GraphQL API. */
  readonly url: string
  readonly key: string
  /** Records logs; where they do not say when they happened, the last one is the newest. */
  record(logs: readonly Log[]): Promise<void>
  /** The place of this moment in the feed. */
  feedCursor(): Promise<string>
}

/** As the REST API takes it. What is not given is that of a failure on Instagram, a minute ago. */
export interface Log {
  readonly accountId?: string
  readonly platform?: string
  readonly eventType?: string
  readonly createdAt?: string
  readonly error?: object
}

export async function createUser(provider: Provider): Promise<User> {
  const { origin, adminKey } = inject('services')[provider]
  const url = `${origin}/graphql`
  const query = `mutation ($userId: ID) { createApiKey(input: { userId: $userId }) { key } }`
  const answer = await post(url, adminKey, { query, variables: { userId: `user-${randomUUID()}` } })
  const { data } = (await answer.json()) as { data: { createApiKey: { key: string } } }
  const { key } = data.createApiKey
  return {
    url,
    key,
    record: async (logs) => {
      const now = Date.now()
      const sent = logs.map((log, index) => ({
        platform: 'instagram',
        eventType: 'connect_failed',
        connectionMethod: 'oauth',
        createdAt: new Date(now - 60_000 + index).toISOString(),
        error: { code: 'oauth_denied' },
        ...log,
      }))
      const { status } = await post(`${origin}/api/v1/connections/logs`, key, sent)
      if (status !== 200) throw new Error(`recording was answered with ${status}`)
    },
    feedCursor: async () => {
      const answer = await post(url, key, { query: '{ connectionLogFeedCursor }' })
      return ((await answer.json()) as { data: { connectionLogFeedCursor: string } }).data
        .connectionLogFeedCursor
    },
  }
}

const post = (url: string, key: string, body: object): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
