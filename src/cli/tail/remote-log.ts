import { z } from 'zod'
import type { ConnectionLog } from '../../connections/event.ts'
import type { ConnectionFilterInput } from '../../connections/filter.ts'
import { formatInstant, parseInstant } from '../../kernel/instant.ts'
import type { JsonObject } from '../../kernel/json.ts'

/** All that GraphQL has of a log. */
export const LOG_FIELDS = `
  id userId profileId accountId eventId platform eventType connectionMethod
  success { displayName username profilePicture permissions tokenExpiresAt accountType }
  error { code message rawResponse }
  context { hasCustomRedirectUrl isHeadlessMode isReconnection isBYOK }
  durationMs metadata createdAt`

/** GraphQL writes null for what is absent. */
type Present<T> = { [Key in keyof T]?: NonNullable<T[Key]> }
const present = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, part]) => part !== null)) as Present<T>

const text = z.string().nullable()
const flag = z.boolean().nullable()

/** A word of the domain, which may be one that a newer service has added. */
const word = <T extends string>() => z.string().transform((name) => name.toLowerCase() as T)

/** As a producer would write it: without a fraction where there is none. */
const instantText = text.transform((instant) => instant?.replace('.000Z', 'Z') ?? null)

const instant = z.string().transform((given, context) => {
  const ms = parseInstant(given)
  if (ms !== undefined) return ms
  context.addIssue('an instant')
  return z.NEVER
})

/** A log as GraphQL writes it, made what it is here. The order is that in which the database's are written. */
export const remoteLog = z.object({
  id: z.string(),
  userId: text,
  profileId: text,
  accountId: text,
  eventId: text,
  platform: word<ConnectionLog['platform']>(),
  eventType: word<ConnectionLog['eventType']>(),
  connectionMethod: word<ConnectionLog['connectionMethod']>(),
  durationMs: z.number().nullable(),
  success: z
    .object({
      displayName: text,
      username: text,
      profilePicture: text,
      permissions: z.array(z.string()).nullable(),
      tokenExpiresAt: instantText,
      accountType: text,
    })
    .transform(present)
    .nullable(),
  error: z.object({ code: text, message: text, rawResponse: text }).transform(present).nullable(),
  context: z
    .object({ hasCustomRedirectUrl: flag, isHeadlessMode: flag, isReconnection: flag, isBYOK: flag })
    .transform(present),
  // As it came: a copy of a schema's own would lose a key such as `__proto__`.
  metadata: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null).nullable(),
  createdAt: instant,
})

/** A filter as GraphQL takes it. */
export function remoteFilter(filter: ConnectionFilterInput): object {
  const upper = (names: readonly string[] | null | undefined) => names?.map((name) => name.toUpperCase())
  const at = (ms: number | null | undefined) => (typeof ms === 'number' ? formatInstant(ms) : undefined)
  return {
    ...filter,
    platform: upper(filter.platform),
    eventType: upper(filter.eventType),
    status: filter.status?.toUpperCase(),
    connectionMethod: upper(filter.connectionMethod),
    createdAfter: at(filter.createdAfter),
    createdBefore: at(filter.createdBefore),
  }
}
