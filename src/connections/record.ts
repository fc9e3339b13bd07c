import type { Principal } from '../auth/principal.ts'
import { AppError, cut, show } from '../kernel/errors.ts'
import { MINTED_ID_LENGTH, idTimeMs } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { storable } from '../kernel/text.ts'
import type { NewLog } from '../logs/append.ts'
import type { Horizon } from '../logs/query.ts'
import { inStoredNotation } from './content.ts'
import type { ConnectionContext, ConnectionError, ConnectionLog, ConnectionSuccess } from './event.ts'
import {
  MAX_CODE_LENGTH,
  MAX_MESSAGE_LENGTH,
  MAX_PICTURE_LENGTH,
  type RecordInput,
  type RecordParser,
  createdAtOf,
} from './input.ts'
import { parseMetadata, requireSize } from './metadata.ts'
import { redactRawResponse, redactUpTo } from './redact.ts'
import { redactJson } from './redact-json.ts'

export interface RecordContext extends Horizon {
  readonly principal: Principal
  readonly mintId: (atMs: number) => string
  readonly parse: RecordParser
}

/** Something sent by a producer. */
export interface Sent {
  /** JSON as it was parsed. */
  readonly value: unknown
  /** What the producer calls it, for sentences: `input`, `inputs[3]`, `[3]`; empty for a lone log. */
  readonly at: string
  /** Its place in a list, for errors. */
  readonly index?: number
}

/**
 * Makes a log out of what a producer sent: checks it, takes secrets out, and gives it its user, instant and id.
 * @throws {AppError} BAD_USER_INPUT naming the first wrong field; FORBIDDEN for another user's log
 */
export function newConnectionLog({ value, at, index }: Sent, context: RecordContext): NewLog<ConnectionLog> {
  const input = context.parse(value, at, index)
  const userId = userOf(input, at, context.principal, index)
  const createdAt = createdAtOf(input, at, context, index)
  const { id, eventId, eventIds } = namesOf(input, createdAt, context.mintId)
  const log: ConnectionLog = {
    id,
    userId,
    profileId: input.profileId ?? null,
    accountId: input.accountId ?? null,
    eventId,
    platform: input.platform,
    eventType: input.eventType,
    connectionMethod: input.connectionMethod,
    success: successOf(input.success),
    error: errorOf(input.error),
    context: contextOf(input.context),
    durationMs: input.durationMs ?? null,
    metadata: metadataOf(input, at, index),
    createdAt,
  }
  const eventIdAt = fieldAt(at, typeof input.eventId === 'string' ? 'eventId' : '_id')
  return { log, eventIds, createdAtGiven: typeof input.createdAt === 'string', eventIdAt, index }
}

function userOf(
  input: RecordInput,
  at: string,
  { userId }: Principal,
  index: number | undefined,
): string | null {
  const wanted = input.userId ?? null
  if (userId === null || wanted === null || wanted === userId) return userId ?? wanted
  const sentence = `Expected \`${fieldAt(at, 'userId')}\` to be the key's own user or absent, got ${show(wanted)}.`
  throw new AppError('FORBIDDEN', sentence, index === undefined ? {} : { index })
}

function metadataOf({ metadata }: RecordInput, at: string, index: number | undefined): JsonObject | null {
  if (metadata === null || metadata === undefined) return null
  const name = fieldAt(at, 'metadata')
  const redacted = redactJson(parseMetadata(metadata, name, index))
  requireSize(redacted, name, index, 'as JSON, with [redacted] in the place of secrets')
  return Object.keys(redacted).length === 0 ? null : redacted
}

function successOf(success: RecordInput['success']): ConnectionSuccess | null {
  if (!success) return null
  const { displayName, username, profilePicture, permissions, tokenExpiresAt, accountType } = success
  return unlessEmpty(
    given({
      displayName: mapped(displayName, storable),
      username: mapped(username, storable),
      profilePicture: mapped(profilePicture, (text) => redactUpTo(storable(text), MAX_PICTURE_LENGTH)),
      permissions: permissions?.map(storable),
      tokenExpiresAt: mapped(tokenExpiresAt, inStoredNotation),
      accountType: mapped(accountType, storable),
    }),
  )
}

function errorOf(error: RecordInput['error']): ConnectionError | null {
  if (!error) return null
  const { code, message, rawResponse } = error
  return unlessEmpty(
    given({
      code: mapped(code, (text) => cut(storable(text), MAX_CODE_LENGTH)),
      message: mapped(message, (text) => redactUpTo(storable(text), MAX_MESSAGE_LENGTH)),
      rawResponse: mapped(rawResponse, (text) => redactRawResponse(storable(text))),
    }),
  )
}

/**
 * An imported `_id` stays the log's id where it can be found again by it: if it is one of our own (its time is that
 * of the log), or if it cannot be taken for one and no other event id competes. It always counts as an event id.
 */
function namesOf(input: RecordInput, createdAt: number, mintId: (atMs: number) => string) {
  const [_id, eventId] = [input._id ?? undefined, input.eventId ?? undefined]
  const isOurs = _id !== undefined && idTimeMs(_id) === createdAt
  const isKept = isOurs || (_id !== undefined && eventId === undefined && _id.length !== MINTED_ID_LENGTH)
  return {
    id: _id !== undefined && isKept ? _id : mintId(createdAt),
    eventId: eventId ?? (isKept ? null : (_id ?? null)),
    eventIds: [...new Set([eventId, isKept || eventId === undefined ? _id : undefined])].filter(
      (name) => name !== undefined,
    ),
  }
}

const fieldAt = (at: string, field: string) => (at === '' ? field : `${at}.${field}`)

/** The tokens that Late keeps in the context are left behind here. */
function contextOf(context: RecordInput['context']): ConnectionContext {
  const { hasCustomRedirectUrl, isHeadlessMode, isReconnection, isBYOK } = context ?? {}
  return given({ hasCustomRedirectUrl, isHeadlessMode, isReconnection, isBYOK })
}

const mapped = (value: string | null | undefined, map: (value: string) => string): string | null =>
  typeof value === 'string' ? map(value) : null

type Given<T> = { [K in keyof T]?: NonNullable<T[K]> }

/** An object that says nothing is the same as none. */
const unlessEmpty = <T extends object>(value: T): T | null => (Object.keys(value).length === 0 ? null : value)

/** The same object without what is null or undefined. */
function given<T extends object>(value: T): Given<T> {
  const rest: Given<T> = {}
  for (const key in value) {
    const inner = value[key]
    if (inner !== null && inner !== undefined) rest[key] = inner
  }
  return rest
}
