import { describe, expect, it } from 'vitest'
import { CODE_LIFETIME_MS, createKeyCodes } from '../../src/auth/key-codes.ts'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'

const PATH = '/graphiql/key'
const KEY = 'clk_a1b2c3d4e5_secret'
const post = (body: unknown, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

describe('codes that stand for keys', () => {
  it('are exchanged once, for ten minutes, and are all different', () => {
    let now = 0
    const codes = createKeyCodes({ steadyMs: () => now })
    const [first, second, third] = [codes.issue(KEY), codes.issue('clk_b'), codes.issue('clk_c')]
    expect(new Set([first, second, third]).size).toBe(3)
    expect([codes.exchange('x'), codes.exchange(''), codes.exchange(`${first}x`)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect([codes.exchange(first), codes.exchange(first)]).toEqual([KEY, undefined])
    now = CODE_LIFETIME_MS - 1
    expect(codes.exchange(second)).toBe('clk_b')
    now = CODE_LIFETIME_MS
    expect(codes.exchange(third)).toBeUndefined()
  })

  it('are held up to a hundred: the oldest gives way', () => {
    const codes = createKeyCodes({ steadyMs: () => 0 })
    const issued = Array.from({ length: 101 }, (_, index) => codes.issue(`clk_${index}`))
    expect(codes.exchange(issued[0] ?? '')).toBeUndefined()
    expect(codes.exchange(issued[1] ?? '')).toBe('clk_1')
    expect(codes.exchange(issued[100] ?? '')).toBe('clk_100')
  })

  it('are exchanged by the own page only, without a key', async () => {
    const app = await startTestApp('sqlite')
    const code = app.keyCodes.issue(KEY)
    const statusOf = async (init: RequestInit) => (await app.send('', PATH, init)).status
    expect(await statusOf(post({ code }, { origin: 'http://evil.test' }))).toBe(403)
    expect(await statusOf(post({ code }, { 'sec-fetch-site': 'cross-site' }))).toBe(403)
    expect(await statusOf(post({ code }, { 'content-type': 'text/plain' }))).toBe(415)
    expect(await statusOf(post('{'))).toBe(400)
    expect(await statusOf(post({ code: 5 }))).toBe(400)
    expect(await statusOf({ method: 'GET' })).toBe(405)
    const answer = await app.send(
      '',
      PATH,
      post({ code }, { origin: 'http://connlog.test', 'sec-fetch-site': 'same-origin' }),
    )
    expect([answer.status, await answer.json()]).toEqual([200, { key: KEY }])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const again = await app.send('', PATH, post({ code }))
    expect([again.status, await again.text()].join()).not.toContain(code)
    expect(again.status).toBe(403)
  })

  it('cannot be guessed: an address that brings wrong ones is refused as one that brings bad keys', async () => {
    const app = await startTestApp('sqlite', { clock: createTestClock(0), env: { BAD_KEYS_PER_MINUTE: '3' } })
    const code = app.keyCodes.issue(KEY)
    const from = (address: string, body: object) =>
      app.fetch(new Request(`http://connlog.test${PATH}`, post(body)), { address, lateMs: 0 })
    const statuses = []
    for (const guess of ['a', 'b', 'c', 'd']) statuses.push((await from('10.0.0.1', { code: guess })).status)
    expect(statuses).toEqual([403, 403, 403, 429])
    expect((await from('10.0.0.1', { code })).status).toBe(429)
    expect((await from('10.0.0.2', { code })).status).toBe(200)
  })

  it('are not exchanged where GraphiQL is off', async () => {
    const app = await startTestApp('sqlite', { env: { GRAPHIQL: 'false' } })
    const code = app.keyCodes.issue(KEY)
    expect((await app.send('', PATH, post({ code }))).status).toBe(404)
  })
})
