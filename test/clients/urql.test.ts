import { Failures, Record } from './src/tada.ts'
import { codeOf, connect, follow, readAll } from './src/urql.ts'
import { describeClient } from './support/behaves.ts'
import { describeFollower } from './support/follows.ts'

describeClient('urql', (url, key) => {
  const client = connect(url, key)
  return {
    failures: async (platform, limit, skip) => {
      const variables = { platform: [platform], limit, skip }
      const { data, error } = await client.query(Failures, variables, { requestPolicy: 'network-only' })
      if (error) throw error
      return data!.connectionLogs
    },
    all: (first) => readAll(client, first),
    record: async (input) => {
      const { data, error } = await client.mutation(Record, { input })
      if (error) throw error
      return data!.recordConnectionLog.created
    },
    codeOf,
  }
})

describeFollower('urql', (url, key) => {
  const client = connect(url, key)
  return {
    follow: (after, next, failed) => {
      const { unsubscribe } = follow(client, after).subscribe(({ data, error }) =>
        error ? failed(error) : data && next(data.connectionLogRecorded),
      )
      return unsubscribe
    },
    codeOf,
  }
})
