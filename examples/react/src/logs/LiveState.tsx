import type { FeedState } from '../api/feed.ts'
import { useFeedState } from './use-feed-state.ts'
import { useOnline } from './use-online.ts'

const WORDS = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  ended: 'Not live',
} satisfies Record<FeedState['is'], string>

/** Whether what is recorded now arrives. */
export function LiveState() {
  const state = useFeedState()
  const isOffline = !useOnline() && state.is !== 'ended'
  const why = isOffline
    ? 'This browser is offline. The page shows what it had.'
    : 'why' in state
      ? state.why
      : undefined
  return (
    <span className="live" data-state={isOffline ? 'reconnecting' : state.is} title={why}>
      <span className="dot" aria-hidden="true" />
      {isOffline ? 'Offline' : WORDS[state.is]}
      {/* That it connects, and is live, goes without saying. */}
      <span className="hidden" role="status">
        {why ?? ''}
      </span>
    </span>
  )
}
