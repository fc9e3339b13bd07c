import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Running } from '../kernel/lifecycle.ts'
import { isArriving } from './body.ts'

/** After how long a client may try again, in seconds: most often it is the database that is slow for a while. */
const RETRY_AFTER_SECONDS = 5

export interface Deadlines extends Running {
  /**
   * Runs `work`, whose signal is aborted when its time is over or the client has gone.
   * @throws {AppError} SERVICE_UNAVAILABLE when its time is over, with HTTP 408 where the body had not come by then
   */
  within<T>(request: Request, work: (signal: () => AbortSignal) => Promise<T>): Promise<T>
}

interface OpenRequest {
  readonly endsAt: number
  readonly request: Request
  /** Whether what had arrived by the end of its time has been read. */
  hadTurn: boolean
  readonly end: () => void
}

/**
 * An end to each request's time. All have the same, so the one that began first ends first, and one timer is enough for
 * all: to set one for every request would cost as much as some small answers do.
 */
export function createDeadlines(limitMs: number, clock: Clock): Deadlines {
  const open = new Set<OpenRequest>()
  const stopping = new AbortController()
  let watching: Promise<void> | undefined

  /**
   * Ends what has had its time. A body that is on its way gets one more turn of the event loop: if the process was busy,
   * the body may have arrived in time and wait on the connection.
   * @returns how much the next one has left; undefined where none is open
   */
  function endOverdue(): number | undefined {
    let hasTurn = false
    for (const one of open) {
      const leftMs = one.endsAt - clock.steadyMs()
      if (leftMs > 0) return hasTurn ? 0 : leftMs
      if (isArriving(one.request) && !one.hadTurn) {
        one.hadTurn = hasTurn = true
        continue
      }
      open.delete(one)
      one.end()
    }
    return hasTurn ? 0 : undefined
  }

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const leftMs = endOverdue()
      if (leftMs === undefined) break
      await clock.sleep(Math.ceil(leftMs), stopping.signal)
    }
    watching = undefined
  }

  return {
    within: async (request, work) => {
      // Made when somebody wants to know: most answers are there before.
      let aborter: AbortController | undefined
      let isOver = false
      let either: AbortSignal | undefined
      const signal = () => {
        aborter ??= new AbortController()
        if (isOver) aborter.abort()
        return (either ??= AbortSignal.any([aborter.signal, request.signal]))
      }
      let fail: ((error: AppError) => void) | undefined
      const over = new Promise<never>((_, reject) => (fail = reject))
      const one: OpenRequest = {
        endsAt: clock.steadyMs() + limitMs,
        request,
        hadTurn: false,
        end: () => {
          isOver = true
          fail?.(timeIsOver(limitMs, isArriving(request)))
          aborter?.abort()
        },
      }
      open.add(one)
      watching ??= watch()
      try {
        return await Promise.race([work(signal), over])
      } finally {
        open.delete(one)
      }
    },
    stop: async () => {
      stopping.abort()
      await watching
    },
  }
}

function timeIsOver(limitMs: number, isBodyMissing: boolean): AppError {
  const time = limitMs === SECOND_MS ? 'a second' : `${limitMs / SECOND_MS} seconds`
  return isBodyMissing
    ? new AppError('BAD_USER_INPUT', `Expected the whole body within ${time}, got a part of it.`, {
        status: 408,
      })
    : new AppError(
        'SERVICE_UNAVAILABLE',
        `Expected to answer within ${time}, and could not. Try again later, or ask for less. What was sent to be stored may have been: send it again with the same \`eventId\`.`,
        { retryAfterSeconds: RETRY_AFTER_SECONDS, cause: new Error('the time of the request was over') },
      )
}
