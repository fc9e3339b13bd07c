import { createClient } from 'graphql-sse'
import { Environment, type GraphQLResponse, Network, Observable, RecordSource, Store } from 'relay-runtime'

export function createEnvironment(url: string, key: string) {
  const headers = { authorization: `Bearer ${key}` }
  const live = createClient({ url, headers, retryAttempts: 0 })
  return new Environment({
    store: new Store(new RecordSource()),
    network: Network.create(
      async ({ text }, variables) => {
        const response = await fetch(url, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({ query: text, variables }),
        })
        return (await response.json()) as GraphQLResponse
      },
      ({ text }, variables) =>
        Observable.create<GraphQLResponse>((sink) =>
          live.subscribe(
            { query: text ?? '', variables },
            { ...sink, next: (value) => sink.next(value as GraphQLResponse) },
          ),
        ),
    ),
  })
}

/** BAD_USER_INPUT, UNAUTHENTICATED … */
export const codeOf = (error: unknown) =>
  (error as { source?: { errors?: { extensions?: { code?: string } }[] } }).source?.errors?.[0]?.extensions
    ?.code
