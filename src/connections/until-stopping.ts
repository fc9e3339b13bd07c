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
  let over: AppError | undefined
  let giveUp: ((error: AppError) => void) | undefined
  const end = async () => {
    await clock.sleep(STREAM_GRACE_MS, leaving.signal)
    over = new AppError('SERVICE_UNAVAILABLE', 'The service is stopping.', { retryAfterSeconds: 1 })
    giveUp?.(over)
  }
  if (stopping.aborted) void end()
  else stopping.addEventListener('abort', () => void end(), { once: true, signal: leaving.signal })
  const parts = source[Symbol.asyncIterator]()
  /** Not by a race with a promise that lasts, which would keep something of each part in memory. */
  const nextPart = () =>
    new Promise<IteratorResult<T>>((resolve, reject) => {
      giveUp = reject
      if (over) reject(over)
      else parts.next().then(resolve, reject)
    })
  try {
    for (let next = await nextPart(); next.done !== true; next = await nextPart()) yield next.value
  } finally {
    leaving.abort()
    // Not waited for: a source that says nothing would keep it waiting.
    void parts.return?.(undefined)?.catch(() => undefined)
  }
}
