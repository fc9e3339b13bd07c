import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const NDJSON = 'application/x-ndjson'
const LINE = `${JSON.stringify({ platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' })}\n`

describe.each(PROVIDERS)('lines that come for long into %s', (provider) => {
  it.each([
    ['one by one', NDJSON],
    ['together', 'application/json'],
  ])('end when their key is revoked, answered %s', async (_, accept) => {
    const clock = createTestClock(Date.UTC(2026, 10, 20))
    const app = await startTestApp(provider, { clock })
    const { key, apiKey } = await app.keys.create({ userId: 'u1', scopes: ['logs:write'] })
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        sent += 1
        if (sent > 2_000) return controller.close()
        controller.enqueue(new TextEncoder().encode(LINE))
        if (sent === 5) clock.advance(500)
        if (sent === 10) await app.keys.revoke(apiKey.id)
        // A pause, at which what has come is stored.
        await systemClock.sleep(30)
      },
    })
    const headers = { 'content-type': NDJSON, accept }
    const init = { method: 'POST', body, headers, duplex: 'half' } as RequestInit
    const response = await app.send(key, '/api/v1/connections/logs', init)
    const lines = (await response.text()).trimEnd().split('\n')
    const { error } = JSON.parse(lines.at(-1) ?? '') as { error: string }
    expect(error).toMatch(/^The key that this began with is good no more\./)
    const { pagination } = await app.connectionLogs.page({}, {})
    if (accept === NDJSON) expect([response.status, pagination.total]).toEqual([200, lines.length - 1])
    else {
      expect(response.status).toBe(401)
      expect(error).toMatch(` Of the lines before, ${pagination.total} were stored, 0 were there already`)
    }
    expect(pagination.total).toBeGreaterThanOrEqual(9)
    expect(app.logged.filter(({ level }) => level !== 'info')).toEqual([])
  })
})
