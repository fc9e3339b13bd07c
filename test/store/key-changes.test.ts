import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KeyStore } from '../../src/auth/key-store.ts'
import { OPERATOR } from '../../src/auth/principal.ts'
import { raw, sql } from '../../src/database/sql.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import type { TestApp } from '../support/app.ts'
import { everythingIn } from '../support/canary.ts'
import type { TestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { type TwoKeyStores, startTwoKeyStores } from '../support/two-key-stores.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const codeOf = (error: unknown) => (error instanceof AppError ? error.code : String(error))

describe.each(PROVIDERS)('what is done with keys on %s', (provider) => {
  let world: TwoKeyStores
  let app: TestApp
  let keys: KeyStore
  let elsewhere: KeyStore
  let clock: TestClock
  beforeAll(async () => {
    world = await startTwoKeyStores(provider, NOW)
    ;({ app, keys, elsewhere, clock } = world)
  })
  afterAll(() => world.stop())

  const make: TwoKeyStores['make'] = (options) => world.make(options)
  const isGood: TwoKeyStores['isGood'] = (key) => world.isGood(key)
  const actionsOn = async (id: string) =>
    (await app.managedKeysOf(OPERATOR).auditLog({ keyId: [id] }, {})).entries.map(({ action }) => action)
  const countOf = async (table: string) =>
    Number(
      (await app.database.query<{ found: unknown }>(sql`SELECT count(*) AS found FROM ${raw(table)}`))[0]
        ?.found,
    )

  describe('rotation', () => {
    it('keeps the old key for the overlap to the millisecond, and gives the new one the same lifetime', async () => {
      const old = await make({ name: 'n', lifetimeMs: 30 * DAY_MS })
      clock.advance(DAY_MS)
      const begun = clock.now()
      const { key, apiKey, replaced } = await keys.rotate(old.apiKey.id, HOUR_MS)
      expect(apiKey).toEqual({
        id: key.split('_')[1],
        userId: 'u1',
        name: 'n',
        scopes: ['logs:read'],
        createdBy: null,
        createdAt: begun,
        expiresAt: begun + 30 * DAY_MS,
        revokedAt: null,
        lastUsedAt: null,
        rotatedFrom: old.apiKey.id,
        rotatedTo: null,
      })
      expect(replaced).toEqual({ ...old.apiKey, expiresAt: begun + HOUR_MS, rotatedTo: apiKey.id })
      expect(await keys.get(old.apiKey.id)).toEqual(replaced)
      for (const [at, good] of [
        [begun, true],
        [begun + HOUR_MS - 1, true],
        [begun + HOUR_MS, false],
        [begun + HOUR_MS + 1, false],
      ] as const) {
        clock.set(at)
        expect([await isGood(old.key), await isGood(key)]).toEqual([good, true])
      }
      clock.set(begun + 30 * DAY_MS - 1)
      expect(await isGood(key)).toBe(true)
      clock.set(begun + 30 * DAY_MS)
      expect(await isGood(key)).toBe(false)
      expect(await actionsOn(old.apiKey.id)).toEqual(['key_rotated', 'key_created'])
      expect(await actionsOn(apiKey.id)).toEqual(['key_created'])
    })

    it('ends the old key at once without an overlap, and never keeps it for longer than it was', async () => {
      const atOnce = await make()
      expect(await isGood(atOnce.key)).toBe(true)
      const { apiKey } = await keys.rotate(atOnce.apiKey.id, 0)
      expect([await isGood(atOnce.key), apiKey.expiresAt]).toEqual([false, null])
      const short = await make({ lifetimeMs: MINUTE_MS })
      const { replaced } = await keys.rotate(short.apiKey.id, HOUR_MS)
      expect(replaced.expiresAt).toBe(short.apiKey.expiresAt)
    })

    it('refuses what is revoked, expired, rotated already or not there', async () => {
      const [revoked, expired, rotated] = [await make(), await make({ lifetimeMs: 1_000 }), await make()]
      await keys.revoke(revoked.apiKey.id)
      const { apiKey } = await keys.rotate(rotated.apiKey.id, 5_000)
      const at = new Date(clock.now()).toISOString()
      clock.advance(1_000)
      const sentences = []
      for (const id of [revoked.apiKey.id, expired.apiKey.id, rotated.apiKey.id, 'nobody'])
        sentences.push(await keys.rotate(id, 0).catch((error: AppError) => `${error.code}: ${error.message}`))
      expect(sentences).toEqual([
        `CONFLICT: Expected the key "${revoked.apiKey.id}" to be good, but it was revoked at ${at}.`,
        `CONFLICT: Expected the key "${expired.apiKey.id}" to be good, but it expired at ${new Date(clock.now()).toISOString()}.`,
        `CONFLICT: Expected the key "${rotated.apiKey.id}" to be good, but it was rotated already, to "${apiKey.id}".`,
        'NOT_FOUND: There is no key "nobody".',
      ])
    })

    it('gives one successor however many rotate at once', async () => {
      const { apiKey } = await make()
      const before = await countOf('api_keys')
      const outcomes = await Promise.all(
        [keys, elsewhere, keys, elsewhere].map(async (store) =>
          store.rotate(apiKey.id, 0).then(() => 'done', codeOf),
        ),
      )
      expect(outcomes.sort()).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT', 'done'])
      expect(await countOf('api_keys')).toBe(before + 1)
    })
  })

  describe('the audit log', () => {
    it('has what was done and whom by, and a second revocation changes nothing', async () => {
      const { apiKey } = await make({ name: 'phone', lifetimeMs: DAY_MS })
      const by = { ...OPERATOR, keyId: 'abcdefghij' }
      const revoked = await keys.revoke(apiKey.id, by)
      clock.advance(1_000)
      expect(await keys.revoke(apiKey.id)).toEqual(revoked)
      const { entries, pagination } = await app.managedKeysOf(OPERATOR).auditLog({ keyId: [apiKey.id] }, {})
      const common = { id: expect.stringMatching(/^[0-9a-f-]{36}$/), userId: 'u1', keyId: apiKey.id }
      const at = clock.now() - 1_000
      const created = { name: 'phone', scopes: ['logs:read'], expiresAt: new Date(at + DAY_MS).toISOString() }
      expect(entries).toEqual([
        { ...common, at, action: 'key_revoked', actor: 'key', actorKeyId: 'abcdefghij', details: {} },
        { ...common, at, action: 'key_created', actor: 'operator', actorKeyId: null, details: created },
      ])
      expect(pagination).toEqual({ total: 2, limit: 50, skip: 0, pages: 1, hasMore: false })
    })

    it('lets nobody change an entry, nor take one whose key is there', async () => {
      await make()
      const before = await everything('audit_log')
      const refused = []
      for (const statement of [
        sql`UPDATE audit_log SET action = 'nothing'`,
        sql`DELETE FROM audit_log`,
        sql`DELETE FROM audit_log WHERE user_id = 'u1'`,
        ...(provider === 'sqlite'
          ? [
              sql`INSERT OR REPLACE INTO audit_log SELECT id, at, 'nothing', actor, actor_key_id, user_id, key_id, details FROM audit_log`,
            ]
          : [sql`TRUNCATE audit_log`]),
      ])
        refused.push(
          await app.database.execute(statement).then(
            () => 'done',
            (error) => /append-only/.test(String(error)),
          ),
        )
      expect(refused).toEqual([true, true, true, true])
      expect(await everything('audit_log')).toEqual(before)
    })

    const everything = async (table: string) =>
      app.database.query(sql`SELECT * FROM ${raw(table)} ORDER BY id`)

    /** Lets no entry of this action in; @returns how to let them in again */
    async function refuse(action: string): Promise<() => Promise<unknown>> {
      const run = (statement: string) => app.database.execute(raw(statement))
      if (provider === 'postgres') {
        await run(`ALTER TABLE audit_log ADD CONSTRAINT refused CHECK (action <> '${action}') NOT VALID`)
        return () => run('ALTER TABLE audit_log DROP CONSTRAINT refused')
      }
      await run(
        `CREATE TRIGGER refused BEFORE INSERT ON audit_log WHEN new.action = '${action}' BEGIN SELECT RAISE(ABORT, 'refused'); END`,
      )
      return () => run('DROP TRIGGER refused')
    }

    it('goes together with the deed: where either fails, neither is', async () => {
      const one = await make()
      const deeds: [string, () => Promise<unknown>][] = [
        ['key_created', () => make()],
        ['key_rotated', () => keys.rotate(one.apiKey.id, 0)],
        ['key_revoked', () => keys.revoke(one.apiKey.id)],
        ['user_erased', () => keys.eraseOf('u1')],
      ]
      const before = [await everything('api_keys'), await everything('audit_log')]
      for (const [action, deed] of deeds) {
        const allow = await refuse(action)
        await expect(deed()).rejects.toThrow(/refused/)
        await allow()
        expect([await everything('api_keys'), await everything('audit_log')]).toEqual(before)
      }
      // The naive way, one after the other, leaves a deed of which nothing is written.
      const allow = await refuse('key_revoked')
      await app.database.apiKeys.updateMany({
        where: { id: one.apiKey.id },
        data: { revokedAt: new Date(NOW) },
      })
      const [entry] = await app.database.auditEntries.findMany({
        where: {},
        orderBy: { id: 'desc' },
        take: 1,
        skip: 0,
      })
      if (!entry) throw new Error('there is no entry')
      const revocation = { ...entry, id: `${entry.id}x`, action: 'key_revoked' }
      await expect(app.database.auditEntries.create({ data: revocation })).rejects.toThrow(/refused/)
      await allow()
      expect([await everything('api_keys'), await everything('audit_log')]).not.toEqual(before)
    })

    it.runIf(provider === 'postgres')(
      'has no entry of a key whose maker was cut off, nor the key',
      async () => {
        const [keysBefore, entriesBefore] = [await countOf('api_keys'), await countOf('audit_log')]
        const other = new pg.Client(app.url)
        await other.connect()
        await other.query('BEGIN')
        await other.query('LOCK TABLE audit_log IN EXCLUSIVE MODE')
        const made = make().then(() => 'done', codeOf)
        const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
        let pid: unknown
        while (pid === undefined) pid = (await other.query<{ pid: number }>(waiting)).rows[0]?.pid
        await other.query('SELECT pg_terminate_backend($1)', [pid])
        expect(await made).toBe('SERVICE_UNAVAILABLE')
        await other.query('COMMIT')
        await other.end()
        expect([await countOf('api_keys'), await countOf('audit_log')]).toEqual([keysBefore, entriesBefore])
      },
    )

    it('of a user who is erased keeps that there was one, and not which', async () => {
      const { apiKey } = await make({ userId: 'gone-user', name: 'gone-name' })
      await keys.rotate(apiKey.id, 0)
      const self = { ...OPERATOR, keyId: apiKey.id, userId: 'gone-user' }
      expect(await keys.eraseOf('gone-user', self)).toBe(2)
      const { entries } = await app.managedKeysOf(OPERATOR).auditLog({ action: ['user_erased'] }, {})
      expect(entries).toMatchObject([
        { actor: 'key', actorKeyId: null, userId: null, keyId: null, details: { apiKeys: 2 } },
      ])
      for (const table of ['api_keys', 'audit_log'])
        expect(JSON.stringify(await everything(table))).not.toMatch(new RegExp(`gone|${apiKey.id}`))
    })
  })

  it('a copy of the database holds no key and no secret', async () => {
    const first = await make({ name: 'copied' })
    const second = await keys.rotate(first.apiKey.id, HOUR_MS)
    await keys.find(first.key)
    const everything = await everythingIn(app.url)
    expect(everything).toContain(first.apiKey.id)
    for (const { key } of [first, second]) {
      const [, , secret = ''] = key.split('_')
      expect(everything).not.toContain(secret)
      expect(everything).not.toContain(secret.slice(0, 32))
    }
  })
})
