/** What docs/library.md shows, by all that connlog exports. It is compiled where connlog is installed, and never run. */
import { createServer } from 'node:http'
import {
  AppError,
  type Clock,
  ConfigError,
  type ConnectionLog,
  type Connlog,
  type ConnlogOptions,
  type ConnlogSettings,
  DatabaseOpenError,
  type ErrorCode,
  type Logger,
  type NodeListener,
  type Peer,
  type Platform,
  type Recorded,
  type SentLog,
  createConnlog,
  createNodeListener,
} from 'connlog'

const settings: ConnlogSettings = {
  databaseUrl: process.env['CONNLOG_DATABASE_URL'],
  nodeEnv: process.env['NODE_ENV'],
  retentionDays: 30,
  rateLimitPerMinute: '1200',
  graphiql: true,
}
const logger: Logger = { debug: () => {}, info: () => {}, warn: console.warn, error: console.error }
const clock: Clock = { now: () => 0, steadyMs: () => 0, sleep: async (_ms, _signal) => {} }
const options: ConnlogOptions = { ...settings, logger, clock }

export async function serve(): Promise<Connlog> {
  const connlog = createConnlog(options)
  try {
    await connlog.start()
  } catch (error) {
    if (error instanceof DatabaseOpenError) console.error(error.message)
    if (error instanceof ConfigError) console.error(error.problems.join(', '))
    throw error
  }
  const answer: NodeListener = createNodeListener(connlog.fetch)
  const server = createServer((request, response) => void answer(request, response)).listen(4000)
  process.once('SIGTERM', () => {
    connlog.drain()
    connlog.endStreams()
    server.close(() => void connlog.stop())
  })
  return connlog
}

export async function ask(connlog: Connlog, key: string, peer: Peer): Promise<number> {
  const request = new Request('http://connlog/graphql', { headers: { authorization: `Bearer ${key}` } })
  const response: Response = await connlog.fetch(request, peer)
  await createConnlog().fetch(request)
  return response.status
}

export async function record(connlog: Connlog): Promise<readonly string[] | ErrorCode> {
  const event: SentLog = {
    eventId: 'attempt-21',
    userId: null,
    platform: 'tiktok' satisfies Platform,
    eventType: 'connect_failed',
    connectionMethod: 'oauth',
    error: { code: 'oauth_denied', message: 'OAuth error: access_denied' },
    context: { isReconnection: false },
    metadata: { region: 'eu', tries: [1, 2] },
    createdAt: new Date().toISOString(),
  }
  try {
    const { log, created }: Recorded = await connlog.record(event)
    const all: Recorded[] = await connlog.record([event, { ...event, success: { permissions: ['read'] } }])
    const logs: ConnectionLog[] = all.map((recorded) => recorded.log)
    return created ? [log.id, new Date(log.createdAt).toISOString()] : logs.map(({ id }) => id)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { code, index, retryAfterSeconds } = error
    console.error(index ?? 0, retryAfterSeconds ?? 0)
    return code
  }
}
