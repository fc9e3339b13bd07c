import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOOK_INTERVAL_MS } from '../../src/auth/key-watch.ts'
import { OPERATOR } from '../../src/auth/principal.ts'
import { hasExpired, invalidityOf } from '../../src/auth/stored-key.ts'
import { createTokenBuckets } from '../../src/auth/token-buckets.ts'
import { raw } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { runCommand } from '../support/command.ts'
import { type TwoKeyStores, startTwoKeyStores } from '../support/two-key-stores.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const UNREADABLE = new Date(Number.NaN)

it('takes a key whose end cannot be read for expired, whatever the time, and with no time for expired too', () => {
  expect(invalidityOf({ revokedAt: null, expiresAt: UNREADABLE }, NOW)).toBe('expired')
  expect(invalidityOf({ revokedAt: UNREADABLE, expiresAt: null }, NOW)).toBe('revoked')
  expect(invalidityOf({ revokedAt: null, expiresAt: new Date(NOW + 1) }, Number.NaN)).toBe('expired')
  expect(invalidityOf({ revokedAt: null, expiresAt: new Date(NOW + 1) }, NOW)).toBeUndefined()
  expect(invalidityOf({ revokedAt: null, expiresAt: null }, NOW)).toBeUndefined()
  expect([hasExpired(NOW, NOW), hasExpired(NOW + 1, NOW), hasExpired(null, NOW)]).toEqual([
    true,
    false,
    false,
  ])
})

it('lets nobody pass by a share of the rate limit that cannot be read', () => {
  const buckets = createTokenBuckets({ perMinute: 10, clock: { steadyMs: () => 0 } })
  buckets.settle('key', Number.NaN)
  expect(buckets.remaining('key')).toBe(0)
  expect(buckets.take('key', 1)).toBeGreaterThan(0)
})

describe.each(PROVIDERS)('an end of a key that cannot be read, on %s', (provider) => {
  let world: TwoKeyStores
  beforeAll(async () => {
    world = await startTwoKeyStores(provider, NOW)
  })
  afterAll(() => world.stop())

  /** A key that is valid for a day, and whose row then holds another end. */
  async function keyWithEnd(end: string) {
    const made = await world.make({ lifetimeMs: 86_400_000 })
    await world.app.database.execute(
      raw(`UPDATE api_keys SET expires_at = ${end} WHERE id = '${made.apiKey.id}'`),
    )
    return made
  }

  const unreadable = provider === 'sqlite' ? "'someday'" : "'infinity'"

  it('makes the key invalid: it is not found, it ends what goes on, and it makes no other key', async () => {
    const { key, apiKey } = await keyWithEnd(unreadable)
    expect(await world.elsewhere.find(key).catch(() => undefined)).toBeUndefined()
    const watching = new AbortController()
    const principal = { ...OPERATOR, keyId: apiKey.id }
    expect(await world.elsewhere.untilInvalid(principal, watching.signal)).toBe('expired')
    await expect(world.elsewhere.rotate(apiKey.id, 0)).rejects.toThrow()
  })

  it('is read where others wrote it as their SQL does: a time that has passed ends the key', async () => {
    const past = provider === 'sqlite' ? "'2026-11-19 12:00:00'" : "'2026-11-19 12:00:00+00'"
    const { key, apiKey } = await keyWithEnd(past)
    expect(await world.elsewhere.find(key)).toBeUndefined()
    const watching = new AbortController()
    expect(await world.elsewhere.untilInvalid({ ...OPERATOR, keyId: apiKey.id }, watching.signal)).toBe(
      'expired',
    )
  })

  it('stops neither the other keys nor the commands', async () => {
    await keyWithEnd(unreadable)
    const good = await world.make()
    expect(await world.elsewhere.find(good.key)).toHaveProperty('keyId', good.apiKey.id)
    const watching = new AbortController()
    const waiting = world.elsewhere.untilInvalid({ ...OPERATOR, keyId: good.apiKey.id }, watching.signal)
    await world.keys.revoke(good.apiKey.id)
    const isOver = () => Promise.race([waiting.then(() => true), systemClock.sleep(1).then(() => false)])
    while (!(await isOver())) world.clock.advance(LOOK_INTERVAL_MS)
    expect(await waiting).toBe('revoked')
    const { stdout, stderr } = await runCommand(['keys', 'list'], { DATABASE_URL: world.app.url })
    expect(`${stdout}${stderr}`).toMatch(/unreadable time|Run `connlog doctor`/)
  })
})
