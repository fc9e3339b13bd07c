import { NetworkError } from 'graphql-sse'
import { connect, follow } from './strings/src/graphql-sse.ts'
import { describeFollower } from './support/follows.ts'

describeFollower(
  'graphql-sse',
  (url, key) => {
    const client = connect(url, key)
    return {
      follow: (after, next, failed) => {
        const events = follow(client, after)
        const read = async () => {
          for await (const { data, errors } of events)
            if (data) next(data.connectionLogRecorded)
            else failed(errors?.[0])
        }
        read().catch(failed)
        return () => void events.return?.()
      },
      codeOf: (error) =>
        error instanceof NetworkError
          ? error.response?.status
          : (error as { extensions?: { code: string } }).extensions?.code,
    }
  },
  // Of an answer that is no stream it sees the status alone.
  { badCursor: 'BAD_USER_INPUT', badKey: 401 },
)
