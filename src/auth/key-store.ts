import type { ApiKeyRow, Database, Transaction } from '../database/port.ts'
import { sql } from '../database/sql.ts'
import { type Clock, DAY_MS } from '../kernel/clock.ts'
import { AppError, badInput } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Running } from '../kernel/lifecycle.ts'
import type { Logger } from '../kernel/logger.ts'
import { idSchema, parseInput, textSchema } from '../kernel/text.ts'
import { hasControls } from '../kernel/visible.ts'
import { BEARER, apiKeyId, isHashOf, keyIdIn, makeApiKey, showKeyId } from './api-key.ts'
import { createAuditWriter } from './audit-log.ts'
import { type KeyWatch, createKeyWatch } from './key-watch.ts'
import { createKnownKeys } from './known-keys.ts'
import { createLastUses } from './last-use.ts'
import { OPERATOR, type Principal, shareholderOf } from './principal.ts'
import { ALL_SCOPES, type Scope, isScope } from './scopes.ts'
import { type ApiKey, hasExpired, invalidityOf, toApiKey } from './stored-key.ts'

export interface CreateKeyOptions {
  /** The user whose logs the key reaches; null for a service key. */
  readonly userId: string | null
  readonly scopes: readonly string[]
  readonly name?: string | null | undefined
  /** Lifetime from now, in milliseconds. */
  readonly lifetimeMs?: number | undefined
  /** Or its end, in milliseconds since the epoch. It is good for ever if neither is given. */
  readonly expiresAt?: number | undefined
}

/** A key at the one moment at which it can be shown. */
export interface NewKey {
  readonly key: string
  readonly apiKey: ApiKey
}

export interface RotatedKey extends NewKey {
  /** The key that was replaced, with its end. */
  readonly replaced: ApiKey
}

/**
 * All keys, whoever asks: what a key may do to others is held by {@link createManagedKeys}. Every change is written to
 * the audit log in its own transaction, as done by `by`, who is the operator unless said otherwise.
 */
export interface KeyStore extends Pick<KeyWatch, 'untilInvalid'> {
  /**
   * @returns the key, to be shown once and never again
   * @throws {AppError} CONFLICT for a user who has {@link MAX_KEYS_OF_USER} valid keys
   */
  create(options: CreateKeyOptions, by?: Principal): Promise<NewKey>
  /**
   * Makes a key in the place of another one: of the same user, scopes and name, and with the same lifetime, counted from
   * now, as far as `by` is good itself: who rotates a key is given the new one. The old one is good for `overlapMs` more, and never for longer than it was.
   * @throws {AppError} NOT_FOUND; CONFLICT for a key that is revoked, expired or rotated already, and for a user with
   *   {@link MAX_KEYS_OF_USER} replaced keys that are still valid
   */
  rotate(id: string, overlapMs: number, by?: Principal): Promise<RotatedKey>
  /**
   * Ends a key for good; one that is revoked already stays as it is.
   * @throws {AppError} NOT_FOUND
   */
  revoke(id: string, by?: Principal): Promise<ApiKey>
  get(id: string): Promise<ApiKey | null>
  /** All of them, oldest first. */
  list(): Promise<ApiKey[]>
  /** Who holds this key; undefined for one that is malformed, unknown, revoked or expired. Notes that it was used. */
  find(key: string): Promise<Principal | undefined>
  /** Whether this process has lately found this key to be good. Asks nobody; what it says may be some time old. */
  isKnown(key: string): boolean
  /**
   * The share that a request spends if its key is valid; undefined for keys that were not read lately. It reads no
   * database and does not check the key.
   * @param authorization the value of the header
   */
  peekShareholder(authorization: string | undefined): string | undefined
  /** How many keys a user has, valid or not. */
  countOf(userId: string): Promise<number>
  /**
   * Deletes the keys of a user, which are then as unknown as if they had never been, and what the audit log has of them.
   * That a user was erased stays there, and not which.
   * @returns how many keys there were
   */
  eraseOf(userId: string, by?: Principal): Promise<number>
  /** How many keys are neither revoked nor expired. */
  countValid(): Promise<number>
  isEmpty(): Promise<boolean>
  /** Begins to write down when keys were used. */
  start(): void
  /** Ends that, and all watching. */
  stop(): Promise<void>
}

/** How long an old key stays good beside the new one, unless said otherwise, and at most. */
export const DEFAULT_OVERLAP_MS = DAY_MS
export const MAX_OVERLAP_MS = 30 * DAY_MS

/**
 * How many valid keys a user may have, those that were replaced and are valid for some time not counted: so a key can be
 * rotated by a user who has as many. Of those, a user may have as many again.
 */
export const MAX_KEYS_OF_USER = 50

const NAME_EXPECTED = 'text of 1 to 100 characters, without control characters'
const nameSchema = textSchema(100, 1).refine((text) => !hasControls(text), { error: NAME_EXPECTED })

/** A name of a key: it is printed in tables on terminals. */
export const parseKeyName = (name: string | null | undefined, at: string): string | null =>
  (name ?? null) === null ? null : parseInput(nameSchema, name, at)

const noSuchKey = (id: string) => new AppError('NOT_FOUND', `There is no key ${showKeyId(id)}.`)

type KeyDatabase = Pick<Database, 'apiKeys' | 'transaction' | 'eraser' | 'query' | 'execute' | 'dialect'>

export function createKeyStore(
  { apiKeys: rows, ...database }: KeyDatabase,
  { clock, logger }: { clock: Clock; logger: Logger },
): KeyStore {
  const known = createKnownKeys(rows, clock)
  const watch = createKeyWatch(database, { clock, logger })
  const uses = createLastUses(database, { clock, logger })
  const writeDown = createAuditWriter()
  let usesWritten: Running | undefined

  function changed(ids: readonly string[]): void {
    for (const id of ids) known.forget(id)
    watch.look()
  }

  async function rowOf(id: string): Promise<ApiKeyRow> {
    const row = await rows.findUnique({ where: { id } })
    if (!row) throw noSuchKey(id)
    return row
  }

  /** @throws {AppError} CONFLICT if the user of a key that was just made has too many now */
  async function requireFewKeys(tx: Transaction, userId: string, isRotated: boolean): Promise<void> {
    const count = await tx.apiKeys.count({
      where: { userId, ...validAt(clock.now()), rotatedTo: isRotated ? { not: null } : null },
    })
    if (count <= MAX_KEYS_OF_USER) return
    const [things, advice] = isRotated
      ? ['replaced keys of a user that are still valid', 'Rotate with an overlap of 0, or revoke one first.']
      : ['valid keys of a user', 'Revoke one first.']
    throw new AppError('CONFLICT', `Expected at most ${MAX_KEYS_OF_USER} ${things}, got ${count}. ${advice}`)
  }

  /** Makes a key and says so in the audit log. */
  async function add(
    tx: Transaction,
    key: Pick<ApiKeyRow, 'id' | 'hash' | 'userId' | 'name' | 'scopes' | 'createdAt' | 'expiresAt'>,
    { by, rotatedFrom }: { by: Principal; rotatedFrom: string | null },
  ): Promise<ApiKey> {
    if (key.userId !== null)
      for (const lock of database.dialect.lockKeysOf(key.userId)) await tx.execute(lock)
    const rest = { createdBy: by.keyId, revokedAt: null, lastUsedAt: null, rotatedFrom, rotatedTo: null }
    const apiKey = toApiKey(await tx.apiKeys.create({ data: { ...key, ...rest } }))
    const { id, userId, name, scopes, expiresAt, createdAt } = apiKey
    if (userId !== null) await requireFewKeys(tx, userId, rotatedFrom !== null)
    await writeDown(tx, {
      by,
      atMs: createdAt,
      action: 'key_created',
      userId,
      keyId: id,
      details: {
        name,
        scopes: [...scopes],
        expiresAt: textOf(expiresAt),
        ...(rotatedFrom === null ? {} : { rotatedFrom }),
      },
    })
    return apiKey
  }

  return {
    create: async ({ userId, scopes, name, lifetimeMs = Infinity, expiresAt }, by = OPERATOR) => {
      const { key, id, hash } = makeApiKey()
      const createdAt = new Date(clock.now())
      const endMs = expiresAt ?? createdAt.getTime() + lifetimeMs
      const made = {
        id,
        hash,
        userId: userId === null ? null : parseInput(idSchema, userId, 'user'),
        name: parseKeyName(name, 'name'),
        scopes: parseScopes(scopes).join(' '),
        createdAt,
        expiresAt: endMs === Infinity ? null : new Date(endMs),
      }
      return { key, apiKey: await database.transaction((tx) => add(tx, made, { by, rotatedFrom: null })) }
    },

    rotate: async (given, overlapMs, by = OPERATOR) => {
      const id = keyIdIn(given)
      const old = await rowOf(id)
      const now = new Date(clock.now())
      requireRotatable(old, now.getTime())
      const { key, id: newId, hash } = makeApiKey()
      const { userId, name, scopes, createdAt, expiresAt } = old
      const lifetimeMs = expiresAt ? expiresAt.getTime() - createdAt.getTime() : Infinity
      const newEndMs = Math.min(now.getTime() + lifetimeMs, by.expiresAt ?? Infinity)
      const endMs = Math.min(expiresAt?.getTime() ?? Infinity, now.getTime() + overlapMs)
      const made = {
        id: newId,
        hash,
        userId,
        name,
        scopes,
        createdAt: now,
        expiresAt: newEndMs === Infinity ? null : new Date(newEndMs),
      }
      const apiKey = await database.transaction(async (tx) => {
        // Whoever rotates or revokes the same key at the same time waits here, and then finds nothing to change.
        const { count } = await tx.apiKeys.updateMany({
          where: { id, revokedAt: null, rotatedTo: null },
          data: { rotatedTo: newId, expiresAt: new Date(endMs) },
        })
        if (count === 0)
          throw new AppError('CONFLICT', `The key ${showKeyId(id)} was rotated or revoked just now.`)
        const added = await add(tx, made, { by, rotatedFrom: id })
        const details = { rotatedTo: newId, expiresAt: textOf(endMs) }
        await writeDown(tx, { by, atMs: now.getTime(), action: 'key_rotated', userId, keyId: id, details })
        return added
      })
      changed([id, newId])
      return { key, apiKey, replaced: { ...toApiKey(old), rotatedTo: newId, expiresAt: endMs } }
    },

    revoke: async (given, by = OPERATOR) => {
      const id = keyIdIn(given)
      const { userId } = await rowOf(id)
      const atMs = clock.now()
      await database.transaction(async (tx) => {
        const where = { id, revokedAt: null }
        const { count } = await tx.apiKeys.updateMany({ where, data: { revokedAt: new Date(atMs) } })
        if (count > 0)
          await writeDown(tx, { by, atMs, action: 'key_revoked', userId, keyId: id, details: {} })
      })
      changed([id])
      return toApiKey(await rowOf(id))
    },

    get: async (given) => {
      const row = await rows.findUnique({ where: { id: keyIdIn(given) } })
      return row && toApiKey(row)
    },

    list: async () => (await rows.findMany({ orderBy: { createdAt: 'asc' } })).map(toApiKey),

    find: async (key) => {
      const id = apiKeyId(key)
      const row = id === undefined ? null : await known.get(id)
      if (!row || !isHashOf(row.hash, key) || invalidityOf(row, clock.now())) return undefined
      uses.note(row.id)
      const { name, userId, scopes, expiresAt } = toApiKey(row)
      return { keyId: row.id, name, userId, scopes: new Set(scopes), expiresAt }
    },

    isKnown: (key) => {
      const row = known.peek(apiKeyId(key) ?? '')
      return row !== undefined && row.revokedAt === null && isHashOf(row.hash, key)
    },

    peekShareholder: (authorization = '') => {
      const id = apiKeyId(BEARER.exec(authorization)?.[1] ?? '')
      const row = id === undefined ? undefined : known.peek(id)
      return row && (shareholderOf({ userId: row.userId, keyId: row.id }) ?? undefined)
    },

    untilInvalid: watch.untilInvalid,

    countOf: (userId) => rows.count({ where: { userId } }),

    eraseOf: async (userId, by = OPERATOR) => {
      const ids = (await rows.findMany({ where: { userId } })).map(({ id }) => id)
      const erased = await database.eraser.transaction(async (tx) => {
        const { count } = await tx.apiKeys.deleteMany({ where: { userId } })
        // Keys first: the database refuses to let an entry go while its key is there.
        await tx.execute(sql`
          DELETE FROM audit_log WHERE user_id = ${userId}
            AND NOT EXISTS (SELECT 1 FROM api_keys AS k WHERE k.id = audit_log.key_id)`)
        const details = { apiKeys: count }
        await writeDown(tx, {
          by,
          atMs: clock.now(),
          action: 'user_erased',
          userId: null,
          keyId: null,
          details,
        })
        return count
      })
      changed(ids)
      return erased
    },

    countValid: () => rows.count({ where: validAt(clock.now()) }),

    isEmpty: async () => (await rows.count()) === 0,

    start: () => {
      usesWritten ??= uses.start()
    },

    stop: async () => {
      const writing = usesWritten
      usesWritten = undefined
      await watch.stop()
      await writing?.stop()
    },
  }
}

const validAt = (nowMs: number) => ({
  revokedAt: null,
  OR: [{ expiresAt: null }, { expiresAt: { gt: new Date(nowMs) } }],
})

function requireRotatable(row: ApiKeyRow, nowMs: number): void {
  const { id, revokedAt, expiresAt, rotatedTo } = toApiKey(row)
  const refuse = (why: string) =>
    new AppError('CONFLICT', `Expected the key ${showKeyId(id)} to be good, ${why}.`)
  if (revokedAt !== null) throw refuse(`but it was revoked at ${formatInstant(revokedAt)}`)
  if (rotatedTo !== null) throw refuse(`but it was rotated already, to ${showKeyId(rotatedTo)}`)
  if (hasExpired(expiresAt, nowMs)) throw refuse(`but it expired at ${textOf(expiresAt)}`)
}

function parseScopes(texts: readonly string[]): Scope[] {
  const unknown = texts.find((text) => !isScope(text))
  if (unknown !== undefined || texts.length === 0) {
    throw badInput('scopes', `one or more of ${ALL_SCOPES.join(', ')}`, unknown ?? 'none')
  }
  return ALL_SCOPES.filter((scope) => texts.includes(scope))
}

/** An instant for people and for the audit log. */
function textOf(ms: number | null): string | null {
  if (ms === null) return null
  return Number.isNaN(ms) ? 'an unreadable time' : formatInstant(ms)
}
