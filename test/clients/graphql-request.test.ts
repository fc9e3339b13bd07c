import { codeOf, connect, readAll } from './src/graphql-request.ts'
import { Failures, Record } from './src/operations.ts'
import { describeClient } from './support/behaves.ts'

describeClient('graphql-request', (url, key) => {
  const client = connect(url, key)
  return {
    failures: async (platform, limit, skip) =>
      (await client.request(Failures, { platform, limit, skip })).connectionLogs,
    all: (first) => readAll(client, first),
    record: async (input) => (await client.request(Record, { input })).recordConnectionLog.created,
    codeOf,
  }
})
