import { builder } from '../../graphql/builder.ts'
import { STATEMENT, costs } from '../../graphql/cost.ts'
import { badInput } from '../../kernel/errors.ts'
import { formatInstant } from '../../kernel/instant.ts'
import type { CleanupResult } from '../../logs/retention.ts'
import { MAX_BATCH } from '../connection-logs.ts'
import type { Recorded } from '../event.ts'
import { ConnectionEventTypeEnum, ConnectionMethodEnum, PlatformEnum } from './enums.ts'
import { ConnectionLogType } from './log.ts'
import { MAINTENANCE, STORED, inputSize } from './prices.ts'

const SuccessInput = builder.inputType('ConnectionSuccessInput', {
  description: 'Who was connected.',
  fields: (t) => ({
    displayName: t.string({
      description: 'Name that the platform shows for the account; at most 512 characters.',
    }),
    username: t.string({ description: 'Handle of the account; at most 256 characters.' }),
    profilePicture: t.string({ description: 'Address of the profile picture; at most 2,048 characters.' }),
    permissions: t.stringList({ description: 'OAuth scopes that were granted; at most 200.' }),
    tokenExpiresAt: t.field({
      type: 'DateTime',
      description: 'When the access token that was granted expires.',
    }),
    accountType: t.string({ description: 'Kind of account, such as personal, business or organization.' }),
  }),
})

const ErrorInput = builder.inputType('ConnectionErrorInput', {
  description: 'Why it failed.',
  fields: (t) => ({
    code: t.string({ description: 'Error code, such as oauth_denied; cut to 128 characters.' }),
    message: t.string({ description: 'What went wrong, in words; cut to 4,000 characters.' }),
    rawResponse: t.string({
      description:
        'What the platform answered. Tokens and secrets are taken out, and it is cut to 2,000 characters.',
    }),
  }),
})

const ContextInput = builder.inputType('ConnectionContextInput', {
  description: 'How the connection was attempted.',
  fields: (t) => ({
    hasCustomRedirectUrl: t.boolean({ description: 'Whether a redirect URL of the customer was used.' }),
    isHeadlessMode: t.boolean({
      description: 'Whether the customer drew the pages of the connection itself.',
    }),
    isReconnection: t.boolean({ description: 'Whether the account had been connected before.' }),
    isBYOK: t.boolean({
      description: "Whether the customer's own platform app was used (bring your own keys).",
    }),
    invitationToken: t.string({ description: 'Accepted for convenience, and never stored.' }),
    connectToken: t.string({ description: 'Accepted for convenience, and never stored.' }),
  }),
})

const RecordInput = builder.inputType('RecordConnectionLogInput', {
  description: 'One event, as its producer saw it.',
  fields: (t) => ({
    eventId: t.id({
      description:
        "The producer's own id of the event. However often it is sent for a user, it is stored once; sent with other content it is a CONFLICT.",
    }),
    userId: t.id({
      reach: 'own user',
      description: 'User who owns the connection. The key of a user may leave it out.',
    }),
    profileId: t.id({ description: 'Profile of the user to which the account belongs.' }),
    accountId: t.id({ description: 'Account that was connected or disconnected.' }),
    platform: t.field({ type: PlatformEnum, required: true, description: 'Platform of the account.' }),
    eventType: t.field({ type: ConnectionEventTypeEnum, required: true, description: 'What happened.' }),
    connectionMethod: t.field({
      type: ConnectionMethodEnum,
      required: true,
      description: 'How the connection was begun.',
    }),
    success: t.field({ type: SuccessInput, description: 'Who was connected, on successful events.' }),
    error: t.field({ type: ErrorInput, description: 'Why it failed, on failed events.' }),
    context: t.field({ type: ContextInput, description: 'How the connection was attempted.' }),
    durationMs: t.int({ description: 'How long the operation took, in milliseconds.' }),
    metadata: t.field({
      type: 'JSONObject',
      description:
        'Anything else worth noting: at most 16,384 bytes as JSON. Send numbers of more than 15 digits as text.',
    }),
    createdAt: t.field({
      type: 'DateTime',
      description:
        'When it happened: within the retention and at most 5 minutes ahead. The time of receipt if absent.',
    }),
  }),
})

const RecordedType = builder.objectRef<Recorded>('RecordConnectionLogPayload').implement({
  description: 'What became of one event.',
  fields: (t) => ({
    log: t.expose('log', { type: ConnectionLogType, description: 'The log as it is stored.' }),
    created: t.exposeBoolean('created', {
      description: 'False if this event had been stored before; `log` is then the one stored first.',
    }),
  }),
})

const RecordedAllType = builder.objectRef<Recorded[]>('RecordConnectionLogsPayload').implement({
  description: 'What became of several events.',
  fields: (t) => ({
    results: t.field({
      type: [RecordedType],
      description: 'One for each input, in order.',
      resolve: (results) => results,
      extensions: costs({ size: (_, around) => inputSize(around) }),
    }),
    created: t.int({
      description: 'How many were stored now.',
      resolve: (results) => results.filter(({ created }) => created).length,
    }),
    duplicates: t.int({
      description: 'How many had been stored before.',
      resolve: (results) => results.filter(({ created }) => !created).length,
    }),
  }),
})

const CleanupType = builder.objectRef<CleanupResult>('CleanupPayload').implement({
  description: 'What a cleanup did, or would do.',
  fields: (t) => ({
    deleted: t.exposeInt('deleted', {
      description: 'How many expired logs were deleted, or would be with `dryRun`.',
    }),
    dryRun: t.exposeBoolean('dryRun', { description: 'Whether nothing was deleted in fact.' }),
    cutoff: t.expose('cutoffMs', {
      type: 'DateTime',
      description: 'Logs created up to this instant have expired.',
    }),
  }),
})

builder.mutationFields((t) => ({
  recordConnectionLog: t.field({
    type: RecordedType,
    needs: 'logs:write',
    description: 'Stores one event. Once answered, it is on disk.',
    args: { input: t.arg({ type: RecordInput, required: true, description: 'The event.' }) },
    resolve: async (_, { input }, { connectionLogs }) => {
      const [recorded] = await connectionLogs.record([{ value: asJson(input), at: 'input' }])
      if (!recorded) throw new TypeError('the store gave no outcome')
      return recorded
    },
    extensions: costs({ weight: STATEMENT }),
  }),
  recordConnectionLogs: t.field({
    type: RecordedAllType,
    needs: 'logs:write',
    description: `Stores up to ${MAX_BATCH} events together: all of them or none.`,
    args: { inputs: t.arg({ type: [RecordInput], required: true, description: 'The events.' }) },
    resolve: (_, { inputs }, { connectionLogs }) => {
      if (inputs.length > MAX_BATCH)
        throw badInput('inputs', `a list of at most ${MAX_BATCH} logs`, inputs.length)
      return connectionLogs.record(
        inputs.map((input, index) => ({ value: asJson(input), at: `inputs[${index}]`, index })),
      )
    },
    extensions: costs({ weight: (own) => STATEMENT + STORED * inputSize(own) }),
  }),
  cleanupExpiredConnectionLogs: t.field({
    type: CleanupType,
    needs: 'admin',
    reach: 'service key',
    description:
      'Deletes what has expired, of all users, now rather than at the next round. Expired logs are never shown, deleted or not.',
    args: {
      dryRun: t.arg.boolean({ defaultValue: false, description: 'Only count what would be deleted.' }),
    },
    resolve: (_, { dryRun }, { connectionLogs }) => connectionLogs.cleanup(dryRun ?? false),
    extensions: costs({ weight: MAINTENANCE }),
  }),
}))

/** An input as producers write it in JSON, where instants are text; every other part is the same already. */
function asJson({ createdAt, success, ...rest }: typeof RecordInput.$inferInput): unknown {
  return {
    ...rest,
    createdAt: instantText(createdAt),
    success: success && { ...success, tokenExpiresAt: instantText(success.tokenExpiresAt) },
  }
}

const instantText = (ms: number | null | undefined) => (typeof ms === 'number' ? formatInstant(ms) : ms)
