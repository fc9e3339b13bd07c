import { z } from 'zod'
import { AppError, badInput } from '../kernel/errors.ts'
import { MINUTE_MS, DAY_MS } from '../kernel/clock.ts'
import { INSTANT_EXPECTED, formatInstant, instantExpected, parseInstant } from '../kernel/instant.ts'
import { idSchema, parseInput } from '../kernel/text.ts'
import type { JsonObject } from '../kernel/json.ts'
import { CONNECTION_METHODS, EVENT_TYPES, PLATFORMS, type Platforms } from './event.ts'

/** How far ahead of our clock a producer's `createdAt` may lie. */
export const MAX_AHEAD_MS = 5 * MINUTE_MS

/** Limits of what is stored: they hold after secrets have given way to `[redacted]` too, so that it can be sent again. */
export const MAX_CODE_LENGTH = 128
export const MAX_MESSAGE_LENGTH = 4_000
export const MAX_PICTURE_LENGTH = 2_048
export const MAX_DISPLAY_NAME_LENGTH = 512
export const MAX_USERNAME_LENGTH = 256
export const MAX_ACCOUNT_TYPE_LENGTH = 64

export const MAX_PERMISSIONS = 200
export const MAX_PERMISSION_LENGTH = 256
export const MAX_DURATION_MS = 2 ** 31 - 1

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
  .refine((text) => parseInstant(text) !== undefined, { error: ({ input }) => instantExpected(input) })

/** What a platform says may hold any character and, where it is cut, have any length: no event is lost for its form. */
const said = (max: number) => {
  const expected = `text of at most ${max} characters`
  return optional(z.string(expected).max(max, expected))
}
const saidAndCut = (max: string) => optional(z.string(`text; what is over ${max} characters is cut`))

const PERMISSION_EXPECTED = `text of at most ${MAX_PERMISSION_LENGTH} characters`
const PERMISSIONS_EXPECTED = `a list of at most ${MAX_PERMISSIONS} texts`

const success = fields('`success`', {
  displayName: said(MAX_DISPLAY_NAME_LENGTH),
  username: said(MAX_USERNAME_LENGTH),
  profilePicture: said(MAX_PICTURE_LENGTH),
  permissions: optional(
    z
      .array(
        z.string(PERMISSION_EXPECTED).max(MAX_PERMISSION_LENGTH, PERMISSION_EXPECTED),
        PERMISSIONS_EXPECTED,
      )
      .max(MAX_PERMISSIONS, PERMISSIONS_EXPECTED),
  ),
  tokenExpiresAt: optional(instant),
  accountType: said(MAX_ACCOUNT_TYPE_LENGTH),
})

const error = fields('`error`', {
  code: saidAndCut('128'),
  message: saidAndCut('4,000'),
  rawResponse: saidAndCut('2,000'),
})

const context = fields('`context`', {
  hasCustomRedirectUrl: flag,
  isHeadlessMode: flag,
  isReconnection: flag,
  isBYOK: flag,
  invitationToken: optional(z.string('text')),
  connectToken: optional(z.string('text')),
})

/** Checked by parseMetadata, which says what is wrong with which part of it. */
const metadata = z.custom<JsonObject>()

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
  return (value, at, index) => {
    if (!isPage(value)) {
      requireFewParts(value, at, index)
      return parseInput(recordInput, value, at, index)
    }
    const expected = at === '' ? 'a log' : `\`${at}\` to be a log`
    const sentence = `Expected ${expected}, got a page of logs. Send what is in its \`logs\`.`
    throw new AppError('BAD_USER_INPUT', sentence, index === undefined ? {} : { index })
  }
}

/** Far more than there are. */
const MAX_FIELDS = 50

/** Looks at numbers of parts first: the schema would look at each part, and make an issue of each that is wrong. */
function requireFewParts(value: unknown, at: string, index: number | undefined): void {
  const options = index === undefined ? {} : { index }
  const fieldAt = (field: string) => (at === '' ? field : `${at}.${field}`)
  const requireFewFields = (one: unknown, name: string) => {
    const count = isObject(one) ? Object.keys(one).length : 0
    if (count <= MAX_FIELDS) return
    const sentence = `Expected ${name} to have at most ${MAX_FIELDS} fields, got ${count}.`
    throw new AppError('BAD_USER_INPUT', sentence, options)
  }
  requireFewFields(value, at === '' ? 'a log' : `\`${at}\``)
  if (!isObject(value)) return
  for (const field of ['success', 'error', 'context']) requireFewFields(value[field], `\`${fieldAt(field)}\``)
  const permissions = isObject(value['success']) ? value['success']['permissions'] : undefined
  if (Array.isArray(permissions) && permissions.length > MAX_PERMISSIONS)
    throw badInput(fieldAt('success.permissions'), PERMISSIONS_EXPECTED, permissions, options)
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** What a server answered, sent as it came. */
const isPage = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'logs' in value && Array.isArray(value.logs)

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
