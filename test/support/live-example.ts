import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { type Command, runCommand, startNode } from './command.ts'
import { type Provider, createTestDatabase } from './databases.ts'
import { startService } from './service.ts'
import { type TcpProxy, startTcpProxy } from './tcp-proxy.ts'

const SERVER = fileURLToPath(new URL('../../examples/live/server.js', import.meta.url))
const HOST = '127.0.0.1'

/** The server of examples/live before a service of its own, and a network between the two. */
export interface LiveExample {
  /** Where its page is. */
  readonly origin: string
  readonly server: Command
  /** What lies between the page's server and connlog. */
  readonly network: TcpProxy
  /** The key of the page's server, and its id. */
  readonly key: string
  readonly keyId: string
  /** A `connlog` command on the database of the service. */
  connlog(...args: string[]): Promise<string>
  /** Records one event past that network, under its account. Sends it until it is acknowledged. */
  record(accountId: string, event?: object): Promise<void>
  /** Ends connlog as a deployment does, and starts it again on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** @param serviceEnv further settings of connlog */
export async function startLiveExample(
  provider: Provider,
  serviceEnv: Record<string, string> = {},
): Promise<LiveExample> {
  const database = await createTestDatabase(provider)
  let service = await startService(database.url, serviceEnv)
  const { port } = service
  const connlog = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCommand(args, { DATABASE_URL: database.url })
    expect(code, stderr).toBe(0)
    return stdout.trim()
  }
  const key = await connlog('keys', 'create', '--service', '--scopes', 'logs:read')
  const writer = await connlog('keys', 'create', '--service', '--scopes', 'logs:write')
  const network = await startTcpProxy(port)
  const server = startNode([SERVER], {
    CONNLOG_URL: `http://${HOST}:${network.port}`,
    CONNLOG_KEY: key,
    PORT: '0',
  })
  const origin = /http:\S+/.exec(await server.printed(/Listening on http:\S+\n/))?.[0] ?? ''

  const send = async (body: string): Promise<number | undefined> => {
    const response = await fetch(`http://${HOST}:${port}/api/v1/connections/logs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${writer}`, 'content-type': 'application/json' },
      body,
    }).catch(() => undefined)
    return response?.status
  }

  return {
    origin,
    server,
    network,
    key,
    keyId: /^clk_([^_]+)_/.exec(key)?.[1] ?? '',
    connlog,
    record: async (accountId, event = {}) => {
      const body = JSON.stringify({
        eventId: accountId,
        userId: 'u1',
        accountId,
        platform: 'instagram',
        eventType: 'connect_success',
        connectionMethod: 'oauth',
        ...event,
      })
      for (;;) {
        const status = await send(body)
        if (status === 200) return
        // Nobody listens, or the service is about to stop.
        expect([undefined, 503]).toContain(status)
        await systemClock.sleep(50)
      }
    },
    restart: async () => {
      await service.stop()
      service = await startService(database.url, { ...serviceEnv, PORT: String(port) })
    },
    stop: async () => {
      server.kill('SIGKILL')
      await server.finished
      await network.stop()
      await service.stop()
      await database.drop()
    },
  }
}
