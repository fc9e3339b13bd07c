import type { ApiKeyRow } from '../database/port.ts'
import { type Scope, isScope } from './scopes.ts'

/** A key as it may be shown. Instants are milliseconds since the epoch. */
export interface ApiKey {
  readonly id: string
  /** The user whose logs the key reaches; null for a service key. */
  readonly userId: string | null
  readonly name: string | null
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  /** Id of the key that made it; null for the operator. */
  readonly createdBy: string | null
  /** From this instant on it is refused; null for never. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  /** Up to a minute behind the last use; null for a key that was never used. */
  readonly lastUsedAt: number | null
  /** Id of the key that it stands in for. */
  readonly rotatedFrom: string | null
  /** Id of the key that stands in for it. */
  readonly rotatedTo: string | null
}

export const toApiKey = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  userId: row.userId,
  name: row.name,
  scopes: row.scopes.split(' ').filter(isScope),
  createdAt: row.createdAt.getTime(),
  createdBy: row.createdBy,
  expiresAt: row.expiresAt?.getTime() ?? null,
  revokedAt: row.revokedAt?.getTime() ?? null,
  lastUsedAt: row.lastUsedAt?.getTime() ?? null,
  rotatedFrom: row.rotatedFrom,
  rotatedTo: row.rotatedTo,
})

/** Why a key is refused for good. */
export type Invalidity = 'revoked' | 'expired' | 'erased'

/** Why a key is refused at an instant; undefined for one that is good. */
export function invalidityOf(
  key: Pick<ApiKeyRow, 'expiresAt' | 'revokedAt'> | null | undefined,
  nowMs: number,
): Invalidity | undefined {
  if (!key) return 'erased'
  if (key.revokedAt !== null) return 'revoked'
  return hasExpired(key.expiresAt?.getTime() ?? null, nowMs) ? 'expired' : undefined
}

/** Whether a key has come to its end; null is no end. An end that cannot be read (NaN) has come. */
export const hasExpired = (expiresAt: number | null, nowMs: number): boolean =>
  expiresAt !== null && !(expiresAt > nowMs)
