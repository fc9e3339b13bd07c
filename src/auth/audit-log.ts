import type { AuditEntries, AuditEntryRow } from '../database/port.ts'
import { createIdMint } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Principal } from './principal.ts'

/** What is written down. It was done by the time that it can be read, and what was done is written: one transaction. */
export const AUDIT_ACTIONS = {
  key_created: 'A key was made.',
  key_rotated: 'A key was replaced by another one, and given an end.',
  key_revoked: 'A key was revoked.',
  user_erased: 'A user was erased, and with the user its keys and what was written here of them.',
} as const

export type AuditAction = keyof typeof AUDIT_ACTIONS
export const ALL_AUDIT_ACTIONS = Object.keys(AUDIT_ACTIONS) as AuditAction[]

export interface AuditEntry {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly action: AuditAction
  /** The operator, who needs no key, or whoever held a key. */
  readonly actor: 'operator' | 'key'
  /** Id of that key; null for the operator, and for a key that went with its user. */
  readonly actorKeyId: string | null
  /** User of the key it was done with; null for a service key. */
  readonly userId: string | null
  /** Id of the key it was done with. */
  readonly keyId: string | null
  readonly details: JsonObject
}

/** What was done, to be written by {@link AuditWriter}. */
export interface Deed extends Pick<AuditEntry, 'action' | 'userId' | 'keyId' | 'details'> {
  readonly by: Principal
  readonly atMs: number
}

/** Writes one entry, in the transaction of the deed itself. */
export type AuditWriter = (
  tx: { readonly auditEntries: Pick<AuditEntries, 'create'> },
  deed: Deed,
) => Promise<void>

export function createAuditWriter(): AuditWriter {
  const mintId = createIdMint()
  return async ({ auditEntries }, { by, atMs, action, userId, keyId, details }) => {
    const data: AuditEntryRow = {
      id: mintId(atMs),
      at: new Date(atMs),
      action,
      actor: by.keyId === null ? 'operator' : 'key',
      // Whoever erases itself leaves no id behind.
      actorKeyId: action === 'user_erased' && by.userId !== null ? null : by.keyId,
      userId,
      keyId,
      details: JSON.stringify(details),
    }
    await auditEntries.create({ data })
  }
}

export const toAuditEntry = (row: AuditEntryRow): AuditEntry => ({
  id: row.id,
  at: row.at.getTime(),
  action: row.action as AuditAction,
  actor: row.actor as AuditEntry['actor'],
  actorKeyId: row.actorKeyId,
  userId: row.userId,
  keyId: row.keyId,
  details: JSON.parse(row.details) as JsonObject,
})
