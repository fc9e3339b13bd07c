import { AppError } from '../kernel/errors.ts'
import { ALL_SCOPES, type Needs, type Scope } from './scopes.ts'

/** Who asks: what is known of the key that a request came with. */
export interface Principal {
  /** The public part of the key; null for the process itself, which needs none. */
  readonly keyId: string | null
  readonly name: string | null
  /** The one user whose logs are reached; null for a service key, which reaches all. */
  readonly userId: string | null
  readonly scopes: ReadonlySet<Scope>
  /** Milliseconds since the epoch; null for never. */
  readonly expiresAt: number | null
}

/** The program itself, acting for its operator: command line and library. */
export const OPERATOR: Principal = {
  keyId: null,
  name: 'operator',
  userId: null,
  scopes: new Set(ALL_SCOPES),
  expiresAt: null,
}

/** The operator with the reach of one user's key, or of a service key for null. */
export const actingFor = (userId: string | null): Principal => ({ ...OPERATOR, userId })

/**
 * The user whose share of the service a principal spends: the one whose logs it reaches; each service key counts as a
 * user. Null for the process itself, which has no share.
 */
export function shareholderOf({ userId, keyId }: Pick<Principal, 'userId' | 'keyId'>): string | null {
  if (userId !== null) return `user ${userId}`
  return keyId === null ? null : `key ${keyId}`
}

/** @throws {AppError} FORBIDDEN for the key of a user */
export function requireServiceKey({ userId }: Principal): void {
  if (userId === null) return
  throw new AppError('FORBIDDEN', 'Expected a service key, got the key of a user.')
}

/** @throws {AppError} FORBIDDEN naming the scope that is missing */
export function requireScope(principal: Principal, needs: Needs): void {
  if (needs === 'any key' || principal.scopes.has(needs)) return
  const held = [...principal.scopes].join(', ')
  throw new AppError(
    'FORBIDDEN',
    `Expected a key with the scope \`${needs}\`, got one with ${held || 'no scope'}.`,
  )
}
