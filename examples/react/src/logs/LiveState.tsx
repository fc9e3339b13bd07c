import type { FeedState } from '../api/feed.ts'
import { useFeedState } from './use-feed-state.ts'

const WORDS = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  ended: 'Not live',
} satisfies Record<FeedState['is'], string>

/** Whether what is recorded now arrives. */
export function LiveState() {
  const state = useFeedState()
  return (
    <span className="live" data-state={state.is} title={'why' in state ? state.why : undefined}>
      <span className="dot" aria-hidden="true" />
      {WORDS[state.is]}
      {/* That it connects, and is live, goes without saying. */}
      <span className="hidden" role="status">
        {'why' in state ? state.why : ''}
      </span>
    </span>
  )
}
