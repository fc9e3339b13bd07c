import { type Service, execute } from './execute.ts'
import { graphql } from './generated/gql.ts'
import type { FailuresQuery } from './generated/graphql.ts'

type Failure = FailuresQuery['connectionLogs']['logs'][number]

const Failures = graphql(/* GraphQL */ `
  query Failures($from: DateTime!, $to: DateTime!, $limit: Int!, $skip: Int!) {
    connectionLogs(
      filter: { status: FAILED, createdAfter: $from, createdBefore: $to }
      limit: $limit
      skip: $skip
    ) {
      logs {
        platform
        error {
          code
        }
      }
      pagination {
        hasMore
      }
    }
  }
`)

const DAY_MS = 24 * 60 * 60 * 1_000
const MAX_LIMIT = 100

/** All failures of the day in UTC that begins at `from`, page by page. */
async function listFailures(service: Service, from: Date): Promise<Failure[]> {
  const to = new Date(from.getTime() + DAY_MS)
  const failures: Failure[] = []
  for (;;) {
    const { connectionLogs } = await execute(service, Failures, {
      from: from.toISOString(),
      to: to.toISOString(),
      limit: MAX_LIMIT,
      skip: failures.length,
    })
    failures.push(...connectionLogs.logs)
    if (!connectionLogs.pagination.hasMore) return failures
  }
}

/** One line a platform, the one that failed most first. */
function table(failures: readonly Failure[]): string {
  const codesByPlatform = new Map<string, string[]>()
  for (const { platform, error } of failures) {
    codesByPlatform.set(platform, [...(codesByPlatform.get(platform) ?? []), error?.code ?? '(none)'])
  }
  const rows = [...codesByPlatform]
    .sort(([a, aCodes], [b, bCodes]) => bCodes.length - aCodes.length || a.localeCompare(b))
    .map(([platform, codes]) => row(platform, String(codes.length), mostFrequent(codes)))
  return [row('platform', 'failures', 'most frequent error'), ...rows].join('\n')
}

const row = (platform: string, failures: string, code: string) =>
  `${platform.padEnd(14)}  ${failures.padStart(8)}  ${code}`

/** Of values that are equally frequent, the first in the alphabet. */
function mostFrequent(values: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const [[first] = ['']] = [...counts].sort(
    ([a, aCount], [b, bCount]) => bCount - aCount || a.localeCompare(b),
  )
  return first
}

const { CONNLOG_URL: url = 'http://127.0.0.1:4000', CONNLOG_KEY: key } = process.env
if (!key) throw new Error('Expected CONNLOG_KEY to be a key, as `connlog keys create --service` prints it.')

const today = Math.floor(Date.now() / DAY_MS) * DAY_MS
const yesterday = new Date(today - DAY_MS)
const failures = await listFailures({ url, key }, yesterday)
console.log(`Failures on ${yesterday.toISOString().slice(0, 10)} (UTC): ${failures.length}`)
if (failures.length > 0) console.log(table(failures))
