import type { Command } from 'commander'
import { CONNECTION_METHODS, EVENT_TYPES, PLATFORMS, type Platforms, STATUSES } from '../connections/event.ts'
import { type ConnectionFilterInput, parseConnectionFilter } from '../connections/filter.ts'
import { badInput } from '../kernel/errors.ts'
import { systemClock } from '../kernel/clock.ts'
import { MOMENT_EXPECTED, momentMs } from './duration.ts'

/** The options of a command that filters logs, as they were given. */
export interface FilterOptions {
  readonly platform?: readonly string[]
  readonly eventType?: readonly string[]
  readonly status?: string
  readonly method?: readonly string[]
  readonly user?: readonly string[]
  readonly profile?: readonly string[]
  readonly account?: readonly string[]
  readonly errorCode?: readonly string[]
  readonly after?: string
  readonly before?: string
  readonly search?: string
}

const again = (value: string, before: readonly string[] = []) => [...before, value]
/** Words of ours hold no comma; ids and error codes may. */
const apart = (list: string, before: readonly string[] = []) => [
  ...before,
  ...list.split(',').map((value) => value.trim()),
]

/** Gives a command the parts of a filter as options. */
export const addFilterOptions = (command: Command): Command =>
  command
    .option('--platform <list>', `only these, of ${PLATFORMS.join(', ')} and EXTRA_PLATFORMS`, apart)
    .option('--event-type <list>', `only these, of ${EVENT_TYPES.join(', ')}`, apart)
    .option('--status <status>', `only ${STATUSES.join(' or ')}`)
    .option('--method <list>', `only these, of ${CONNECTION_METHODS.join(', ')}`, apart)
    .option('--user <id>', 'only of this user; as the next three, it may be given several times', again)
    .option('--profile <id>', 'only of this profile', again)
    .option('--account <id>', 'only of this account', again)
    .option('--error-code <code>', 'only with this error code', again)
    .option(
      '--after <instant>',
      'only from this instant on, such as 2026-01-31T12:00:00Z, or since so long ago, such as 1h or 7d',
    )
    .option('--before <instant>', 'only before this instant, or so long ago')
    .option('--search <words>', 'only with words that begin so, in the error or a name')

/** What the parts of a filter are called here. */
const OPTION_NAMES: Readonly<Record<keyof ConnectionFilterInput, string>> = {
  platform: '--platform',
  eventType: '--event-type',
  status: '--status',
  connectionMethod: '--method',
  userId: '--user',
  profileId: '--profile',
  accountId: '--account',
  errorCode: '--error-code',
  createdAfter: '--after',
  createdBefore: '--before',
  search: '--search',
}

/**
 * @param platforms those that logs may have; undefined for the logs of a service, which knows its own
 * @throws {AppError} BAD_USER_INPUT naming the first wrong option
 */
export function parseFilterOptions(
  options: FilterOptions,
  platforms: Platforms | undefined,
): ConnectionFilterInput {
  const filter: ConnectionFilterInput = {
    platform: platforms
      ? options.platform?.map((value) => oneOf(OPTION_NAMES.platform, platforms, value))
      : options.platform,
    eventType: options.eventType?.map((value) => oneOf(OPTION_NAMES.eventType, EVENT_TYPES, value)),
    status: options.status === undefined ? undefined : oneOf(OPTION_NAMES.status, STATUSES, options.status),
    connectionMethod: options.method?.map((value) =>
      oneOf(OPTION_NAMES.connectionMethod, CONNECTION_METHODS, value),
    ),
    userId: options.user,
    profileId: options.profile,
    accountId: options.account,
    errorCode: options.errorCode,
    createdAfter: optionalMoment(OPTION_NAMES.createdAfter, options.after),
    createdBefore: optionalMoment(OPTION_NAMES.createdBefore, options.before),
    search: options.search,
  }
  // For the sake of the names: whoever uses the filter checks it again.
  parseConnectionFilter(filter, (part) => OPTION_NAMES[part])
  return filter
}

export function oneOf<const T extends string>(name: string, values: readonly T[], text: string): T {
  const value = values.find((known) => known === text)
  if (value === undefined) throw badInput(name, `one of ${values.join(', ')}`, text)
  return value
}

const optionalMoment = (name: string, text: string | undefined) =>
  text === undefined ? undefined : parseMoment(name, text)

/** @throws {AppError} BAD_USER_INPUT */
export function parseMoment(name: string, text: string): number {
  const ms = momentMs(text, systemClock.now())
  if (ms === undefined) throw badInput(name, MOMENT_EXPECTED, text)
  return ms
}
