import type { ManagedKeys } from '../auth/managed-keys.ts'
import type { Principal } from '../auth/principal.ts'
import type { RateLimit } from '../auth/rate-limit.ts'
import type { ConnectionLogs } from '../connections/connection-logs.ts'
import type { ConnectionLogStream } from '../connections/follow.ts'

/** What resolvers get: who asks, and what that key reaches. Nothing else, and no database. */
export interface Context {
  readonly principal: Principal
  /** What is left when it is asked for, be more taken meanwhile; null where there is no limit. */
  readonly rateLimit: () => RateLimit | null
  readonly connectionLogs: ConnectionLogs
  /** What a client that comes back to a stream has seen last (`Last-Event-ID`); null for any other. */
  readonly lastEventId: string | null
  /** Where a subscription leaves what it reads from, for the ids of its events. */
  readonly subscription: { stream?: ConnectionLogStream }
  readonly managedKeys: ManagedKeys
}
