import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeApiKey } from '../../src/auth/api-key.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { NOW } from '../support/bad-input-words.ts'
import { LOGS, type World, assertClean, get, logText, post, startWorld } from '../support/bad-input-doors.ts'
import { checksum } from '../support/checksum.ts'
import { PROVIDERS } from '../support/databases.ts'

const READ = '{ connectionLogs { logs { id } } }'
const RECORD = `mutation { recordConnectionLog(input: ${logText('literal')}) { created } }`
const CLEAN_UP = 'mutation { cleanupExpiredConnectionLogs { deleted } }'

describe.each(PROVIDERS)('a key on %s', (provider) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(provider)
  })
  afterAll(async () => world.stop())

  const asked = (query: string) => JSON.stringify({ query })

  /** Sends a header as it is to every door, none of which may open. */
  async function unauthorized(authorization: string | undefined) {
    const before = await world.stored()
    const headers = {
      'content-type': 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
    }
    const rest = [
      await world.app.send('', LOGS, { headers }),
      await world.app.send('', `${LOGS}?limit=abc`, { headers }),
      await world.app.send('', LOGS, { method: 'POST', headers, body: logText('json') }),
      await world.app.send('', LOGS, { method: 'POST', headers, body: '{' }),
    ]
    for (const response of rest) {
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await response.text()).toBe('{"error":"Unauthorized"}')
    }
    const graphql = [
      await world.app.send('', '/graphql', { method: 'POST', headers, body: asked(READ) }),
      await world.app.send('', '/graphql', { method: 'POST', headers, body: asked(RECORD) }),
      await world.app.send('', '/graphql', { method: 'POST', headers, body: '{' }),
      await world.app.send('', `/graphql?query=${encodeURIComponent(READ)}`, { headers }),
    ]
    for (const response of graphql) {
      expect(response.status).toBe(401)
      expect(await response.text()).toBe(
        '{"errors":[{"message":"Unauthorized","extensions":{"code":"UNAUTHENTICATED"}}]}',
      )
    }
    expect(await world.stored()).toBe(before)
  }

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['no key', 'Bearer'],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['two keys', 'Bearer clk_a clk_b'],
    ['a word', 'Bearer secret'],
    ['the prefix alone', 'Bearer clk_'],
    ['ten thousand characters', `Bearer clk_${'a'.repeat(10_000)}`],
    ['statements', `Bearer clk_0123456789_' OR 1=1 --`],
    ['names of every object', 'Bearer __proto__'],
  ])('%s', async (_, header) => unauthorized(header))

  it('without the word Bearer', async () => unauthorized(world.key))

  it('with a wrong checksum', async () => {
    const last = world.key.endsWith('0') ? '1' : '0'
    await unauthorized(`Bearer ${world.key.slice(0, -1)}${last}`)
    await unauthorized(`Bearer ${world.key.toUpperCase()}`)
    await unauthorized(`Bearer ${world.key}0`)
  })

  it('that was never given out', async () => unauthorized(`Bearer ${makeApiKey().key}`))

  it('with the id of one and the secret of another, and a good checksum', async () => {
    const { key } = makeApiKey()
    const body = `${world.key.slice(0, 15)}${key.slice(15, -6)}`
    const forged = body + checksum(body)
    expect(forged).toHaveLength(world.key.length)
    await unauthorized(`Bearer ${forged}`)
  })

  it('that was revoked', async () => {
    const { key, apiKey } = await world.app.keys.create({ userId: null, scopes: ['logs:read', 'logs:write'] })
    expect((await get(world, LOGS, key)).status).toBe(200)
    await world.app.keys.revoke(apiKey.id)
    await unauthorized(`Bearer ${key}`)
  })

  it('that has expired, from the very millisecond on', async () => {
    const { key } = await world.app.keys.create({
      userId: null,
      scopes: ['logs:read', 'logs:write'],
      lifetimeMs: DAY_MS,
    })
    world.clock.set(NOW + DAY_MS - 1)
    expect((await get(world, LOGS, key)).status).toBe(200)
    world.clock.set(NOW + DAY_MS)
    await unauthorized(`Bearer ${key}`)
    world.clock.set(NOW)
  })

  it('is asked for before anything else is looked at', async () => {
    const response = await world.app.send('', LOGS, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'content-length': '99999999' },
      body: 'x',
    })
    expect([response.status, await response.text()]).toEqual([401, '{"error":"Unauthorized"}'])
  })

  const sentence = (scope: string, held: string) =>
    `Expected a key with the scope \`${scope}\`, got one with ${held}.`

  it('that only reads writes nothing', async () => {
    const key = await world.app.key(null, ['logs:read'])
    const before = await world.stored()
    const bodies = [
      await post(world, LOGS, logText('json'), undefined, key),
      await post(world, LOGS, '[]', undefined, key),
      await post(world, LOGS, logText('json', 'durationMs', '-1'), undefined, key),
      await post(world, LOGS, `${logText('json')}\n`, 'application/x-ndjson', key),
      await post(world, LOGS, '', 'application/x-ndjson', key),
    ]
    for (const { status, text } of bodies)
      expect([status, text]).toEqual([403, JSON.stringify({ error: sentence('logs:write', 'logs:read') })])
    const graphql = await post(world, '/graphql', asked(RECORD), undefined, key)
    expect([graphql.code, graphql.sentence]).toEqual(['FORBIDDEN', sentence('logs:write', 'logs:read')])
    assertClean(graphql.text)
    expect(await world.stored()).toBe(before)
  })

  it('that only writes reads nothing', async () => {
    const key = await world.app.key('u1', ['logs:write'])
    expect((await post(world, LOGS, logText('json'), undefined, key)).status).toBe(200)
    for (const query of ['', '?limit=1']) {
      const { status, text } = await get(world, LOGS + query, key)
      expect([status, text]).toEqual([403, JSON.stringify({ error: sentence('logs:read', 'logs:write') })])
    }
    for (const query of [READ, '{ connectionLog(id: "x") { id } }', '{ connectionLog(id: "") { id } }']) {
      const { code, sentence: said } = await post(world, '/graphql', asked(query), undefined, key)
      expect([code, said]).toEqual(['FORBIDDEN', sentence('logs:read', 'logs:write')])
    }
  })

  it('that is no admin cleans nothing up', async () => {
    const key = await world.app.key(null, ['logs:read', 'logs:write'])
    const { code, sentence: said } = await post(world, '/graphql', asked(CLEAN_UP), undefined, key)
    expect([code, said]).toEqual(['FORBIDDEN', sentence('admin', 'logs:read, logs:write')])
  })

  it('of an admin alone neither reads nor writes', async () => {
    const key = await world.app.key(null, ['admin'])
    expect((await get(world, LOGS, key)).sentence).toBe(sentence('logs:read', 'admin'))
    expect((await post(world, LOGS, logText('json'), undefined, key)).sentence).toBe(
      sentence('logs:write', 'admin'),
    )
    expect((await post(world, '/graphql', asked(CLEAN_UP), undefined, key)).sentence).toBe('')
  })

  it('left nothing in the log of the service', () => {
    expect(world.app.logged.filter(({ level }) => level !== 'info')).toEqual([])
  })
})
