import { z } from 'zod'
import { badInput } from '../kernel/errors.ts'
import { MINUTE_MS, DAY_MS } from '../kernel/clock.ts'
import { INSTANT_EXPECTED, formatInstant, parseInstant } from '../kernel/instant.ts'
import { idSchema, isStorable, parseInput, textSchema } from '../kernel/text.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { CONNECTION_METHODS, EVENT_TYPES, PLATFORMS, type Platforms } from './event.ts'

/** How far ahead of our clock a producer's `createdAt` may lie. */
export const MAX_AHEAD_MS = 5 * MINUTE_MS

/** Limits of what is stored: they hold after secrets have given way to `[redacted]` too, so that it can be sent again. */
export const MAX_METADATA_BYTES = 16_384
export const MAX_MESSAGE_LENGTH = 4_000
export const MAX_PICTURE_LENGTH = 2_048

const MAX_METADATA_DEPTH = 10
const MAX_PERMISSIONS = 200
const MAX_DURATION_MS = 2 ** 31 - 1

/** Null says the same as nothing. Left to whoever reads it: to have it changed here takes three times as long. */
const optional = <T>(schema: z.ZodType<T>) => schema.nullish()

const choice = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `one of ${values.join(', ')}`)

const flag = optional(z.boolean('true or false'))

const fields = <T extends z.ZodRawShape>(name: string, shape: T) => {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${name} to have no fields but ${known.join(', ')}`
        : `an object with fields of ${known.join(', ')}`,
  })
}

const instant = z
  .string(INSTANT_EXPECTED)
  .refine((text) => parseInstant(text) !== undefined, INSTANT_EXPECTED)

const success = fields('`success`', {
  displayName: optional(textSchema(512)),
  username: optional(textSchema(256)),
  profilePicture: optional(textSchema(MAX_PICTURE_LENGTH)),
  permissions: optional(
    z
      .array(textSchema(256), `a list of at most ${MAX_PERMISSIONS} texts`)
      .max(MAX_PERMISSIONS, `a list of at most ${MAX_PERMISSIONS} texts`),
  ),
  tokenExpiresAt: optional(instant),
  accountType: optional(textSchema(64)),
})

const error = fields('`error`', {
  code: optional(textSchema(128)),
  message: optional(textSchema(MAX_MESSAGE_LENGTH)),
  rawResponse: optional(
    z
      .string('text; what is over 2,000 characters is cut')
      .refine(isStorable, 'text without U+0000 or lone surrogates'),
  ),
})

const context = fields('`context`', {
  hasCustomRedirectUrl: flag,
  isHeadlessMode: flag,
  isReconnection: flag,
  isBYOK: flag,
  invitationToken: optional(z.string('text')),
  connectToken: optional(z.string('text')),
})

const METADATA_EXPECTED =
  `an object of at most ${MAX_METADATA_BYTES} bytes as JSON, nested at most ${MAX_METADATA_DEPTH} deep, ` +
  'without U+0000 or lone surrogates'
const metadata = z.custom<JsonObject>(isMetadata, METADATA_EXPECTED)

/** What a producer may send for one log: the fields of the domain and `eventId`. `_id` comes with imports. */
const recordFields = {
  _id: optional(idSchema),
  eventId: optional(idSchema),
  userId: optional(idSchema),
  profileId: optional(idSchema),
  accountId: optional(idSchema),
  platform: choice(PLATFORMS),
  eventType: choice(EVENT_TYPES),
  connectionMethod: choice(CONNECTION_METHODS),
  success: optional(success),
  error: optional(error),
  context: optional(context),
  durationMs: optional(
    z
      .int(`a whole number from 0 to ${MAX_DURATION_MS}`)
      .min(0, `a whole number from 0 to ${MAX_DURATION_MS}`)
      .max(MAX_DURATION_MS, `a whole number from 0 to ${MAX_DURATION_MS}`),
  ),
  metadata: optional(metadata),
  createdAt: optional(instant),
}

const recordInputOf = (platforms: Platforms) =>
  fields('a log', { ...recordFields, platform: choice(platforms) })

/**
 * A checked log as a producer sent it, before it is redacted and given its id. Null stands for nothing. It is a `SentLog`
 * (sent-log.ts), field by field: `test/unit/sent-log.test.ts` holds that.
 */
export type RecordInput = z.output<ReturnType<typeof recordInputOf>>

/**
 * @param value JSON as it was parsed
 * @param at what the caller calls the value, for sentences: `input`, `inputs[3]`, `[3]`; empty for a lone log
 * @throws {AppError} BAD_USER_INPUT naming the first wrong field
 */
export type RecordParser = (value: unknown, at: string, index?: number) => RecordInput

/** @returns what checks one log, whichever API it came through, for a deployment with these platforms */
export function createRecordParser(platforms: Platforms): RecordParser {
  const recordInput = recordInputOf(platforms)
  return (value, at, index) => parseInput(recordInput, value, at, index)
}

/**
 * The instant of a log: the producer's `createdAt` if it lies inside the window, else the time of receipt.
 * @throws {AppError} BAD_USER_INPUT for an instant that has expired already or lies more than 5 minutes ahead
 */
export function createdAtOf(
  input: RecordInput,
  at: string,
  { nowMs, retentionMs }: { nowMs: number; retentionMs: number },
  index?: number,
): number {
  if (typeof input.createdAt !== 'string') return nowMs
  const ms = parseInstant(input.createdAt) ?? Number.NaN
  if (ms > nowMs - retentionMs && ms <= nowMs + MAX_AHEAD_MS) return ms
  const expected = `later than ${formatInstant(nowMs - retentionMs)} (${retentionMs / DAY_MS} days ago) and at most 5 minutes ahead`
  const options = index === undefined ? {} : { index }
  throw badInput(at === '' ? 'createdAt' : `${at}.createdAt`, expected, input.createdAt, options)
}

function isMetadata(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    isStorableJson(value as JsonObject, MAX_METADATA_DEPTH) &&
    bytesOf(value as JsonObject) <= MAX_METADATA_BYTES
  )
}

/** How large metadata is as JSON. */
export const bytesOf = (metadata: JsonObject): number => Buffer.byteLength(JSON.stringify(metadata))

/** Dates and the like, which come in process only and are no JSON yet. */
const hasJsonOfItsOwn = (value: object) => 'toJSON' in value && typeof value.toJSON === 'function'

function isStorableJson(value: JsonValue, depthLeft: number): boolean {
  if (typeof value === 'string') return isStorable(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'boolean' || value === null) return true
  if (typeof value !== 'object' || depthLeft === 0 || hasJsonOfItsOwn(value)) return false
  return Object.entries(value).every(
    ([key, inner]) => isStorable(key) && isStorableJson(inner, depthLeft - 1),
  )
}
