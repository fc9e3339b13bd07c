import { expectation } from '../kernel/errors.ts'
import { SECOND_MS } from '../kernel/clock.ts'
import type { LogLevel } from '../kernel/logger.ts'
import { SETTINGS, type SettingName, type SettingValues } from './settings.ts'

/** What the service is told from outside, parsed and frozen. */
export interface Config {
  readonly databaseUrl: string
  readonly port: number
  readonly host: string
  /** Undefined where nothing is said: then what the database remembers holds. */
  readonly retentionDays: number | undefined
  /** Platforms besides the built-in ones. */
  readonly extraPlatforms: readonly string[]
  /** Requests a key may make in a minute; 0 = no limit. */
  readonly rateLimitPerMinute: number
  /** Bad keys that may come from an address in a minute; 0 = no limit. */
  readonly badKeysPerMinute: number
  /** How many proxies before the service are believed where a request comes from. */
  readonly trustedProxies: number
  readonly logLevel: LogLevel
  readonly graphiql: boolean
  readonly introspection: boolean
  readonly demo: boolean
  readonly cleanupIntervalMs: number
  readonly poolSize: number
  readonly sqliteReaders: number
  readonly maxBodyBytes: number
  readonly maxResponseBytes: number
  /** The path below which the service is mounted; empty for none. */
  readonly basePath: string
  readonly compression: boolean
  /** Most subscriptions at a time, of this process and of a key. */
  readonly streams: number
  readonly streamsPerKey: number
  readonly streamHeartbeatMs: number
  readonly requestTimeoutMs: number
  /** From how many milliseconds on an answer is slow; 0 = none is. */
  readonly slowRequestMs: number
  readonly metrics: boolean
  readonly metricsToken: string | undefined
  /** Most requests that are worked on at a time, and most streams of lines. */
  readonly maxConcurrentRequests: number
  /** The most that one user gets of what all users share. */
  readonly userSharePercent: number
  /** Most bytes of answers that clients have not read, in this process. */
  readonly maxUnreadBytes: number
  /** How long a request may have waited for others when its turn comes. */
  readonly maxQueueMs: number
  readonly keepAliveMs: number
  /** How long the service goes on serving, not ready, after it was told to stop. */
  readonly shutdownDelayMs: number
  readonly maxQueryCost: number
  readonly maxQueryTokens: number
  /** Origins whose pages may call from a browser, as browsers write them. */
  readonly corsOrigins: readonly string[]
  /** Path of the file of persisted operations; undefined for none. */
  readonly persistedOperations: string | undefined
  readonly persistedOperationsOnly: boolean
}

/** All that is wrong with the settings, one sentence each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

function complaintAbout(name: SettingName, text: string | undefined): string {
  const { expected } = SETTINGS[name]
  if ('isSecret' in SETTINGS[name]) return `Expected \`${name}\` to be ${expected}, got something else.`
  return expectation(name, expected, text)
}

/**
 * Reads the settings from `env`, which is not touched; an empty variable counts as not set.
 * @throws {ConfigError} naming every wrong setting at once, never only the first.
 */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []
  const read: Record<string, unknown> = {}
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const text = env[name] === '' ? undefined : env[name]
    const result = SETTINGS[name].read(text)
    if (result.success) read[name] = result.data
    else problems.push(result.problem ?? complaintAbout(name, text))
  }
  if (read['PERSISTED_OPERATIONS_ONLY'] === true && read['PERSISTED_OPERATIONS'] === undefined)
    problems.push(
      'Expected `PERSISTED_OPERATIONS` to name a file, since `PERSISTED_OPERATIONS_ONLY` is true.',
    )
  if (problems.length > 0) throw new ConfigError(problems)
  const values = read as SettingValues
  const production = values.NODE_ENV === 'production'
  return Object.freeze({
    databaseUrl: values.DATABASE_URL,
    port: values.PORT,
    host: values.HOST,
    retentionDays: values.RETENTION_DAYS,
    extraPlatforms: values.EXTRA_PLATFORMS,
    rateLimitPerMinute: values.RATE_LIMIT_PER_MINUTE,
    badKeysPerMinute: values.BAD_KEYS_PER_MINUTE,
    trustedProxies: values.TRUSTED_PROXIES,
    logLevel: values.LOG_LEVEL,
    graphiql: values.GRAPHIQL ?? !production,
    introspection: values.INTROSPECTION ?? !production,
    demo: values.DEMO ?? !production,
    cleanupIntervalMs: values.CLEANUP_INTERVAL_SECONDS * SECOND_MS,
    poolSize: values.POOL_SIZE,
    sqliteReaders: values.SQLITE_READERS,
    maxBodyBytes: values.MAX_BODY_BYTES,
    maxResponseBytes: values.MAX_RESPONSE_BYTES,
    basePath: values.BASE_PATH ?? '',
    compression: values.COMPRESSION ?? true,
    streams: values.STREAMS,
    streamsPerKey: values.STREAMS_PER_KEY,
    streamHeartbeatMs: values.STREAM_HEARTBEAT_SECONDS * SECOND_MS,
    requestTimeoutMs: values.REQUEST_TIMEOUT_SECONDS * SECOND_MS,
    slowRequestMs: values.SLOW_REQUEST_MS,
    metrics: values.METRICS ?? true,
    metricsToken: values.METRICS_TOKEN,
    maxConcurrentRequests: values.MAX_CONCURRENT_REQUESTS,
    userSharePercent: values.USER_SHARE_PERCENT,
    maxUnreadBytes: values.MAX_UNREAD_BYTES,
    maxQueueMs: values.MAX_QUEUE_MILLISECONDS,
    keepAliveMs: values.KEEP_ALIVE_SECONDS * SECOND_MS,
    shutdownDelayMs: values.SHUTDOWN_DELAY_SECONDS * SECOND_MS,
    maxQueryCost: values.MAX_QUERY_COST,
    maxQueryTokens: values.MAX_QUERY_TOKENS,
    corsOrigins: values.CORS_ORIGINS,
    persistedOperations: values.PERSISTED_OPERATIONS,
    persistedOperationsOnly: values.PERSISTED_OPERATIONS_ONLY ?? false,
  })
}
