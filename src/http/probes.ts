import { type Route, json } from './route.ts'

export interface Readiness {
  /** Resolves when the database answers and is migrated; rejects or answers false otherwise. */
  isReady(): Promise<boolean>
}

/**
 * `/health`: the process is alive. `/ready`: the database is reachable and migrated, and the service is not about to
 * stop. They need no key.
 */
export const probeRoutes = ({ isReady }: Readiness): Route[] => [
  { path: '/health', methods: { GET: { needs: 'no key', run: () => json({ status: 'ok' }) } } },
  {
    path: '/ready',
    methods: {
      GET: {
        needs: 'no key',
        run: async () => {
          const isOk = await isReady().catch(() => false)
          return isOk
            ? json({ status: 'ready' })
            : json({ status: 'unavailable' }, 503, { 'retry-after': '2' })
        },
      },
    },
  },
]
