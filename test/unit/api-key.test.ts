import { describe, expect, it } from 'vitest'
import { apiKeyId, hashApiKey, isHashOf, makeApiKey } from '../../src/auth/api-key.ts'
import { createKeyStore } from '../../src/auth/key-store.ts'
import { sql } from '../../src/database/sql.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

describe('a key', () => {
  it('reads clk_<id>_<secret><checksum>, and no two are alike', () => {
    const keys = Array.from({ length: 500 }, makeApiKey)
    expect(keys.filter(({ key }) => !/^clk_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}$/.test(key))).toEqual([])
    expect(new Set(keys.map(({ key }) => key)).size).toBe(500)
    expect(
      keys.filter(
        ({ key, id, hash }) => apiKeyId(key) !== id || hash !== hashApiKey(key) || !isHashOf(hash, key),
      ),
    ).toEqual([])
  })

  it('is refused offline when one character differs', () => {
    const { key } = makeApiKey()
    const accepted = Array.from(
      key,
      (character, index) => key.slice(0, index) + (character === 'a' ? 'b' : 'a') + key.slice(index + 1),
    ).filter((changed) => apiKeyId(changed) !== undefined)
    expect(accepted).toEqual([])
    expect([apiKeyId(''), apiKeyId('clk_'), apiKeyId(`${key}x`), apiKeyId(key.toUpperCase())]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe.each(PROVIDERS)('keys on %s', (provider) => {
  it('are kept as hashes alone', async () => {
    const app = await startTestApp(provider)
    const { key, apiKey } = await app.keys.create({ userId: 'u1', scopes: ['logs:read'], name: 'n' })
    const text = JSON.stringify(await app.database.query(sql`SELECT * FROM api_keys`))
    const [, , secret = ''] = key.split('_')
    expect(text).not.toContain(secret)
    expect(text).toContain(apiKey.id)
    expect(await app.keys.list()).toEqual([apiKey])
  })

  it('ask the database for no key with a wrong checksum', async () => {
    const app = await startTestApp(provider)
    let asked = 0
    const apiKeys = { ...app.database.apiKeys, findUnique: async () => (asked++, null) }
    const counted = createKeyStore(
      { ...app.database, apiKeys },
      { clock: createTestClock(0), logger: silentLogger },
    )
    const { key } = makeApiKey()
    await counted.find(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`)
    expect(asked).toBe(0)
    await counted.find(key)
    expect(asked).toBe(1)
  })

  it('are refused at the millisecond they expire, and everywhere within 5 seconds of being revoked', async () => {
    const clock = createTestClock(Date.UTC(2026, 10, 20))
    const app = await startTestApp(provider, { clock })
    const elsewhere = createKeyStore(app.database, { clock, logger: silentLogger })
    const { key } = await app.keys.create({ userId: 'u1', scopes: ['logs:read'], lifetimeMs: 60_000 })
    const other = await app.keys.create({ userId: null, scopes: ['admin'] })
    clock.advance(59_999)
    expect((await app.keys.find(key))?.userId).toBe('u1')
    clock.advance(1)
    expect(await app.keys.find(key)).toBe(undefined)
    expect((await elsewhere.find(other.key))?.scopes).toEqual(new Set(['admin']))
    await app.keys.revoke(other.apiKey.id)
    expect(await app.keys.find(other.key)).toBe(undefined)
    clock.advance(5_000)
    expect(await elsewhere.find(other.key)).toBe(undefined)
  })
})
