import { type Core, type CoreOptions, createCore } from '../core.ts'
import { type Config, parseConfig } from '../config/config.ts'
import { type Platforms, createPlatforms } from '../connections/event.ts'
import type { Logger } from '../kernel/logger.ts'
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

/** As {@link withOpened}, without what speaks HTTP, which takes as long again to load. */
export async function withApp<T>(
  terminal: Terminal,
  work: (context: CommandContext) => Promise<T>,
  options: Pick<CoreOptions, 'unhurried'> = {},
): Promise<T> {
  return withOpened(terminal, (settings) => createCore({ ...settings, ...options }), work)
}

/**
 * As {@link withApp}, on a database that is up to date. One that is new is made ready; one with logs of an older
 * version is not touched, since a service of that version may be running on it.
 */
export async function withMigratedApp<T>(
  terminal: Terminal,
  work: (context: CommandContext) => Promise<T>,
  options: Pick<CoreOptions, 'unhurried'> = {},
): Promise<T> {
  const whenMigrated = async (context: CommandContext) => {
    const { migrations } = context.app.database
    if (await migrations.isNew()) await migrations.apply()
    const pending = await migrations.pending()
    if (pending.length > 0) {
      throw new CommandError(`The database lacks ${pending.join(', ')}. Run \`connlog migrate\` first.`)
    }
    return work(context)
  }
  return withApp(terminal, whenMigrated, options)
}
