import { resolve } from 'node:path'
import { type Core, type CoreOptions, createCore } from '../core.ts'
import { type Config, parseConfig } from '../config/config.ts'
import { type Platforms, createPlatforms } from '../connections/event.ts'
import { DatabaseOpenError, noDatabase } from '../database/open-error.ts'
import { parseDatabaseUrl } from '../kernel/database-url.ts'
import type { Logger } from '../kernel/logger.ts'
import { IN_MEMORY } from '../kernel/sqlite-url.ts'
import { CommandError, type Terminal } from './terminal.ts'
import { createTerminalLogger } from './terminal-logger.ts'

export interface CommandContext<App extends Core = Core> {
  readonly app: App
  readonly config: Config
  readonly logger: Logger
}

/** The platforms of the settings, for what is checked before a database is opened. */
export const platformsOf = ({ env }: Terminal): Platforms => createPlatforms(parseConfig(env).extraPlatforms)

/** Opens what the settings name, calls `work`, and closes it again whatever happens. */
export async function withOpened<App extends Core, T>(
  terminal: Terminal,
  open: (options: CoreOptions) => Promise<App>,
  work: (context: CommandContext<App>) => Promise<T>,
  close: (app: App) => Promise<void> = (app) => app.stop(),
): Promise<T> {
  const config = parseConfig(terminal.env)
  const logger = await createTerminalLogger(terminal, config.logLevel)
  const app = await open({ config, logger })
  try {
    return await work({ app, config, logger })
  } finally {
    await close(app)
  }
}

/** Without `mayCreate` a database that is not there yet stays so. */
type DatabaseUse = Pick<CoreOptions, 'unhurried' | 'mayCreate'>

/** As {@link withOpened}, without what speaks HTTP, which takes as long again to load. */
export async function withApp<T>(
  terminal: Terminal,
  work: (context: CommandContext) => Promise<T>,
  { mayCreate = false, ...options }: DatabaseUse = {},
): Promise<T> {
  const open = (settings: CoreOptions) => {
    refuseMemory(settings.config)
    return createCore({ ...settings, ...options, mayCreate })
  }
  return withOpened(terminal, open, work)
}

/** No other process sees what a command would write there, and nothing is left of it. */
function refuseMemory({ databaseUrl }: Config): void {
  const address = parseDatabaseUrl(databaseUrl)
  if (address.type === 'sqlite' && address.path === IN_MEMORY)
    throw new DatabaseOpenError(
      'A database in memory ends with its process, so only `connlog serve` can use one. Set DATABASE_URL to the database of the service, such as file:./data/connlog.db.',
    )
}

/** Which database that is, as the setting names it. */
function shortName({ databaseUrl }: Config): string {
  const address = parseDatabaseUrl(databaseUrl)
  return address.type === 'sqlite'
    ? address.display
    : `${address.display}, schema ${address.parameters.schema}`
}

/** The same, of a file with its whole path. */
export const fullName = (config: Config): string => {
  const address = parseDatabaseUrl(config.databaseUrl)
  return address.type === 'sqlite' ? resolve(address.path) : shortName(config)
}

/**
 * As {@link withApp}, on a database that is up to date. With `mayCreate`, one that is new is migrated; one with logs of
 * an older version is not touched, since a service of that version may be running on it.
 */
export async function withMigratedApp<T>(
  terminal: Terminal,
  work: (context: CommandContext) => Promise<T>,
  options: DatabaseUse = {},
): Promise<T> {
  const whenMigrated = async (context: CommandContext) => {
    const { migrations } = context.app.database
    if (await migrations.isNew()) {
      if (!options.mayCreate) throw new CommandError(noDatabase(shortName(context.config)))
      await migrations.apply()
    }
    const pending = await migrations.pending()
    if (pending.length > 0) {
      throw new CommandError(`The database lacks ${pending.join(', ')}. Run \`connlog migrate\` first.`)
    }
    return work(context)
  }
  return withApp(terminal, whenMigrated, options)
}

/** As {@link withMigratedApp}; a database that is missing is created. */
export async function withCreatedApp<T>(
  terminal: Terminal,
  work: (context: CommandContext) => Promise<T>,
): Promise<T> {
  return withMigratedApp(terminal, work, { mayCreate: true })
}
