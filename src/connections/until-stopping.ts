import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'

/** How long a stream of lines may go on once the service stops: less than it waits for requests to end. */
export const STREAM_GRACE_MS = 5 * SECOND_MS

/**
 * What comes from `source`, until some seconds after `stopping` is aborted, also where nothing comes.
 * @throws {AppError} SERVICE_UNAVAILABLE where it has not ended by then
 */
export async function* untilStopping<T>(
  source: AsyncIterable<T>,
  { stopping, clock }: { stopping: AbortSignal; clock: Clock },
): AsyncGenerator<T> {
  const leaving = new AbortController()
  const over = new Promise<never>((_, reject) => {
    const end = async () => {
      await clock.sleep(STREAM_GRACE_MS, leaving.signal)
      reject(new AppError('SERVICE_UNAVAILABLE', 'The service is stopping.', { retryAfterSeconds: 1 }))
    }
    if (stopping.aborted) void end()
    else stopping.addEventListener('abort', () => void end(), { once: true, signal: leaving.signal })
  })
  over.catch(() => undefined)
  const parts = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      // Made anew each time: what waits on one promise for long is kept in memory by it.
      const next = await Promise.race([parts.next(), over])
      if (next.done === true) return
      yield next.value
    }
  } finally {
    leaving.abort()
    // Not waited for: a source that says nothing would keep it waiting.
    void parts.return?.(undefined)?.catch(() => undefined)
  }
}
