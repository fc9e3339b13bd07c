import { codeOf, connect, readAll, readFailures, record } from './documents/src/graphql-request.ts'
import { describeClient } from './support/behaves.ts'

describeClient('graphql-request', (url, key) => {
  const client = connect(url, key)
  return {
    failures: (platform, limit, skip) => readFailures(client, { platform, limit, skip }),
    all: (first) => readAll(client, first),
    record: async (input) => (await record(client, { input })).created,
    codeOf,
  }
})
