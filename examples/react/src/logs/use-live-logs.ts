import type { CombinedError } from '@urql/core'
import { useEffect, useState } from 'react'
import { useApi } from '../api/api.ts'
import { graphql } from '../generated/gql.ts'
import type { ConnectionLogFilter, FollowSubscription } from '../generated/graphql.ts'

const Begin = graphql(`
  query Begin {
    connectionLogFeedCursor
    viewer {
      userId
    }
  }
`)

const Follow = graphql(`
  subscription Follow($filter: ConnectionLogFilter, $after: String) {
    connectionLogRecorded(filter: $filter, after: $after) {
      cursor
      log {
        id
        createdAt
        ...LogRow
      }
    }
  }
`)

export type LiveLog = FollowSubscription['connectionLogRecorded']['log']

/** What has come since the page began to look at a filter. */
export interface LiveLogs {
  /** The filter that is followed; pages that are asked for from now on miss nothing of it. */
  readonly filter: ConnectionLogFilter | null
  /** The user of the key; null for a service key, which sees all users. */
  readonly userId: string | null
  /** The last of them, as many as a page holds. */
  readonly logs: readonly LiveLog[]
  /** How many came in all. */
  readonly count: number
  readonly error: CombinedError | null
  /** Begins anew. */
  restart(): void
}

const NONE = { filter: null, userId: null, logs: [], count: 0, error: null }

/**
 * Follows what is recorded. The cursor of this moment comes first and the stored page after it, so a log that is recorded
 * in between is in both and none is in neither; its id tells.
 * @param most how many logs to keep
 */
export function useLiveLogs(filter: ConnectionLogFilter, most: number): LiveLogs {
  const { client } = useApi()
  const [live, setLive] = useState<Omit<LiveLogs, 'restart'>>(NONE)
  const [attempt, setAttempt] = useState(0)
  const restart = () => setAttempt((attempt) => attempt + 1)

  useEffect(() => {
    let isOver = false
    let end = () => {}
    const begin = async () => {
      const { data, error } = await client.query(Begin, {}, { requestPolicy: 'network-only' })
      if (isOver) return
      if (!data) return setLive({ ...NONE, error: error ?? null })
      setLive({ ...NONE, filter, userId: data.viewer.userId ?? null })
      const after = data.connectionLogFeedCursor
      const { unsubscribe } = client.subscription(Follow, { filter, after }).subscribe(({ data, error }) => {
        const log = data?.connectionLogRecorded.log
        if (log)
          setLive((live) => ({
            ...live,
            logs: [log, ...live.logs].slice(0, most),
            count: live.count + 1,
          }))
        // The tab slept for longer than logs are kept.
        if (error?.graphQLErrors.some(({ extensions }) => extensions['code'] === 'CURSOR_EXPIRED')) restart()
      })
      end = unsubscribe
    }
    void begin()
    return () => {
      isOver = true
      end()
    }
  }, [client, filter, most, attempt])

  return { ...live, restart }
}
