import { hash, timingSafeEqual } from 'node:crypto'
import { AppError } from '../kernel/errors.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { type Route, toResponse, wholeText } from './route.ts'

export const METRICS_PATH = '/metrics'

export interface MetricsRouteOptions {
  readonly contentType: string
  readonly text: () => Promise<string>
  readonly clock: Pick<Clock, 'steadyMs'>
  /** What a scrape has to bring; nothing if undefined. No key of a user opens this door. */
  readonly token: string | undefined
}

/** What Prometheus reads. It tells of no tenant: only how the service does. */
export const metricsRoute = ({ contentType, text, token, clock }: MetricsRouteOptions): Route => {
  const keptText = kept(text, clock)
  return {
    path: METRICS_PATH,
    methods: {
      GET: {
        needs: 'no key',
        run: async (request) => {
          if (token !== undefined && !isToken(request.headers.get('authorization'), token))
            throw new AppError('UNAUTHENTICATED', 'Unauthorized')
          return toResponse(wholeText(await keptText(), { 'content-type': contentType }))
        },
      },
    },
  }
}

/** The same text for a second: it takes a millisecond to write, and anybody may ask for it. */
function kept(write: () => Promise<string>, { steadyMs }: Pick<Clock, 'steadyMs'>): () => Promise<string> {
  let text: Promise<string> | undefined
  let writtenAtMs = 0
  return () => {
    if (text === undefined || steadyMs() - writtenAtMs >= SECOND_MS) {
      writtenAtMs = steadyMs()
      text = write()
      // The next one who asks is not to wait for a failure to grow old.
      text.catch(() => (text = undefined))
    }
    return text
  }
}

/** In a time that does not depend on how much of it is right. */
const isToken = (header: string | null, token: string): boolean =>
  timingSafeEqual(hash('sha256', header ?? '', 'buffer'), hash('sha256', `Bearer ${token}`, 'buffer'))
