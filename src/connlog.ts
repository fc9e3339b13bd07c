import { type App, createApp } from './app.ts'
import { ConfigError, parseConfig } from './config/config.ts'
import { SETTINGS, type SettingName, type SettingValues } from './config/settings.ts'
import type { Recorded } from './connections/event.ts'
import type { SentLog } from './connections/sent-log.ts'
import { failureSentence } from './database/failures.ts'
import { DatabaseOpenError } from './database/open-error.ts'
import { type NodeListener, type Peer, createNodeListener } from './http/node-listener.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { AppError } from './kernel/errors.ts'
import { type Logger, createLogger } from './kernel/logger.ts'

export type { Recorded, SentLog, Clock, Logger, NodeListener, Peer }
export type { ConnectionLog, Platform } from './connections/event.ts'
export { ConfigError }
export { DatabaseOpenError }
export { AppError, type ErrorCode } from './kernel/errors.ts'
export { createNodeListener }

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<Name>

/** What only a process of its own can heed. */
const PROCESS_SETTINGS = [
  'PORT',
  'HOST',
  'DEMO',
  'KEEP_ALIVE_SECONDS',
  'COMPRESSION',
  'SHUTDOWN_DELAY_SECONDS',
] as const satisfies SettingName[]
type ProcessSetting = (typeof PROCESS_SETTINGS)[number]

/**
 * The settings of `connlog serve` in camel case: `DATABASE_URL` is `databaseUrl`. The environment is not read, and two
 * defaults differ: `nodeEnv` is `production` (no GraphiQL, no introspection), `logLevel` is `warn`. Each may be the text
 * that the variable would have; lists, such as `extraPlatforms`, may be arrays.
 */
export type ConnlogSettings = {
  readonly [Name in Exclude<SettingName, ProcessSetting> as CamelCase<Name>]?:
    | string
    | Readonly<Extract<SettingValues[Name], number | boolean | readonly string[]>>
    | undefined
}

export interface ConnlogOptions extends ConnlogSettings {
  /** Where the service tells of its own life: JSON lines on standard error unless given. */
  readonly logger?: Logger
  readonly clock?: Clock
}

export interface Connlog {
  /**
   * Answers a request to `/graphql`, `/api/v1/connections/logs`, `/health`, `/ready` or `/metrics`.
   * @returns an instance of the platform's `Response`
   * @param peer who asks; `createNodeListener` tells it. Where nobody does, bad keys are not counted by address
   */
  fetch(request: Request, peer?: Peer): Promise<Response>
  /** Stores up to 1,000 events: all of them or none; else as for one. */
  record(events: readonly SentLog[]): Promise<Recorded[]>
  // The last one is that of which TypeScript says what is wrong with an event.
  /**
   * Stores an event, in process and with the reach of a service key; once it resolves, the event is on disk.
   * @throws {AppError} BAD_USER_INPUT or CONFLICT; SERVICE_UNAVAILABLE if the database cannot take it now
   */
  record(event: SentLog): Promise<Recorded>
  /** Opens and migrates the database and begins to clean up. @throws {DatabaseOpenError} */
  start(): Promise<void>
  /**
   * Makes `/ready` answer 503 from now on, so that load balancers look elsewhere; all else goes on. For a server that is
   * to stop in a while.
   */
  drain(): void
  /**
   * Ends all subscriptions, each with the cursor to come back with, and takes no more; streams of lines end within five
   * seconds, and say what was stored. For a server that is about to close, which waits for whomever it serves.
   */
  endStreams(): void
  /** Ends all that was started. May be called more than once. */
  stop(): Promise<void>
}

/**
 * connlog inside another program. Nothing is opened before `start`.
 * @throws {ConfigError} naming every wrong setting
 */
export function createConnlog({
  logger: own,
  clock = systemClock,
  ...settings
}: ConnlogOptions = {}): Connlog {
  const config = parseConfig({ NODE_ENV: 'production', LOG_LEVEL: 'warn', ...toEnvironment(settings) })
  const logger = own ?? createLogger(config.logLevel)
  let app: App | undefined
  let starting: Promise<App> | undefined

  async function open(): Promise<App> {
    let opened: App | undefined
    try {
      opened = await createApp({ config, logger, clock })
      await opened.database.migrations.apply()
      await opened.start()
      return opened
    } catch (error) {
      await opened?.stop()
      throw toOpenError(error)
    }
  }

  const running = (): App => {
    if (app) return app
    throw new AppError('SERVICE_UNAVAILABLE', 'connlog is not started: call start() first.', {
      retryAfterSeconds: 1,
    })
  }

  function record(events: readonly SentLog[]): Promise<Recorded[]>
  function record(event: SentLog): Promise<Recorded>
  async function record(given: SentLog | readonly SentLog[]): Promise<Recorded | Recorded[]> {
    const isList = Array.isArray(given)
    const events = (isList ? given : [given]) as readonly SentLog[]
    const recorded = await running().connectionLogs.record(
      events.map((value, index) => (isList ? { value, at: `[${index}]`, index } : { value, at: '' })),
    )
    const [first] = recorded
    return isList || !first ? recorded : first
  }

  return {
    fetch: async (request, peer) =>
      app ? toPlatform(await app.fetch(request, peer)) : new Response('Service Unavailable', { status: 503 }),
    record,
    start: async () => {
      const opening = (starting ??= open())
      try {
        const opened = await opening
        // Unless it was told to stop meanwhile, which then stops what was opened.
        if (starting === opening) app = opened
      } catch (error) {
        if (starting === opening) starting = undefined
        throw error
      }
    },
    drain: () => app?.drain(),
    endStreams: () => app?.endStreams(),
    stop: async () => {
      const opening = starting
      starting = undefined
      app = undefined
      const opened = await opening?.catch(() => undefined)
      await opened?.stop()
    },
  }
}

/** Frameworks ask for the platform's own Response. Most answers are of a class that is faster to make and to send. */
async function toPlatform(response: Response): Promise<Response> {
  const isPlatforms: boolean = response instanceof Response
  if (isPlatforms) return response
  const { status, headers } = response
  return new Response(await response.text(), { status, headers: [...headers] })
}

/** Whatever keeps the database from being opened and migrated, with its cause. The settings name files too, which are read only then. */
function toOpenError(error: unknown): DatabaseOpenError | ConfigError {
  if (error instanceof DatabaseOpenError || error instanceof ConfigError) return error
  const sentence = error instanceof AppError ? error.message : failureSentence(error)
  return new DatabaseOpenError(sentence ?? 'The database could not be opened.', { cause: error })
}

function toEnvironment(settings: ConnlogSettings): Record<string, string> {
  const known = Object.keys(SETTINGS)
    .filter((name) => !PROCESS_SETTINGS.some((setting) => setting === name))
    .map(toCamelCase)
  const unknown = Object.keys(settings).filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new ConfigError(
      unknown.map((name) => `Expected settings among ${known.join(', ')}, got \`${name}\`.`),
    )
  }
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
        String(value),
      ]),
  )
}

const toCamelCase = (name: string) =>
  name.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
