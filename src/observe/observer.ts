import type { Observer, Sighting } from '../http/observer.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { codeOf } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { type Instruments, OUTCOMES } from './instruments.ts'
import type { OperationNames } from './operation-names.ts'
import { spanOfOperation, spanOfRequest } from './spans.ts'

export interface ObserverOptions {
  /** Absent where metrics are off. */
  readonly instruments: Instruments | undefined
  readonly names: OperationNames
  /** From how many milliseconds on an answer is slow; 0 = none is. */
  readonly slowMs: number
  readonly clock: Clock
  readonly logger: Logger
}

/** What is known of a request, and of its operation what may be told. */
export interface Watched extends Sighting {
  operation: string | undefined
}

/** What stands for paths where there is nothing, and for methods that nobody asks with: both could be anything. */
const UNKNOWN = '(other)'
const UNSEEN: Watched = {
  requestId: '',
  route: undefined,
  keyId: undefined,
  userId: null,
  operation: undefined,
  code: undefined,
  isStream: false,
}
const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS'])

/** One line, some numbers and a span for each request, and nothing in them that a caller could fill without an end. */
export function createObserver({ instruments, names, slowMs, clock, logger }: ObserverOptions): Observer {
  const secondsSince = (startMs: number) => (clock.steadyMs() - startMs) / SECOND_MS

  function note(asked: string, seen: Watched, status: number, seconds: number): void {
    const { requestId, route = UNKNOWN, operation, keyId, code, isStream } = seen
    const method = METHODS.has(asked) ? asked : UNKNOWN
    instruments?.answered(route, method, status, isStream ? undefined : seconds)
    const durationMs = Math.round(seconds * SECOND_MS)
    const line = { requestId, method, path: route, status, durationMs, operation, keyId, code }
    if (slowMs > 0 && durationMs >= slowMs && !isStream) logger.warn(line, 'answered slowly')
    else logger.debug(line, 'answered')
  }

  return {
    watch: (request, path, answer) => {
      const startMs = clock.steadyMs()
      const seen = { ...UNSEEN }
      return spanOfRequest(request, path, seen, async () => {
        const response = await answer(seen)
        note(request.method, seen, response.status, secondsSince(startMs))
        return response
      })
    },

    refused: ({ requestId, route, method, status, code }) =>
      note(method, { ...UNSEEN, requestId, route, code }, status, 0),

    operate: (seen: Watched, { operation, name }, answer) => {
      const startMs = clock.steadyMs()
      let isAborted = false
      return spanOfOperation(operation, seen, async () => {
        try {
          return await answer()
        } catch (error) {
          isAborted = error instanceof Error && error.name === 'AbortError'
          if (!isAborted) seen.code ??= codeOf(error)
          throw error
        } finally {
          const { code } = seen
          seen.operation = names.labelOf(name?.value, code === undefined && !isAborted, seen.userId)
          const outcome = isAborted ? 'aborted' : code === undefined ? 'ok' : OUTCOMES[code]
          instruments?.operated(seen.operation, outcome, secondsSince(startMs))
        }
      })
    },
  }
}
