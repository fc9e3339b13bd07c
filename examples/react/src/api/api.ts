import { cacheExchange, Client, fetchExchange, mapExchange, subscriptionExchange } from '@urql/core'
import { createContext, useContext } from 'react'
import { type Feed, createFeed } from './feed.ts'

/** The page's own origin passes on to connlog, unless the build says where connlog itself is. */
const URL = import.meta.env.VITE_GRAPHQL_URL ?? '/graphql'

/** The service as one key sees it. */
export interface Api {
  readonly client: Client
  readonly feed: Feed
}

/** @param onRefused told what the service says of a key that it does not take, or takes no longer */
export function createApi(key: string, onRefused: (sentence: string) => void): Api {
  const headers = { authorization: `Bearer ${key}` }
  const feed = createFeed(URL, headers)
  const client = new Client({
    url: URL,
    fetchOptions: { headers },
    preferGetMethod: false,
    // What is known is shown at once, and asked for again.
    requestPolicy: 'cache-and-network',
    exchanges: [
      mapExchange({
        onError: ({ graphQLErrors }) => {
          if (graphQLErrors.some(({ extensions }) => extensions['code'] === 'UNAUTHENTICATED'))
            onRefused('The service does not accept this key. It may be mistyped, expired or revoked.')
        },
      }),
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({ unsubscribe: feed.follow({ query, variables }, sink) }),
        }),
      }),
    ],
  })
  return { client, feed }
}

export const ApiContext = createContext<Api | null>(null)

/** @throws {Error} outside of `ApiContext` */
export function useApi(): Api {
  const api = useContext(ApiContext)
  if (api === null) throw new Error('Expected an ApiContext around this component.')
  return api
}
