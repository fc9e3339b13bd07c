import { Failures, Record, ask, codeOf, readAll } from './src/fetch.ts'
import { describeClient } from './support/behaves.ts'

describeClient('fetch', (url, key) => ({
  failures: async (platform, limit, skip) =>
    (await ask(url, key, Failures, { platform, limit, skip })).connectionLogs,
  all: (first) => readAll(url, key, first),
  record: async (input) => (await ask(url, key, Record, { input })).recordConnectionLog.created,
  codeOf,
}))
