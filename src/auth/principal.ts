import { AppError } from '../kernel/errors.ts'
import { ALL_SCOPES, type Scope } from './scopes.ts'

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

/** @throws {AppError} FORBIDDEN naming the scope that is missing */
export function requireScope(principal: Principal, scope: Scope): void {
  if (principal.scopes.has(scope)) return
  const held = [...principal.scopes].join(', ')
  throw new AppError(
    'FORBIDDEN',
    `Expected a key with the scope \`${scope}\`, got one with ${held || 'no scope'}.`,
  )
}
