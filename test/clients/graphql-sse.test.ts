import { connect, follow } from './src/graphql-sse.ts'
import { describeFollower } from './support/follows.ts'

describeFollower('graphql-sse', (url, key) => {
  const client = connect(url, key)
  return {
    follow: (after, next, failed) => {
      const events = follow(client, after)
      void (async () => {
        for await (const { data, errors } of events)
          if (data) next(data.connectionLogRecorded)
          else failed(errors?.[0])
      })().catch(failed)
      return () => void events.return?.()
    },
    codeOf: (error) => (error as { extensions?: { code: string } }).extensions?.code,
  }
})
