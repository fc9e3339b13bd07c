import type { EnumRef } from '@pothos/core'
import type { GraphQLEnumType } from 'graphql'
import { builder } from '../../graphql/builder.ts'
import {
  CONNECTION_METHODS,
  EVENT_TYPES,
  type ConnectionEventType,
  type ConnectionMethod,
  PLATFORMS,
  PLATFORM_NAMES,
  type Platform,
  type Platforms,
  STATUSES,
  type ConnectionStatus,
} from '../event.ts'

/** Enum values in upper case over the lower-case values of the domain. */
function enumOf<const T extends string>(
  name: string,
  description: string,
  values: readonly T[],
  describe: Record<T, string>,
) {
  type Values = { [Value in T as Uppercase<Value>]: { value: Value; description: string } }
  const entries = values.map((value) => [value.toUpperCase(), { value, description: describe[value] }])
  return builder.enumType(name, { description, values: Object.fromEntries(entries) as Values })
}

/** The built-in platforms; each schema adds those of its deployment. */
export const PlatformEnum = enumOf(
  'Platform',
  'A social-media platform.',
  PLATFORMS,
  PLATFORM_NAMES,
) as unknown as EnumRef<typeof builder.$inferSchemaTypes, Platform>

export const extraPlatformValues = (platforms: Platforms) =>
  Object.fromEntries(
    platforms
      .filter((name) => !Object.hasOwn(PLATFORM_NAMES, name))
      .map((name) => [
        name.toUpperCase(),
        { value: name, description: 'A platform that this service accepts by the setting EXTRA_PLATFORMS.' },
      ]),
  )

/**
 * Lets the logs of a platform be read that this process does not list: the setting that named it was removed, or only
 * another process has it. An error would take the whole page away. Clients have to expect values that they do not know
 * anyway, since any release may add some.
 */
export function serializeUnlisted(type: GraphQLEnumType): void {
  const names = new Map(type.getValues().map(({ name, value }) => [value as unknown, name]))
  type.serialize = (value) => names.get(value) ?? String(value).toUpperCase()
}

const EVENT_TYPE_DESCRIPTIONS: Record<ConnectionEventType, string> = {
  connect_success: 'A new account was connected.',
  connect_failed: 'An attempt to connect an account failed.',
  disconnect: 'An account was disconnected.',
  reconnect_success: 'An account that had been connected before was connected again.',
  reconnect_failed: 'An attempt to connect an account again failed.',
}

export const ConnectionEventTypeEnum = enumOf(
  'ConnectionEventType',
  'What happened to a connection.',
  EVENT_TYPES,
  EVENT_TYPE_DESCRIPTIONS,
)

const STATUS_DESCRIPTIONS: Record<ConnectionStatus, string> = {
  success: 'CONNECT_SUCCESS or RECONNECT_SUCCESS.',
  failed: 'CONNECT_FAILED or RECONNECT_FAILED.',
}

export const ConnectionStatusEnum = enumOf(
  'ConnectionStatus',
  'How an attempt ended: a shorthand over event types. A DISCONNECT has no status.',
  STATUSES,
  STATUS_DESCRIPTIONS,
)

const METHOD_DESCRIPTIONS: Record<ConnectionMethod, string> = {
  oauth: 'The platform asked the user for consent (OAuth).',
  credentials: 'The user gave credentials, such as an app password or a bot token.',
  invitation: 'Somebody else connected the account by an invitation link.',
}

export const ConnectionMethodEnum = enumOf(
  'ConnectionMethod',
  'How the connection was begun.',
  CONNECTION_METHODS,
  METHOD_DESCRIPTIONS,
)
