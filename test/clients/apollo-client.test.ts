import { codeOf, connect, follow, readAll } from './src/apollo-client.ts'
import { Failures, Record } from './src/operations.ts'
import { describeClient } from './support/behaves.ts'
import { describeFollower } from './support/follows.ts'

describeClient('Apollo Client', (url, key) => {
  const client = connect(url, key)
  return {
    failures: async (platform, limit, skip) => {
      const { data } = await client.query({
        query: Failures,
        variables: { platform, limit, skip },
        fetchPolicy: 'network-only',
      })
      return data!.connectionLogs
    },
    all: (first) => readAll(client, first),
    record: async (input) => {
      const { data } = await client.mutate({ mutation: Record, variables: { input } })
      return data!.recordConnectionLog.created
    },
    codeOf,
  }
})

describeFollower('Apollo Client', (url, key) => {
  const client = connect(url, key)
  return {
    follow: (after, next, failed) => {
      const subscription = follow(client, after).subscribe({
        next: ({ data, error }) => (error ? failed(error) : data && next(data.connectionLogRecorded)),
        error: failed,
      })
      return () => subscription.unsubscribe()
    },
    codeOf,
  }
})
