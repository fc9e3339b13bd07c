import { expect, it } from 'vitest'
import { MAX_KEYS_OF_USER, createKeyStore } from '../../src/auth/key-store.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const NOW = Date.parse('2026-11-23T12:00:00.000Z')
const SCOPES = ['logs:read']

const start = async (provider: (typeof PROVIDERS)[number]) => {
  const clock = createTestClock(NOW)
  const app = await startTestApp(provider, { clock })
  const create = (userId: string | null, lifetimeMs?: number) =>
    app.keys.create({ userId, scopes: SCOPES, lifetimeMs })
  const fill = async (userId: string, count: number) => {
    const made = []
    for (let n = 0; n < count; n += 1) made.push(await create(userId))
    return made.map(({ apiKey }) => apiKey.id)
  }
  return { app, clock, create, fill }
}

const valid = (app: TestApp, userId: string) =>
  app.database.apiKeys.count({ where: { userId, revokedAt: null, expiresAt: null } })

it.each(PROVIDERS)(
  'a user has at most 50 valid keys, whatever expired and was revoked (%s)',
  async (provider) => {
    const { app, clock, create, fill } = await start(provider)
    await create('u', 1_000)
    const ids = await fill('u', MAX_KEYS_OF_USER - 1)
    await expect(create('u')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'Expected at most 50 valid keys of a user, got 51. Revoke one first.',
    })
    await create('another')
    await create(null)
    clock.advance(1_000)
    await create('u')
    await expect(create('u')).rejects.toMatchObject({ code: 'CONFLICT' })
    await app.keys.revoke(ids[0] ?? '')
    await create('u')
    expect(await app.keys.countOf('u')).toBe(52)
  },
)

it.each(PROVIDERS)('a user with 50 keys rotates each of them, with an overlap (%s)', async (provider) => {
  const { app, create, fill } = await start(provider)
  const ids = await fill('u', MAX_KEYS_OF_USER)
  const rotated = []
  for (const id of ids) rotated.push(await app.keys.rotate(id, DAY_MS))
  await expect(create('u')).rejects.toMatchObject({ code: 'CONFLICT' })
  const next = rotated[0]?.apiKey.id ?? ''
  await expect(app.keys.rotate(next, DAY_MS)).rejects.toMatchObject({
    code: 'CONFLICT',
    message:
      'Expected at most 50 replaced keys of a user that are still valid, got 51. Rotate with an overlap of 0, or revoke one first.',
  })
  expect((await app.keys.rotate(next, 0)).replaced.id).toBe(next)
})

it.each(PROVIDERS)('keys made at the same time do not pass the bound together (%s)', async (provider) => {
  const { app, clock, fill } = await start(provider)
  await fill('u', MAX_KEYS_OF_USER - 1)
  const other = createKeyStore(app.database, { clock, logger: silentLogger })
  const made = await Promise.allSettled(
    [app.keys, other, app.keys, other].map((keys) => keys.create({ userId: 'u', scopes: SCOPES })),
  )
  expect(made.map(({ status }) => status).toSorted()).toEqual([
    'fulfilled',
    'rejected',
    'rejected',
    'rejected',
  ])
  expect(await valid(app, 'u')).toBe(MAX_KEYS_OF_USER)
  await other.stop()
})

it.each(PROVIDERS)('control: to count first and make the key then lets more pass (%s)', async (provider) => {
  const { app, fill } = await start(provider)
  await fill('u', MAX_KEYS_OF_USER - 2)
  const counts = await Promise.all([valid(app, 'u'), valid(app, 'u')])
  for (const count of counts)
    if (count < MAX_KEYS_OF_USER - 1) await app.keys.create({ userId: 'u', scopes: SCOPES })
  expect(await valid(app, 'u')).toBe(MAX_KEYS_OF_USER)
})
