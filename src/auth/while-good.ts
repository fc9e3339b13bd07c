import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { KeyWatch } from './key-watch.ts'
import type { Principal } from './principal.ts'
import type { Invalidity } from './stored-key.ts'

/** What takes no longer costs no question: it ends before its key is looked at again. */
const WATCHED_AFTER_MS = 0.5 * SECOND_MS

/**
 * What comes from `source`, for as long as the key is good. What is under way when the key is revoked ends with the next
 * part that comes.
 * @throws {AppError} UNAUTHENTICATED once the key is good no more
 */
export async function* whileGood<T>(
  source: AsyncIterable<T>,
  principal: Principal,
  { keys, clock }: { keys: Pick<KeyWatch, 'untilInvalid'>; clock: Clock },
): AsyncGenerator<T> {
  const leaving = new AbortController()
  const begunMs = clock.steadyMs()
  let invalidity: Invalidity | undefined
  let isWatched = false
  try {
    for await (const part of source) {
      if (!isWatched && clock.steadyMs() - begunMs >= WATCHED_AFTER_MS) {
        isWatched = true
        void keys.untilInvalid(principal, leaving.signal).then((why) => (invalidity = why))
      }
      if (invalidity !== undefined)
        throw new AppError('UNAUTHENTICATED', 'The key that this began with is good no more.')
      yield part
    }
  } finally {
    leaving.abort()
  }
}
