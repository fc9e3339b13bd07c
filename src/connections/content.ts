import { formatShortInstant, parseInstant } from '../kernel/instant.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * What a log says, in one notation: null and empty objects are absent, instants are in UTC. Two logs are the same event
 * when this is equal, whether they are compared as stored or as sent.
 * @param log as it is stored, or as it was sent and may still be wrong
 */
export function contentOf(log: object): Fields {
  const { success, error, context, metadata, createdAt, ...rest } = log as Fields
  return present({
    ...rest,
    success: unlessEmpty(successOf(success)),
    error: unlessEmpty(presentIn(error)),
    context: unlessEmpty(presentIn(context)),
    // Null is content in there.
    metadata: unlessEmpty(metadata),
    createdAt: instantOf(createdAt),
  })
}

function successOf(success: unknown): unknown {
  const fields = presentIn(success)
  return isObject(fields) && 'tokenExpiresAt' in fields
    ? { ...fields, tokenExpiresAt: instantOf(fields['tokenExpiresAt']) }
    : fields
}

/** An instant in the notation in which it is stored and Late writes it; what is none stays as it is. */
export function inStoredNotation(text: string): string {
  const ms = parseInstant(text)
  return ms === undefined ? text : formatShortInstant(ms)
}

const instantOf = (value: unknown) => (typeof value === 'string' ? inStoredNotation(value) : value)

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const present = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined))

const presentIn = (value: unknown): unknown => (isObject(value) ? present(value) : value)

const unlessEmpty = (value: unknown): unknown =>
  isObject(value) && Object.keys(value).length === 0 ? undefined : value
