import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyStore, createKeyStore } from '../../src/auth/key-store.ts'
import { createLastUses } from '../../src/auth/last-use.ts'
import { OPERATOR } from '../../src/auth/principal.ts'
import { MINUTE_MS, systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import type { TestApp } from '../support/app.ts'
import type { TestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { type TwoKeyStores, startTwoKeyStores } from '../support/two-key-stores.ts'

const NOW = Date.UTC(2026, 10, 20, 12)

describe.each(PROVIDERS)('keys over time on %s', (provider) => {
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

  describe('last use', () => {
    it('is written once a minute, however often a key is used, and at the end', async () => {
      const { key, apiKey } = await make()
      let writes = 0
      const counting = {
        ...app.database,
        execute: (statement: never) => (writes++, app.database.execute(statement)),
      }
      const store = createKeyStore(counting, { clock, logger: silentLogger })
      store.start()
      const writtenAt = async () => (await keys.get(apiKey.id))?.lastUsedAt
      for (let second = 0; second < 59; second += 1) {
        await store.find(key)
        clock.advance(1_000)
      }
      expect([writes, await writtenAt()]).toEqual([0, null])
      const last = clock.now()
      await store.find(key)
      clock.advance(1_000)
      while ((await writtenAt()) === null);
      expect([writes, await writtenAt()]).toEqual([1, last])
      clock.advance(MINUTE_MS)
      await store.find(key)
      const end = clock.now()
      await store.stop()
      expect([writes, await writtenAt()]).toEqual([2, end])
    })

    it('that another process has written later is not set back, and a failure keeps it for the next time', async () => {
      const [one, two] = [await make(), await make()]
      const logged: string[] = []
      const logger = { ...silentLogger, error: (_: object, message: string) => void logged.push(message) }
      let isDown = true
      const failing = {
        ...app.database,
        execute: async (statement: never) => {
          if (isDown) throw new Error('down')
          return app.database.execute(statement)
        },
      }
      const uses = createLastUses(failing, { clock, logger })
      uses.note(one.apiKey.id)
      uses.note(two.apiKey.id)
      const noted = clock.now()
      clock.advance(10)
      await app.database.execute(app.database.dialect.noteUses([{ keyId: two.apiKey.id, atMs: clock.now() }]))
      await uses.start().stop()
      await uses.start().stop()
      expect(logged).toEqual(['something failed'])
      isDown = false
      await uses.start().stop()
      expect([await keys.get(one.apiKey.id), await keys.get(two.apiKey.id)]).toMatchObject([
        { lastUsedAt: noted },
        { lastUsedAt: noted + 10 },
      ])
    })
  })

  describe('a watched key', () => {
    const never = new AbortController()
    const principalOf = async (key: string) => {
      const principal = await keys.find(key)
      if (!principal) throw new Error('the key is not good')
      return principal
    }
    const PENDING = 'pending'
    const now = <T>(promise: Promise<T>) => Promise.race([promise, systemClock.sleep(30).then(() => PENDING)])

    it('that another process revokes is known within 5 seconds, even if it was found just before', async () => {
      const { key, apiKey } = await make()
      const open = keys.untilInvalid(await principalOf(key), never.signal)
      // A naive stream goes by what it knew when it began.
      const principal = await principalOf(key)
      const isGoodToNaive = () => principal.expiresAt === null || principal.expiresAt > clock.now()
      clock.advance(10_000)
      expect(await now(open)).toBe(PENDING)
      await keys.find(key)
      await elsewhere.revoke(apiKey.id)
      clock.advance(2_999)
      expect(await open).toBe('revoked')
      const late = keys.untilInvalid(await principalOf(key), never.signal)
      expect(await late).toBe('revoked')
      expect(isGoodToNaive()).toBe(true)
      clock.advance(1)
      expect(await isGood(key)).toBe(false)
    })

    it('that this process revokes is known at once', async () => {
      const [one, other] = [await make(), await make()]
      const open = keys.untilInvalid(await principalOf(one.key), never.signal)
      const untouched = keys.untilInvalid(await principalOf(other.key), never.signal)
      await now(untouched)
      await keys.revoke(one.apiKey.id)
      expect(await open).toBe('revoked')
      expect(await now(untouched)).toBe(PENDING)
      await keys.revoke(other.apiKey.id)
      expect(await untouched).toBe('revoked')
    })

    it('expires, also before it would have, and is erased', async () => {
      const [expiring, rotated, erased] = [
        await make({ lifetimeMs: 60_000 }),
        await make(),
        await make({ userId: 'u9' }),
      ]
      const open = []
      for (const { key } of [expiring, rotated, erased])
        open.push(keys.untilInvalid(await principalOf(key), never.signal))
      await elsewhere.rotate(rotated.apiKey.id, 5_000)
      await elsewhere.eraseOf('u9')
      clock.advance(5_000)
      expect(await open[1]).toBe('expired')
      expect(await open[2]).toBe('erased')
      clock.advance(54_999)
      expect(await now(Promise.race(open.slice(0, 1)))).toBe(PENDING)
      clock.advance(1_500)
      expect(await open[0]).toBe('expired')
    })

    it('is let go of by its signal and by the end of the service; the operator is never invalid', async () => {
      const { key } = await make()
      let looks = 0
      const query: typeof app.database.query = (statement) => {
        looks += 1
        return app.database.query(statement)
      }
      const store = createKeyStore({ ...app.database, query }, { clock, logger: silentLogger })
      const leaving = new AbortController()
      const left = store.untilInvalid(await principalOf(key), leaving.signal)
      leaving.abort()
      expect(await left).toBe(undefined)
      expect(await store.untilInvalid(await principalOf(key), leaving.signal)).toBe(undefined)
      const before = looks
      const operator = store.untilInvalid(OPERATOR, never.signal)
      clock.advance(60_000)
      expect([await now(operator), looks]).toEqual([PENDING, before])
      const open = store.untilInvalid(await principalOf(key), never.signal)
      await store.stop()
      expect(await Promise.all([open, operator])).toEqual([undefined, undefined])
    })

    it('counts as good while the database cannot be asked, and is known as soon as it can', async () => {
      const { key, apiKey } = await make()
      const logged: string[] = []
      const logger = { ...silentLogger, error: (_: object, message: string) => void logged.push(message) }
      let isDown = true
      const query: typeof app.database.query = async (statement) => {
        if (isDown) throw new Error('down')
        return app.database.query(statement)
      }
      const store = createKeyStore({ ...app.database, query }, { clock, logger })
      const open = store.untilInvalid(await principalOf(key), never.signal)
      await keys.revoke(apiKey.id)
      for (let look = 0; look < 3; look += 1) {
        clock.advance(1_500)
        expect(await now(open)).toBe(PENDING)
      }
      expect(logged).toEqual(['something failed'])
      isDown = false
      clock.advance(1_500)
      expect(await open).toBe('revoked')
      await store.stop()
    })
  })
})
