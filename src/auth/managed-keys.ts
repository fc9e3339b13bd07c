import { keyIdIn, showKeyId } from './api-key.ts'
import type { ApiKeyWhere, Models } from '../database/port.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { AppError, badInput, expectation } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import {
  type OffsetInput,
  type OffsetPagination,
  paginationOf,
  parseOffset,
  within,
} from '../kernel/offset-page.ts'
import { idSchema, parseInput } from '../kernel/text.ts'
import { type AuditAction, type AuditEntry, toAuditEntry } from './audit-log.ts'
import {
  DEFAULT_OVERLAP_MS,
  type KeyStore,
  parseKeyName,
  MAX_OVERLAP_MS,
  type NewKey,
  type RotatedKey,
} from './key-store.ts'
import { type Principal, requireScope } from './principal.ts'
import { ALL_SCOPES, DEFAULT_SCOPES, type Scope } from './scopes.ts'
import { type ApiKey, toApiKey } from './stored-key.ts'

type Maybe<T> = T | null | undefined

export interface CreateKeyInput {
  readonly userId?: Maybe<string>
  readonly service?: Maybe<boolean>
  readonly scopes?: Maybe<readonly Scope[]>
  readonly name?: Maybe<string>
  /** Milliseconds since the epoch. */
  readonly expiresAt?: Maybe<number>
}

export interface KeyFilter {
  readonly userId?: Maybe<readonly string[]>
  readonly active?: Maybe<boolean>
}

export interface AuditFilter {
  readonly userId?: Maybe<readonly string[]>
  readonly keyId?: Maybe<readonly string[]>
  readonly actorKeyId?: Maybe<readonly string[]>
  readonly action?: Maybe<readonly AuditAction[]>
}

export interface ApiKeyPage {
  readonly apiKeys: readonly ApiKey[]
  readonly pagination: OffsetPagination
}

export interface AuditLogPage {
  readonly entries: readonly AuditEntry[]
  readonly pagination: OffsetPagination
}

/**
 * Keys as one key reaches them. The key of a user reaches the keys of that user
 * alone: all others are to it as if they were not there. And no key makes a stronger one: of another user, with a scope
 * that it lacks, or one that outlives it.
 */
export interface ManagedKeys {
  /** Newest first. */
  page(filter: KeyFilter, paging: OffsetInput): Promise<ApiKeyPage>
  create(input: CreateKeyInput): Promise<NewKey>
  rotate(id: string, overlapSeconds: Maybe<number>): Promise<RotatedKey>
  revoke(id: string): Promise<ApiKey>
  /** What was done with keys, the latest first. */
  auditLog(filter: AuditFilter, paging: OffsetInput): Promise<AuditLogPage>
}

export interface ManagedKeysOptions {
  readonly keys: Pick<KeyStore, 'create' | 'rotate' | 'revoke' | 'get'>
  readonly models: Models
  readonly clock: Clock
}

/** @returns a function from who asks to what they may do with keys */
export function createManagedKeys({
  keys,
  models: { apiKeys, auditEntries },
  clock,
}: ManagedKeysOptions): (principal: Principal) => ManagedKeys {
  return (principal) => {
    const ownUser = principal.userId

    /** Of whose keys: the filter's, or the key's own user's. */
    function whose(userIds: Maybe<readonly string[]>) {
      if (ownUser === null) return userIds ? { userId: { in: ids(userIds, 'filter.userId') } } : {}
      if (userIds)
        throw new AppError(
          'FORBIDDEN',
          'Expected `filter.userId` to come with a service key, got the key of a user.',
        )
      return { userId: ownUser }
    }

    /** A key within reach. To whoever does not reach it, it is not there. */
    async function reached(id: string): Promise<ApiKey> {
      const key = await keys.get(parseInput(idSchema, id, 'id'))
      if (key && (ownUser === null || key.userId === ownUser)) return key
      throw new AppError('NOT_FOUND', `There is no key ${showKeyId(id)}.`)
    }

    function requireOwn(scopes: readonly Scope[]): void {
      const lacking = scopes.find((scope) => !principal.scopes.has(scope))
      if (lacking !== undefined) requireScope(principal, lacking)
    }

    function userOf({ userId, service }: CreateKeyInput): string | null {
      if (ownUser === null) {
        const hasUser = (userId ?? null) !== null
        if (hasUser === (service ?? false))
          throw new AppError(
            'BAD_USER_INPUT',
            `Expected either \`input.userId\` or \`input.service\`, got ${hasUser ? 'both' : 'neither'}.`,
          )
        return hasUser ? parseInput(idSchema, userId, 'input.userId') : null
      }
      if (service || ((userId ?? null) !== null && userId !== ownUser))
        throw new AppError(
          'FORBIDDEN',
          `Expected the new key to be of the asking key's own user, got ${service ? 'a service key' : 'another user'}.`,
        )
      return ownUser
    }

    /** @returns undefined for never */
    function endOf(expiresAt: Maybe<number>): number | undefined {
      const wanted = expiresAt ?? undefined
      if (wanted !== undefined && !(wanted > clock.now()))
        throw badInput('input.expiresAt', 'an instant to come', new Date(wanted))
      const latest = principal.expiresAt
      if (latest !== null && !(wanted !== undefined && wanted <= latest)) {
        const expected = `at most ${formatInstant(latest)}, when the asking key expires`
        const got = wanted === undefined ? undefined : new Date(wanted)
        throw new AppError('FORBIDDEN', expectation('input.expiresAt', expected, got))
      }
      return wanted
    }

    return {
      page: async (filter, paging) => {
        const offset = parseOffset(paging)
        const where = { ...whose(filter.userId), ...stateIs(filter.active, new Date(clock.now())) }
        const [total, rows] = await Promise.all([
          apiKeys.count({ where }),
          apiKeys.findMany({ where, orderBy: [{ createdAt: 'desc' }, { id: 'desc' }], ...slice(offset) }),
        ])
        return { apiKeys: rows.map(toApiKey), pagination: paginationOf(total, offset) }
      },

      create: async (input) => {
        const userId = userOf(input)
        const scopes = input.scopes ?? DEFAULT_SCOPES
        if (scopes.length === 0)
          throw badInput('input.scopes', `one or more of ${ALL_SCOPES.join(', ')}`, scopes)
        requireOwn(scopes)
        const name = parseKeyName(input.name, 'input.name')
        const expiresAt = endOf(input.expiresAt)
        return keys.create({ userId, scopes, name, expiresAt }, principal)
      },

      rotate: async (id, overlapSeconds) => {
        const overlap = overlapSeconds ?? DEFAULT_OVERLAP_MS / SECOND_MS
        const overlapMs = within('overlapSeconds', overlap, 0, MAX_OVERLAP_MS / SECOND_MS) * SECOND_MS
        const { scopes } = await reached(id)
        // The new key is shown to whoever asks.
        requireOwn(scopes)
        return keys.rotate(id, overlapMs, principal)
      },

      revoke: async (id) => {
        await reached(id)
        return keys.revoke(id, principal)
      },

      auditLog: async ({ userId, keyId, actorKeyId, action }, paging) => {
        const offset = parseOffset(paging)
        const where = {
          ...whose(userId),
          ...(keyId ? { keyId: { in: ids(keyId, 'filter.keyId').map(keyIdIn) } } : {}),
          ...(actorKeyId ? { actorKeyId: { in: ids(actorKeyId, 'filter.actorKeyId').map(keyIdIn) } } : {}),
          ...(action ? { action: { in: [...action] } } : {}),
        }
        const [total, rows] = await Promise.all([
          auditEntries.count({ where }),
          auditEntries.findMany({ where, orderBy: { id: 'desc' }, ...slice(offset) }),
        ])
        return { entries: rows.map(toAuditEntry), pagination: paginationOf(total, offset) }
      },
    }
  }
}

const MAX_IDS = 100

function ids(given: readonly string[], field: string): string[] {
  if (given.length > MAX_IDS) throw badInput(field, `a list of at most ${MAX_IDS} ids`, given.length)
  return given.map((id, index) => parseInput(idSchema, id, `${field}[${index}]`))
}

function stateIs(active: Maybe<boolean>, now: Date): ApiKeyWhere {
  if (active === null || active === undefined) return {}
  return active
    ? { revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] }
    : { OR: [{ revokedAt: { not: null } }, { expiresAt: { lte: now } }] }
}

const slice = ({ limit, skip }: { limit: number; skip: number }) => ({ take: limit, skip })
