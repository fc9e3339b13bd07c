import { open } from './src/event-source.ts'
import { Live } from './src/graphql-sse.ts'
import type { LiveSubscription } from './generated/strings/graphql.ts'
import { describeFollower } from './support/follows.ts'

describeFollower(
  'EventSource',
  (url, key) => ({
    follow: (after, next, failed) => {
      const source = open(url, key, Live.toString(), { after })
      source.addEventListener('next', ({ data }) =>
        next((JSON.parse(String(data)) as { data: LiveSubscription }).data.connectionLogRecorded),
      )
      source.addEventListener('error', failed)
      return () => source.close()
    },
    codeOf: (error) => (error as { code?: number }).code,
  }),
  // It sees no more of an answer than its status.
  400,
)
