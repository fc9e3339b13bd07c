import { builder } from '../../graphql/builder.ts'
import { readFrom } from '../../graphql/source.ts'
import { parseInstant } from '../../kernel/instant.ts'
import {
  type ConnectionContext,
  type ConnectionError,
  type ConnectionLog,
  type ConnectionSuccess,
  EVENT_TYPES,
  statusOf,
} from '../event.ts'
import { ConnectionEventTypeEnum, ConnectionMethodEnum, ConnectionStatusEnum, PlatformEnum } from './enums.ts'

const optional = (description: string) => ({ nullable: true, description }) as const

export const ConnectionSuccessType = builder.objectRef<ConnectionSuccess>('ConnectionSuccess').implement({
  description: 'Who was connected; present on successful events.',
  fields: (t) => ({
    displayName: t.exposeString('displayName', optional('Name that the platform shows for the account.')),
    username: t.exposeString('username', optional('Handle of the account, as the platform writes it.')),
    profilePicture: t.exposeString('profilePicture', optional('Address of the profile picture.')),
    permissions: t.exposeStringList('permissions', optional('OAuth scopes that were granted.')),
    tokenExpiresAt: t.field({
      type: 'DateTime',
      ...optional('When the access token that was granted expires.'),
      extensions: readFrom('tokenExpiresAt'),
      resolve: ({ tokenExpiresAt }) =>
        tokenExpiresAt === undefined ? null : (parseInstant(tokenExpiresAt) ?? null),
    }),
    accountType: t.exposeString(
      'accountType',
      optional('Kind of account, such as personal, business or organization.'),
    ),
  }),
})

export const ConnectionErrorType = builder.objectRef<ConnectionError>('ConnectionError').implement({
  description: 'Why it failed; present on failed events.',
  fields: (t) => ({
    code: t.exposeString('code', optional('Error code, such as oauth_denied or token_exchange_failed.')),
    message: t.exposeString('message', optional('What went wrong, in words.')),
    rawResponse: t.exposeString(
      'rawResponse',
      optional('What the platform answered: at most 2,000 characters, with tokens and secrets taken out.'),
    ),
  }),
})

export const ConnectionContextType = builder.objectRef<ConnectionContext>('ConnectionContext').implement({
  description: 'How the connection was attempted.',
  fields: (t) => ({
    hasCustomRedirectUrl: t.exposeBoolean(
      'hasCustomRedirectUrl',
      optional('Whether a redirect URL of the customer was used.'),
    ),
    isHeadlessMode: t.exposeBoolean(
      'isHeadlessMode',
      optional('Whether the customer drew the pages of the connection itself.'),
    ),
    isReconnection: t.exposeBoolean(
      'isReconnection',
      optional('Whether the account had been connected before.'),
    ),
    isBYOK: t.exposeBoolean(
      'isBYOK',
      optional("Whether the customer's own platform app was used (bring your own keys)."),
    ),
  }),
})

export const NodeInterface = builder.interfaceRef<ConnectionLog>('Node').implement({
  description: 'An object that can be fetched again by its id.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Id of the object, unique among all objects.' }),
  }),
})

export const ConnectionLogType = builder.objectRef<ConnectionLog>('ConnectionLog').implement({
  interfaces: [NodeInterface],
  isTypeOf: () => true,
  description: "One immutable event in the life of a social-media account's connection to the product.",
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Id of the log. Opaque: it has no meaning but equality.' }),
    userId: t.exposeID(
      'userId',
      optional(
        'User who owns the connection; null for early OAuth failures, when the user is not known yet.',
      ),
    ),
    profileId: t.exposeID('profileId', optional('Profile of the user to which the account belongs.')),
    accountId: t.exposeID(
      'accountId',
      optional('Account; present on successful connections and on disconnects.'),
    ),
    eventId: t.exposeID('eventId', optional("The producer's own id of the event, if it gave one.")),
    platform: t.expose('platform', { type: PlatformEnum, description: 'Platform of the account.' }),
    eventType: t.expose('eventType', { type: ConnectionEventTypeEnum, description: 'What happened.' }),
    status: t.field({
      type: ConnectionStatusEnum,
      ...optional('How the attempt ended, by the event type; null for a disconnect.'),
      extensions: readFrom(
        'eventType',
        new Map(EVENT_TYPES.map((eventType) => [eventType, statusOf(eventType)])),
      ),
      resolve: ({ eventType }) => statusOf(eventType),
    }),
    connectionMethod: t.expose('connectionMethod', {
      type: ConnectionMethodEnum,
      description: 'How the connection was begun.',
    }),
    success: t.expose('success', {
      type: ConnectionSuccessType,
      ...optional('Who was connected; on successful events.'),
    }),
    error: t.expose('error', { type: ConnectionErrorType, ...optional('Why it failed; on failed events.') }),
    context: t.expose('context', {
      type: ConnectionContextType,
      description: 'How the connection was attempted.',
    }),
    durationMs: t.exposeInt('durationMs', optional('How long the operation took, in milliseconds.')),
    metadata: t.expose('metadata', { type: 'JSONObject', ...optional('Whatever else the producer noted.') }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When it happened, to the millisecond.',
    }),
  }),
})
