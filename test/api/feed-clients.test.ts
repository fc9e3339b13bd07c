import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { Client, fetchExchange } from '@urql/core'
import { EventSource } from 'eventsource'
import { createClient } from 'graphql-sse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Listening, listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { sentOf } from '../support/sent.ts'

const DOCUMENT = `subscription Live($after: String) {
  connectionLogRecorded(after: $after) { cursor log { accountId } }
}`

interface Data {
  readonly connectionLogRecorded: { readonly cursor: string; readonly log: { readonly accountId: string } }
}

const ACCOUNTS = ['a', 'b', 'c']

describe.each(PROVIDERS)('clients as their users have them, on %s', (provider) => {
  let app: TestApp
  let server: Listening
  let url: string
  let headers: { authorization: string }
  let start: string
  beforeAll(async () => {
    app = keep(await startTestApp(provider, { env: { STREAM_HEARTBEAT_SECONDS: '1' } }))
    server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
    url = `${server.address}/graphql`
    const key = await app.key('u1')
    headers = { authorization: `Bearer ${key}` }
    const { data } = await app.gql(key, '{ connectionLogFeedCursor }')
    start = data.connectionLogFeedCursor
    for (const accountId of ACCOUNTS) await app.connectionLogs.record([sentOf(accountId)])
  })
  afterAll(async () => {
    app.endStreams()
    await server.stop()
    await app.stop()
  })

  /** Accounts until there are as many as were recorded, or the code of an error. */
  const collected = (
    subscribe: (next: (data: Data) => void, failed: (code: unknown) => void) => () => void,
  ): Promise<unknown> =>
    new Promise((resolve) => {
      const seen: string[] = []
      const end = subscribe(
        ({ connectionLogRecorded: { log } }) => {
          seen.push(log.accountId)
          if (seen.length === ACCOUNTS.length) finish(seen)
        },
        (code) => finish(code),
      )
      function finish(result: unknown): void {
        // Not before `end` is there.
        void Promise.resolve().then(() => {
          end()
          resolve(result)
        })
      }
    })

  const ways: Record<string, (after: string) => Promise<unknown>> = {
    'graphql-sse': (after) => {
      const client = createClient({ url, headers, retryAttempts: 0 })
      return collected((next, failed) =>
        client.subscribe<Data, never>(
          { query: DOCUMENT, variables: { after } },
          {
            next: ({ data, errors }) =>
              errors ? failed(errors[0]?.extensions?.['code']) : data && next(data),
            error: failed,
            complete: () => undefined,
          },
        ),
      )
    },
    urql: (after) => {
      const client = new Client({
        url,
        exchanges: [fetchExchange],
        fetchSubscriptions: true,
        preferGetMethod: false,
        fetchOptions: { headers },
      })
      return collected((next, failed) => {
        const { unsubscribe } = client
          .subscription<Data>(DOCUMENT, { after })
          .subscribe(({ data, error }) =>
            error ? failed(error.graphQLErrors[0]?.extensions['code'] ?? error) : data && next(data),
          )
        return unsubscribe
      })
    },
    'Apollo Client': (after) => {
      const client = new ApolloClient({
        link: new HttpLink({ uri: url, headers }),
        cache: new InMemoryCache(),
      })
      return collected((next, failed) => {
        const subscription = client
          .subscribe<Data>({ query: gql(DOCUMENT), variables: { after }, errorPolicy: 'all' })
          .subscribe({
            next: ({ data, error }) =>
              error
                ? failed(
                    'errors' in error
                      ? (error.errors as { extensions: { code: string } }[])[0]?.extensions.code
                      : error,
                  )
                : data && next(data),
            error: failed,
          })
        return () => subscription.unsubscribe()
      })
    },
    EventSource: (after) => {
      const variables = encodeURIComponent(JSON.stringify({ after }))
      const source = new EventSource(`${url}?query=${encodeURIComponent(DOCUMENT)}&variables=${variables}`, {
        fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
      })
      return collected((next, failed) => {
        source.addEventListener('next', ({ data }) => next((JSON.parse(String(data)) as { data: Data }).data))
        source.addEventListener('error', ({ code }) => failed(code))
        return () => source.close()
      })
    },
  }

  it.each(Object.entries(ways))(
    '%s reads what was recorded, and is told what is wrong',
    async (name, follow) => {
      expect(await follow(start)).toEqual(ACCOUNTS)
      expect(await follow('made up')).toBe(name === 'EventSource' ? 400 : 'BAD_USER_INPUT')
      // Over a socket, too, the end of a client is the end of what was done for him.
      while (app.feed.figures().readers > 0) await systemClock.sleep(5)
    },
  )
})
