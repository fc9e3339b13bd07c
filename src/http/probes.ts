import { json } from './route.ts'

export interface Readiness {
  /** Resolves when the database answers and is migrated; rejects or answers false otherwise. */
  isReady(): Promise<boolean>
}

/** `/health`: the process is alive. */
export const health = (): Response => json({ status: 'ok' })

/** `/ready`: the database is reachable and migrated, and the service is not about to stop. */
export async function ready({ isReady }: Readiness): Promise<Response> {
  const isOk = await isReady().catch(() => false)
  return isOk ? json({ status: 'ready' }) : json({ status: 'unavailable' }, 503, { 'retry-after': '2' })
}
