import type { ManagedKeys } from '../auth/managed-keys.ts'
import type { Principal } from '../auth/principal.ts'
import type { RateLimit } from '../auth/rate-limit.ts'
import type { ConnectionLogs } from '../connections/connection-logs.ts'

/** What resolvers get: who asks, and what that key reaches. Nothing else, and no database. */
export interface Context {
  readonly principal: Principal
  readonly rateLimit: RateLimit | null
  readonly connectionLogs: ConnectionLogs
  readonly managedKeys: ManagedKeys
}
