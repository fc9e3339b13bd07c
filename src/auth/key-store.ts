import { LRUCache } from 'lru-cache'
import type { ApiKeyRow, ApiKeys } from '../database/port.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { AppError, badInput } from '../kernel/errors.ts'
import { idSchema, parseInput, textSchema } from '../kernel/text.ts'
import { apiKeyId, isHashOf, makeApiKey } from './api-key.ts'
import type { Principal } from './principal.ts'
import { ALL_SCOPES, type Scope, isScope } from './scopes.ts'

/** A key as it may be shown. Instants are milliseconds since the epoch. */
export interface ApiKey {
  readonly id: string
  readonly userId: string | null
  readonly name: string | null
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

export interface CreateKeyOptions {
  /** The user whose logs the key reaches; null for a service key. */
  readonly userId: string | null
  readonly scopes: readonly string[]
  readonly name?: string | undefined
  /** Lifetime from now, in milliseconds; for ever if absent. */
  readonly lifetimeMs?: number | undefined
}

export interface KeyStore {
  /** @returns the key, to be shown once and never again */
  create(options: CreateKeyOptions): Promise<{ key: string; apiKey: ApiKey }>
  list(): Promise<ApiKey[]>
  /** @throws {AppError} NOT_FOUND for an unknown or already revoked id */
  revoke(id: string): Promise<void>
  /** Who holds this key; undefined for one that is malformed, unknown, revoked or expired. */
  find(key: string): Promise<Principal | undefined>
  /** Whether this process has lately found this key to be good. Asks nobody; what it says may be some time old. */
  isKnown(key: string): boolean
  /** How many keys a user has, valid or not. */
  countOf(userId: string): Promise<number>
  /** Deletes the keys of a user, which are then as unknown as if they had never been. @returns how many there were */
  eraseOf(userId: string): Promise<number>
  isEmpty(): Promise<boolean>
}

/** How long a key found in the database is trusted: revocation reaches every process within this time. */
const CACHE_MS = 3 * SECOND_MS
const CACHED_KEYS = 10_000

export function createKeyStore(rows: ApiKeys, clock: Clock): KeyStore {
  const cache = new LRUCache<string, { row: ApiKeyRow; readAt: number }>({ max: CACHED_KEYS })

  async function rowOf(id: string): Promise<ApiKeyRow | null> {
    const cached = cache.get(id)
    const age = cached ? clock.now() - cached.readAt : Number.NaN
    if (cached && age >= 0 && age < CACHE_MS) return cached.row
    const readAt = clock.now()
    const row = await rows.findUnique({ where: { id } })
    if (row) cache.set(id, { row, readAt })
    else cache.delete(id)
    return row
  }

  return {
    create: async ({ userId, scopes, name, lifetimeMs }) => {
      const { key, id, hash } = makeApiKey()
      const createdAt = new Date(clock.now())
      const row = await rows.create({
        data: {
          id,
          hash,
          userId: userId === null ? null : parseInput(idSchema, userId, 'user'),
          name: name === undefined ? null : parseInput(textSchema(100, 1), name, 'name'),
          scopes: parseScopes(scopes).join(' '),
          createdAt,
          expiresAt: lifetimeMs === undefined ? null : new Date(createdAt.getTime() + lifetimeMs),
          revokedAt: null,
          lastUsedAt: null,
        },
      })
      return { key, apiKey: shown(row) }
    },

    list: async () => (await rows.findMany({ orderBy: { createdAt: 'asc' } })).map(shown),

    revoke: async (id) => {
      const { count } = await rows.updateMany({
        where: { id, revokedAt: null },
        data: { revokedAt: new Date(clock.now()) },
      })
      cache.delete(id)
      if (count === 0)
        throw new AppError('NOT_FOUND', `There is no key ${JSON.stringify(id)} that could be revoked.`)
    },

    find: async (key) => {
      const id = apiKeyId(key)
      const row = id === undefined ? null : await rowOf(id)
      if (!row || !isHashOf(row.hash, key)) return undefined
      const { name, userId, scopes, expiresAt, revokedAt } = shown(row)
      if (revokedAt !== null || (expiresAt !== null && expiresAt <= clock.now())) return undefined
      return { keyId: row.id, name, userId, scopes: new Set(scopes), expiresAt }
    },

    isKnown: (key) => {
      const row = cache.get(apiKeyId(key) ?? '')?.row
      return row !== undefined && row.revokedAt === null && isHashOf(row.hash, key)
    },

    countOf: (userId) => rows.count({ where: { userId } }),

    eraseOf: async (userId) => {
      const { count } = await rows.deleteMany({ where: { userId } })
      for (const [id, { row }] of cache.entries()) if (row.userId === userId) cache.delete(id)
      return count
    },

    isEmpty: async () => (await rows.count()) === 0,
  }
}

function parseScopes(texts: readonly string[]): Scope[] {
  const unknown = texts.find((text) => !isScope(text))
  if (unknown !== undefined || texts.length === 0) {
    throw badInput('scopes', `one or more of ${ALL_SCOPES.join(', ')}`, unknown ?? 'none')
  }
  return ALL_SCOPES.filter((scope) => texts.includes(scope))
}

const shown = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  userId: row.userId,
  name: row.name,
  scopes: row.scopes.split(' ').filter(isScope),
  createdAt: row.createdAt.getTime(),
  expiresAt: row.expiresAt?.getTime() ?? null,
  revokedAt: row.revokedAt?.getTime() ?? null,
})
