import type { Config } from '../config/config.ts'
import { LOGS_PATH } from '../connections/routes.ts'
import type { Core } from '../core.ts'
import { DEMO_USER_ID } from '../demo/events.ts'
import { hasDemoLogs } from '../demo/seed.ts'
import { GRAPHQL_PATH } from '../http/paths.ts'
import { DAY_MS } from '../kernel/clock.ts'
import { parseDatabaseUrl } from '../kernel/database-url.ts'
import { ownCommand } from './own-command.ts'
import { type Terminal, count } from './terminal.ts'

/** What a service says of itself when it starts; nothing in it is secret. */
export interface StartupFacts {
  readonly address: string
  readonly graphql: string
  readonly rest: string
  readonly database: string
  readonly retentionDays: number
  readonly validKeys: number
}

export const readStartupFacts = async (
  { keys, retentionMs }: Pick<Core, 'keys' | 'retentionMs'>,
  { databaseUrl }: Pick<Config, 'databaseUrl'>,
  address: string,
): Promise<StartupFacts> => ({
  address,
  graphql: `${address}${GRAPHQL_PATH}`,
  rest: `${address}${LOGS_PATH}`,
  database: parseDatabaseUrl(databaseUrl).display,
  retentionDays: retentionMs / DAY_MS,
  validKeys: await keys.countValid(),
})

export const startupLines = ({
  graphql,
  rest,
  database,
  retentionDays,
  validKeys,
}: StartupFacts): string[] => [
  `GraphQL:   ${graphql}`,
  `REST:      ${rest}`,
  `Database:  ${database}`,
  `Retention: ${retentionDays} ${retentionDays === 1 ? 'day' : 'days'}`,
  `Keys:      ${count(validKeys)} valid`,
]

/** Without a key every request is rejected. */
export const noKeysHint = (terminal: Pick<Terminal, 'env'>): string =>
  `No valid keys. Create one: ${ownCommand(terminal)} keys create --user ID`

/** How to get a key for GraphiQL: one of the demo user if the database still has logs of the demo. */
export async function keyHint(
  terminal: Pick<Terminal, 'env'>,
  app: Pick<Core, 'connectionLogs'>,
  { validKeys }: Pick<StartupFacts, 'validKeys'>,
): Promise<string> {
  const create = `${ownCommand(terminal)} keys create --user`
  if (await hasDemoLogs(app)) return `Create a key for the demo user: ${create} ${DEMO_USER_ID}`
  return validKeys === 0 ? noKeysHint(terminal) : `Create a key: ${create} ID`
}
