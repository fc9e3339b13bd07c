import { codeOf, readAll, readFailures, record } from './strings/src/fetch.ts'
import { describeClient } from './support/behaves.ts'

describeClient('fetch', (url, key) => ({
  failures: (platform, limit, skip) => readFailures(url, key, { platform, limit, skip }),
  all: (first) => readAll(url, key, first),
  record: async (input) => (await record(url, key, input)).created,
  codeOf,
}))
