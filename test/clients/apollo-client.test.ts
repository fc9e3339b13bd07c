import { codeOf, connect, follow, readAll, readFailures, record } from './documents/src/apollo-client.ts'
import { describeClient } from './support/behaves.ts'
import { describeFollower } from './support/follows.ts'

describeClient('Apollo Client', (url, key) => {
  const client = connect(url, key)
  return {
    failures: async (platform, limit, skip) => (await readFailures(client, { platform, limit, skip }))!,
    all: (first) => readAll(client, first),
    record: async (input) => (await record(client, { input }))!.created,
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
