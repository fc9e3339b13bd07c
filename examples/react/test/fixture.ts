import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TcpProxy, startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { createKey, startConnlog, startPreview } from './running.mjs'

const HOUR_MS = 3_600_000

/** How many logs there are: one an hour, the newest half an hour ago. */
export const LOGS = 130

/** The built page before a connlog of its own, and the networks on the way. */
export interface Fixture {
  /** Where the page is. */
  readonly origin: string
  /** What lies between the browser and the page's server. */
  readonly road: TcpProxy
  /** What lies between the page's server and connlog. */
  readonly backyard: TcpProxy
  /** A service key with `logs:read` alone. */
  readonly key: string
  /** Asks connlog, past all networks. @throws {Error} with what it said */
  ask(query: string, variables?: object, key?: string): Promise<unknown>
  /** Records one event of this account, a successful one by default. */
  record(accountId: string, event?: object): Promise<void>
  /** Ends connlog as a deployment does, and starts it again on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function startFixture(): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-react-'))
  const env = {
    DATABASE_URL: `file:${join(folder, 'connlog.db')}`,
    LOG_LEVEL: 'error',
    NODE_ENV: 'production',
  }
  let connlog = await startConnlog({ ...env, RATE_LIMIT_PER_MINUTE: '0' })
  const { port } = new URL(connlog.url)
  const key = await createKey(['--service', '--scopes', 'logs:read'], env)
  const admin = await createKey(['--service', '--scopes', 'logs:read,logs:write,admin'], env)
  const backyard = await startTcpProxy(Number(port))
  const preview = await startPreview(`http://127.0.0.1:${backyard.port}`)
  const road = await startTcpProxy(Number(new URL(preview.url).port))

  const post = async (path: string, body: unknown, key: string) => {
    const response = await fetch(connlog.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const answer = (await response.json()) as { data?: unknown; errors?: unknown }
    if (!response.ok || answer.errors) throw new Error(JSON.stringify(answer))
    return answer.data
  }
  const record = async (events: readonly object[]) => {
    await post('/api/v1/connections/logs', events, admin)
  }
  await record(Array.from({ length: LOGS }, (_, index) => knownLog(index)))

  return {
    origin: `http://127.0.0.1:${road.port}`,
    road,
    backyard,
    key,
    ask: (query, variables = {}, key = admin) => post('/graphql', { query, variables }, key),
    record: (accountId, event = {}) =>
      record([
        {
          accountId,
          userId: 'u1',
          platform: 'instagram',
          eventType: 'connect_success',
          connectionMethod: 'oauth',
          ...event,
        },
      ]),
    restart: async () => {
      await connlog.stop()
      connlog = await startConnlog({ ...env, RATE_LIMIT_PER_MINUTE: '0', PORT: port })
    },
    stop: async () => {
      await road.stop()
      await preview.stop()
      await backyard.stop()
      await connlog.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

/** Every third has failed, every second is of Instagram. @param index how many are newer */
function knownLog(index: number): object {
  const hasFailed = index % 3 === 0
  return {
    userId: 'u1',
    accountId: `account-${index}`,
    platform: index % 2 === 0 ? 'instagram' : 'tiktok',
    eventType: hasFailed ? 'connect_failed' : 'connect_success',
    connectionMethod: 'oauth',
    durationMs: 1_500,
    createdAt: new Date(Date.now() - HOUR_MS / 2 - index * HOUR_MS).toISOString(),
    ...(hasFailed
      ? { error: { code: 'oauth_denied', message: 'OAuth error: access_denied' } }
      : { success: { displayName: `Name ${index} <i>`, username: `user${index}` } }),
  }
}
