import { useSyncExternalStore } from 'react'
import { useApi } from '../api/api.ts'
import type { FeedState } from '../api/feed.ts'

export function useFeedState(): FeedState {
  const { feed } = useApi()
  return useSyncExternalStore(feed.subscribe, feed.read)
}
