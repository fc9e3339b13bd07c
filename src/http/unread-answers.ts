import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import type { Running } from '../kernel/lifecycle.ts'
import { createShares, overShare } from '../kernel/shares.ts'
import type { SentAnswer } from './node-listener.ts'

/**
 * Bytes of answers that clients have not read. A client that asks and never reads costs the memory of its answers, so
 * they are bounded. A user who has left half of the share unread gets no more answers until some are read. Answers to
 * requests that were let in before can still exceed the share: then the oldest are closed.
 */
export interface UnreadAnswers extends Running {
  /** @throws {AppError} RATE_LIMITED if a user has left unread as much as may be */
  requireRoom(user: string | null): void
  /** The measure of an answer to a request of this user; a listener reports to it. */
  answerTo(user: string | null): SentAnswer
}

export interface UnreadAnswersOptions {
  readonly mostBytes: number
  readonly userPercent: number
  readonly clock: Clock
}

/** A client has to take the bytes of an answer within this time: the whole of a page, or one part of a stream. */
export const READ_WITHIN_MS = 60 * SECOND_MS

const CHECK_MS = 5 * SECOND_MS

const RETRY = { advice: 'Read them or close their connections.', retryAfterSeconds: 1 }

interface Waiting {
  readonly sinceMs: number
  readonly close: () => void
}

export function createUnreadAnswers(options: UnreadAnswersOptions): UnreadAnswers {
  const { mostBytes, userPercent, clock } = options
  const shares = createShares({ total: mostBytes, userPercent, clock })
  /** Answers that hold something, the longest first. */
  const waiting = new Set<Waiting>()

  const stopping = new AbortController()
  let watching: Promise<void> | undefined

  async function disconnectSlowReaders(): Promise<void> {
    while (waiting.size > 0 && !stopping.signal.aborted) {
      await clock.sleep(CHECK_MS, stopping.signal)
      const before = clock.steadyMs() - READ_WITHIN_MS
      for (const { sinceMs, close } of waiting) {
        if (sinceMs > before) break
        close()
      }
    }
    watching = undefined
  }

  function answerTo(user: string | null): SentAnswer {
    let close: () => void = () => undefined
    const holding = shares.hold(user, 0, () => close())
    let since: Waiting | undefined
    const isRead = () => {
      if (since) waiting.delete(since)
      since = undefined
    }
    const end = () => {
      isRead()
      holding.end()
    }
    return {
      measure: (outgoing, bytes) => {
        close = () => {
          end()
          outgoing.destroy()
        }
        if (bytes === 0) isRead()
        else if (!since) {
          waiting.add((since = { sinceMs: clock.steadyMs(), close }))
          watching ??= disconnectSlowReaders()
        }
        holding.set(bytes)
      },
      end,
    }
  }

  return {
    answerTo,
    requireRoom: (user) => {
      const limit = Math.floor(shares.limitOf(user) / 2)
      const got = shares.heldBy(user)
      if (user !== null && got > limit)
        throw overShare({ of: 'user', limit, got }, 'bytes of unread answers', RETRY)
    },
    stop: async () => {
      stopping.abort()
      await watching
    },
  }
}
