import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createIdMint } from '../../src/kernel/ids.ts'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const NOW = Date.parse('2026-11-20T12:00:00.000Z')
const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
const PATH = '/api/v1/connections/logs'

describe.each(PROVIDERS)('two tenants on %s', (provider) => {
  it('share ids of events and of logs, and neither learns of it', async () => {
    const app = await startTestApp(provider, { clock: createTestClock(NOW) })
    const [first, second] = [await app.key('u1'), await app.key('u2')]
    const send = async (key: string, event: object) => {
      const response = await app.send(key, PATH, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...EVENT, ...event }),
      })
      const { accepted, duplicates, error } = (await response.json()) as Record<string, unknown>
      return { accepted, duplicates, error }
    }
    const createdAt = new Date(NOW - 1_000).toISOString()
    const created = { accepted: 1, duplicates: 0, error: undefined }
    const duplicate = { accepted: 0, duplicates: 1, error: undefined }
    const conflict = { accepted: undefined, error: expect.stringContaining('with other content') as string }
    const ours = createIdMint()(NOW - 1_000)
    for (const names of [{ eventId: 'shared' }, { _id: 'shared-id', createdAt }, { _id: ours, createdAt }]) {
      expect(await send(first, { ...names, accountId: 'first' })).toEqual(created)
      expect(await send(second, { ...names, accountId: 'second' })).toEqual(created)
      expect(await send(second, { ...names, accountId: 'second' })).toEqual(duplicate)
      // A conflict is with one's own log, never with another's.
      expect(await send(second, { ...names, accountId: 'first' })).toMatchObject(conflict)
      expect(await send(first, { ...names, accountId: 'first' })).toEqual(duplicate)
    }
    const query = `{ connectionLogs { logs { accountId } } shared: connectionLog(id: "shared-id") { accountId } ours: node(id: "${ours}") { ... on ConnectionLog { accountId } } }`
    for (const [key, accountId] of [
      [first, 'first'],
      [second, 'second'],
    ] as const)
      expect((await app.gql(key, query)).data).toEqual({
        connectionLogs: { logs: [{ accountId }, { accountId }, { accountId }] },
        shared: { accountId },
        ours: { accountId },
      })
  })

  it('take turns on one connection, with the same documents, and each is answered its own', async () => {
    const app = await startTestApp(provider)
    const tenants = ['u1', 'u2', 'u3']
    const keys = new Map<string, string>()
    for (const userId of tenants) {
      keys.set(userId, await app.key(userId))
      await app.connectionLogs.record([
        { value: { ...EVENT, userId, accountId: `account of ${userId}` }, at: '' },
      ])
    }
    const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const sockets = new Set<unknown>()
    const ask = (key: string, path: string, body?: string) =>
      new Promise<string>((resolve, reject) => {
        const method = body === undefined ? 'GET' : 'POST'
        const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
        request(new URL(path, server.address), { agent, method, headers }, (answer) => {
          sockets.add(answer.socket.localPort)
          text(answer).then(resolve, reject)
        })
          .on('error', reject)
          .end(body)
      })
    const asText = JSON.stringify({ query: '{ connectionLogs { logs { userId accountId } } }' })
    const executed = JSON.stringify({
      query: '{ connectionLogs { logs { userId accountId } } viewer { userId } connectionStats { total } }',
    })
    const wanted: string[] = []
    const asked: Promise<string>[] = []
    // Sent at once: the agent lets them wait for the one connection, each behind another tenant's.
    for (let round = 0; round < 20; round += 1)
      for (const [userId, key] of keys) {
        const logs = [{ userId, accountId: `account of ${userId}` }]
        wanted.push(
          JSON.stringify({ data: { connectionLogs: { logs } } }),
          JSON.stringify({
            data: { connectionLogs: { logs }, viewer: { userId }, connectionStats: { total: 1 } },
          }),
        )
        asked.push(ask(key, '/graphql', asText), ask(key, '/graphql', executed))
        const late = ask(key, `${PATH}?limit=1`)
        wanted.push(userId)
        asked.push(late.then((page) => [...page.matchAll(/"userId":"([^"]*)"/g)].map(([, id]) => id).join()))
      }
    const parsed = (answer: string) => (answer.startsWith('{') ? (JSON.parse(answer) as unknown) : answer)
    expect((await Promise.all(asked)).map(parsed)).toEqual(wanted.map(parsed))
    expect(sockets.size).toBe(1)
    agent.destroy()
    await server.stop()
  })
})
