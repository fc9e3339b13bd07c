import { pauseMs } from '../../kernel/backoff.ts'
import { type Clock, MINUTE_MS, SECOND_MS } from '../../kernel/clock.ts'
import { AppError, type ErrorCode } from '../../kernel/errors.ts'

/** Waits from one try to the next for as long as it takes. */
export interface Patience {
  /** It has answered, so that the next failure is a first one. */
  answered(): void
  /**
   * Waits before the next try.
   * @throws the failure where another try cannot help; whatever `stop` was aborted with
   */
  afterFailure(error: unknown): Promise<void>
}

export interface PatienceOptions {
  readonly clock: Clock
  readonly stop: AbortSignal
  readonly say: (line: string) => void
  /** 0 to 1; for the jitter of waits. */
  readonly random: () => number
}

/** What may be otherwise the next time. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL'])

/** The most that is taken to be asked for: after that it is tried again. */
const MAX_ASKED_MS = 15 * MINUTE_MS

/** Says once what is wrong, and once that it is over; nothing of what is over after one try. */
export function createPatience({ clock, stop, say, random }: PatienceOptions): Patience {
  let tries = 0
  let isTold = false
  let hasAnswered = false
  return {
    answered: () => {
      if (isTold) say('It answers again.')
      hasAnswered = true
      isTold = false
      tries = 0
    },
    afterFailure: async (error) => {
      stop.throwIfAborted()
      if (!(error instanceof AppError) || !PASSING.has(error.code)) throw error
      tries += 1
      if (!isTold && (tries > 1 || !hasAnswered)) {
        say(`${error.message} Trying until it succeeds.`)
        isTold = true
      }
      const askedMs = Math.min((error.retryAfterSeconds ?? 0) * SECOND_MS, MAX_ASKED_MS)
      await clock.sleep(pauseMs(tries, askedMs, random()), stop)
      stop.throwIfAborted()
    },
  }
}
