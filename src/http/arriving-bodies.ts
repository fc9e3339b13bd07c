import type { Clock } from '../kernel/clock.ts'
import { ENDED } from '../kernel/ended.ts'
import { AppError } from '../kernel/errors.ts'
import { type Excess, type Holding, createShares, overShare } from '../kernel/shares.ts'
import { readBytes } from './body.ts'

/**
 * The bodies of requests while they arrive and are worked on. A client that is silent amid its body does nothing but hold
 * a connection and the bytes that have come, so it is no load, and has bounds of its own: where they are exceeded, the
 * oldest body that is still arriving is given up.
 */
export interface ArrivingBodies {
  /**
   * Reads the whole body of a request.
   * @throws {AppError} what {@link readBytes} throws; RATE_LIMITED or SERVICE_UNAVAILABLE if it was given up
   */
  read(request: Request, user: string | null, maxBytes: number): Promise<ArrivedBody>
  /** How many are arriving. */
  count(): number
}

export interface ArrivedBody {
  readonly bytes: Uint8Array
  /** Forgets its bytes, once the request has been answered. */
  end(): void
}

export interface ArrivingBodiesOptions {
  /** How many bodies may be arriving at a time. */
  readonly most: number
  /** How many bytes bodies may hold while they arrive and are worked on. */
  readonly mostBytes: number
  readonly userPercent: number
  readonly clock: Clock
}

const RETRY = { advice: 'The oldest was given up. Send fewer at a time.', retryAfterSeconds: 1 }

export function createArrivingBodies(options: ArrivingBodiesOptions): ArrivingBodies {
  const { most, mostBytes, userPercent, clock } = options
  const bodies = createShares({ total: most, userPercent, clock })
  const bytes = createShares({ total: mostBytes, userPercent, clock })

  return {
    count: bodies.held,
    read: async (request, user, maxBytes) => {
      let giveUp: (error: AppError) => void = () => undefined
      const givenUp = new Promise<never>((_, reject) => (giveUp = reject))
      givenUp.catch(() => undefined)
      const closing = (things: string) => (excess: Excess) =>
        giveUp(unfinished(overShare(excess, things, RETRY)))
      const place = bodies.hold(user, 1, closing('request bodies that are still arriving'))
      const held: Holding = bytes.hold(user, 0, closing('bytes of request bodies'))
      const stopping = new AbortController()
      try {
        const reading = readBytes(request, maxBytes, { onBytes: held.set, signal: stopping.signal })
        reading.catch(() => undefined)
        const whole = await Promise.race([reading, givenUp])
        held.keep()
        return { bytes: whole, end: held.end }
      } catch (error) {
        held.end()
        throw error
      } finally {
        stopping.abort(ENDED)
        place.end()
      }
    },
  }
}

/** The rest of the body is not waited for. */
const unfinished = ({ code, message, retryAfterSeconds }: AppError): AppError =>
  new AppError(code, message, { retryAfterSeconds, headers: { connection: 'close' } })
