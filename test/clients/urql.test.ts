import { codeOf, connect, follow, readAll, readFailures, record } from './src/urql.ts'
import { describeClient } from './support/behaves.ts'
import { describeFollower } from './support/follows.ts'

describeClient('urql', (url, key) => {
  const client = connect(url, key)
  return {
    failures: async (platform, limit, skip) =>
      (await readFailures(client, { platform: [platform], limit, skip }))!,
    all: (first) => readAll(client, first),
    record: async (input) => (await record(client, { input }))!.created,
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
