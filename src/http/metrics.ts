import { hash, timingSafeEqual } from 'node:crypto'
import { AppError } from '../kernel/errors.ts'
import { type Route, toResponse, wholeText } from './route.ts'

export const METRICS_PATH = '/metrics'

export interface MetricsRouteOptions {
  readonly contentType: string
  readonly text: () => Promise<string>
  /** What a scrape has to bring; nothing if undefined. No key of a user opens this door. */
  readonly token: string | undefined
}

/** What Prometheus reads. It tells of no tenant: only how the service does. */
export const metricsRoute = ({ contentType, text, token }: MetricsRouteOptions): Route => ({
  path: METRICS_PATH,
  methods: {
    GET: {
      needs: 'no key',
      run: async (request) => {
        if (token !== undefined && !isToken(request.headers.get('authorization'), token))
          throw new AppError('UNAUTHENTICATED', 'Unauthorized')
        return toResponse(wholeText(await text(), { 'content-type': contentType }))
      },
    },
  },
})

/** In a time that does not depend on how much of it is right. */
const isToken = (header: string | null, token: string): boolean =>
  timingSafeEqual(hash('sha256', header ?? '', 'buffer'), hash('sha256', `Bearer ${token}`, 'buffer'))
