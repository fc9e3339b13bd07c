import type { ConnectionLogs } from '../../connections/connection-logs.ts'
import type { ConnectionFilterInput } from '../../connections/filter.ts'
import type { ConnectionLogStream } from '../../connections/follow.ts'
import { type Clock, SECOND_MS } from '../../kernel/clock.ts'
import type { Followed, LogSource } from './log-source.ts'

export interface LocalOptions {
  readonly filter: ConnectionFilterInput
  readonly clock: Clock
  readonly stop: AbortSignal
}

/** How often is told how far the feed has come where nothing matches: a cursor that stays behind would expire. */
const LOOK_MS = 15 * SECOND_MS

/** The logs of the database that this process has opened. */
export function localSource(logs: ConnectionLogs, { filter, clock, stop }: LocalOptions): LogSource {
  return {
    cursor: logs.feedCursor,

    stored: (sinceMs) =>
      logs.everything({ ...filter, createdAfter: Math.max(sinceMs, filter.createdAfter ?? sinceMs) }),

    follow: async function* (after) {
      const stream = await logs.follow(
        filter,
        after === undefined ? undefined : { cursor: after, field: '--since' },
      )
      const end = () => void stream.return()
      stop.addEventListener('abort', end)
      try {
        stop.throwIfAborted()
        yield { cursor: stream.cursor() }
        yield* heard(stream, clock)
      } finally {
        stop.removeEventListener('abort', end)
        end()
      }
    },
  }
}

async function* heard(stream: ConnectionLogStream, clock: Clock): AsyncGenerator<Followed, void, undefined> {
  for (;;) {
    const arrived = new AbortController()
    const next = stream.next().finally(() => arrived.abort())
    // Whether it failed is asked below; that may be later than it fails.
    next.catch(() => undefined)
    while (!arrived.signal.aborted) {
      await clock.sleep(LOOK_MS, arrived.signal)
      if (!arrived.signal.aborted && stream.isWaiting()) yield { cursor: stream.cursor() }
    }
    const event = await next
    if (event.done) return
    yield event.value
  }
}
