import { type App, createApp } from '../../src/app.ts'
import { ALL_SCOPES, type Scope } from '../../src/auth/scopes.ts'
import { parseConfig } from '../../src/config/config.ts'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import type { Logger } from '../../src/kernel/logger.ts'
import { CALM } from './calm.ts'
import { type Provider, createTestDatabase } from './databases.ts'

export interface TestApp extends App {
  readonly url: string
  /** What the service wrote about itself. */
  readonly logged: { level: string; fields: object; message: string }[]
  /** A new key with all scopes, or with those given. `user` is null for a service key. */
  key(user: string | null, scopes?: readonly Scope[]): Promise<string>
  /** Sends a GraphQL document with a key and returns the answer's body. */
  gql(key: string, query: string, variables?: object): Promise<GraphqlAnswer>
  /** Sends a request with a key to a path of the service. */
  send(key: string, path: string, init?: RequestInit): Promise<Response>
}

export interface GraphqlAnswer {
  readonly data?: any // oxlint-disable-line typescript/no-explicit-any -- tests read any shape of answer
  readonly errors?: readonly {
    message: string
    path?: readonly (string | number)[]
    extensions: { code: string; [key: string]: unknown }
  }[]
}

const ORIGIN = 'http://connlog.test'
const running = new Set<TestApp>()
const expected = new Set<TestApp>()

/** A service on a database of its own. It is stopped and dropped after the test, or with `stop` by the caller. */
export async function startTestApp(
  provider: Provider,
  { clock = systemClock, env = {} }: { clock?: Clock; env?: Record<string, string> } = {},
): Promise<TestApp> {
  const database = await createTestDatabase(provider)
  const logged: TestApp['logged'] = []
  const config = parseConfig({
    DATABASE_URL: database.url,
    RATE_LIMIT_PER_MINUTE: '0',
    ...CALM,
    ...env,
  })
  const app = await createApp({ config, clock, logger: captured(logged) })
  await app.database.migrations.apply()

  const send: TestApp['send'] = (key, path, init = {}) => {
    const headers = new Headers(init.headers)
    if (key !== '') headers.set('authorization', `Bearer ${key}`)
    return app.fetch(new Request(new URL(path, ORIGIN), { ...init, headers }))
  }

  const test: TestApp = {
    ...app,
    url: config.databaseUrl,
    logged,
    key: async (user, scopes = ALL_SCOPES) => (await app.keys.create({ userId: user, scopes })).key,
    send,
    gql: async (key, query, variables = {}) => {
      const response = await send(key, '/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
      return (await response.json()) as GraphqlAnswer
    },
    stop: async () => {
      if (!running.delete(test)) return
      await app.stop()
      await database.drop()
    },
  }
  running.add(test)
  return test
}

/** Keeps a service for all tests of a suite, which has to stop it itself. */
export function keep(app: TestApp): TestApp {
  expected.add(app)
  return app
}

/** Ends what a test has left running. */
export async function stopApps(): Promise<void> {
  for (const app of running) if (!expected.has(app)) await app.stop()
}

function captured(logged: TestApp['logged']): Logger {
  const at = (level: string) => (fields: object, message: string) =>
    void logged.push({ level, fields, message })
  return { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error') }
}
