import { type App, createApp } from './app.ts'
import { parseConfig } from './config/config.ts'
import type { SettingName } from './config/settings.ts'
import type { Recorded } from './connections/connection-logs.ts'
import type { RecordInput } from './connections/input.ts'
import { createNodeListener } from './http/listen.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { AppError } from './kernel/errors.ts'
import { type Logger, silentLogger } from './kernel/logger.ts'

export type { Recorded, RecordInput, Clock, Logger }
export type { ConnectionLog } from './connections/event.ts'
export { ConfigError } from './config/config.ts'
export { DatabaseOpenError } from './database/port.ts'
export { AppError, type ErrorCode } from './kernel/errors.ts'
export { createNodeListener }

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<Name>

/** The settings of `connlog serve` in camel case: `DATABASE_URL` is `databaseUrl`. The environment is not read. */
export type ConnlogSettings = {
  readonly [Name in SettingName as CamelCase<Name>]?: string | number | boolean
}

export interface ConnlogOptions extends ConnlogSettings {
  /** Where the service tells of its own life; nowhere unless given. */
  readonly logger?: Logger
  readonly clock?: Clock
}

/** What may be recorded: the fields of a log, `createdAt` and `success.tokenExpiresAt` as RFC 3339 text. */
export type RecordedInput = Partial<RecordInput> &
  Pick<RecordInput, 'platform' | 'eventType' | 'connectionMethod'>

export interface Connlog {
  /** Answers a request to `/graphql`, `/api/v1/connections/logs`, `/health` or `/ready`. */
  fetch(request: Request): Promise<Response>
  /**
   * Stores an event, in process and with the reach of a service key; once it resolves, the event is on disk.
   * @throws {AppError} BAD_USER_INPUT or CONFLICT; SERVICE_UNAVAILABLE if the database cannot take it now
   */
  record(event: RecordedInput): Promise<Recorded>
  /** Stores up to 1,000 events: all of them or none. */
  record(events: readonly RecordedInput[]): Promise<Recorded[]>
  /** Opens and migrates the database and begins to clean up. @throws {DatabaseOpenError} */
  start(): Promise<void>
  /** Ends all that was started. May be called more than once. */
  stop(): Promise<void>
}

/**
 * connlog inside another program. Nothing is opened before `start`. Where `nodeEnv` is not given it is `production`:
 * no GraphiQL, no introspection.
 * @throws {ConfigError} naming every wrong setting
 */
export function createConnlog({
  logger = silentLogger,
  clock = systemClock,
  ...settings
}: ConnlogOptions = {}): Connlog {
  const config = parseConfig({ NODE_ENV: 'production', ...toEnvironment(settings) })
  let app: App | undefined

  const running = (): App => {
    if (app) return app
    throw new AppError('SERVICE_UNAVAILABLE', 'connlog is not started: call start() first.', {
      retryAfterSeconds: 1,
    })
  }

  function record(event: RecordedInput): Promise<Recorded>
  function record(events: readonly RecordedInput[]): Promise<Recorded[]>
  async function record(given: RecordedInput | readonly RecordedInput[]): Promise<Recorded | Recorded[]> {
    const isList = Array.isArray(given)
    const events = (isList ? given : [given]) as readonly RecordedInput[]
    const recorded = await running().connectionLogs.record(
      events.map((value, index) => ({ value, at: isList ? `[${index}]` : '' })),
    )
    const [first] = recorded
    return isList || !first ? recorded : first
  }

  return {
    fetch: async (request) =>
      app ? app.fetch(request) : new Response('Service Unavailable', { status: 503 }),
    record,
    start: async () => {
      if (app) return
      const opened = await createApp({ config, logger, clock })
      try {
        await opened.database.migrations.apply()
      } catch (error) {
        await opened.stop()
        throw error
      }
      opened.start()
      app = opened
    },
    stop: async () => {
      const stopping = app
      app = undefined
      await stopping?.stop()
    },
  }
}

function toEnvironment(settings: ConnlogSettings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
        String(value),
      ]),
  )
}
