import { describe, expect, it } from 'vitest'
import { makeApiKey } from '../../src/auth/api-key.ts'
import { createKeyStore } from '../../src/auth/key-store.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { startTestApp } from '../support/app.ts'
import { checksum } from '../support/checksum.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const SECRET_AT = 'clk_0123456789_'.length
const CHECKSUM_LENGTH = 6

/** A key with the id of one and the secret of another, and a good checksum. */
function crossed(key: string): string {
  const body = key.slice(0, SECRET_AT) + makeApiKey().key.slice(SECRET_AT, -CHECKSUM_LENGTH)
  return body + checksum(body)
}

describe.each(PROVIDERS)('a bad key on %s', (provider) => {
  it('gets one answer, the same to the byte, whatever is wrong with it', async () => {
    const clock = createTestClock(Date.UTC(2026, 10, 20))
    const app = await startTestApp(provider, { clock, env: { RATE_LIMIT_PER_MINUTE: '1000' } })
    const make = async (lifetimeMs?: number) =>
      app.keys.create({ userId: 'u1', scopes: ['logs:read'], lifetimeMs })
    const [good, revoked, expired, rotated, erased] = [
      await make(),
      await make(),
      await make(1_000),
      await make(),
      await app.keys.create({ userId: 'u2', scopes: ['logs:read'] }),
    ]
    await app.keys.revoke(revoked.apiKey.id)
    await app.keys.rotate(rotated.apiKey.id, 0)
    await app.keys.eraseOf('u2')
    clock.advance(1_000)
    const { key } = good
    const bad: Record<string, string | undefined> = {
      missing: undefined,
      malformed: 'Bearer secret',
      'of another scheme': `Basic ${key}`,
      'with a wrong checksum': `Bearer ${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`,
      unknown: `Bearer ${makeApiKey().key}`,
      revoked: `Bearer ${revoked.key}`,
      expired: `Bearer ${expired.key}`,
      rotated: `Bearer ${rotated.key}`,
      erased: `Bearer ${erased.key}`,
      'with the id of one and the secret of another': `Bearer ${crossed(key)}`,
    }
    const post = { method: 'POST', body: JSON.stringify({ query: '{ viewer { keyId } }' }) }
    const doors: [string, RequestInit][] = [
      ['/graphql', post],
      ['/graphql?query={viewer{keyId}}', {}],
      ['/api/v1/connections/logs', {}],
      ['/api/v1/connections/logs', post],
    ]
    const answerTo = async (path: string, init: RequestInit, authorization: string | undefined) => {
      const headers = {
        'content-type': 'application/json',
        'x-request-id': 'r1',
        ...(authorization === undefined ? {} : { authorization }),
      }
      const response = await app.send('', path, { ...init, headers })
      return JSON.stringify([response.status, [...response.headers], await response.text()])
    }
    for (const [path, init] of doors) {
      const answers = new Map<string, string[]>()
      for (const [name, authorization] of Object.entries(bad)) {
        const answer = await answerTo(path, init, authorization)
        answers.set(answer, [...(answers.get(answer) ?? []), name])
      }
      expect([...answers.values()]).toEqual([Object.keys(bad)])
      expect([...answers.keys()][0]).toMatch(/^\[401,.*Unauthorized/)
      expect(await answerTo(path, init, `Bearer ${key}`)).not.toMatch(/^\[401/)
    }
  })

  it('costs no question to the database if its form or checksum is wrong, and one in 3 seconds if it is unknown', async () => {
    const clock = createTestClock(Date.UTC(2026, 10, 20))
    const app = await startTestApp(provider, { clock })
    let asked = 0
    let isFlood = false
    const findUnique: typeof app.database.apiKeys.findUnique = async (args) => {
      asked += 1
      return isFlood ? null : app.database.apiKeys.findUnique(args)
    }
    const database = { ...app.database, apiKeys: { ...app.database.apiKeys, findUnique } }
    const keys = createKeyStore(database, { clock, logger: silentLogger })
    const { key } = makeApiKey()
    for (const wrong of ['', 'clk_', key.slice(1), `${key}0`, key.toUpperCase(), `${key.slice(0, -1)}-`])
      expect(await keys.find(wrong)).toBe(undefined)
    expect(asked).toBe(0)
    for (let times = 0; times < 5; times += 1) expect(await keys.find(key)).toBe(undefined)
    expect(asked).toBe(1)
    clock.advance(3_000)
    expect(await keys.find(key)).toBe(undefined)
    expect(asked).toBe(2)
    // A flood of unknown keys drives no good one out of memory.
    const good = await app.key('u1')
    await keys.find(good)
    isFlood = true
    for (let times = 0; times < 11_000; times += 1) await keys.find(makeApiKey().key)
    asked = 0
    expect((await keys.find(good))?.userId).toBe('u1')
    expect(asked).toBe(0)
  })
})
