import { CONNECTION_METHODS, EVENT_TYPES } from '../../connections/event.ts'
import { AppError, badInput } from '../../kernel/errors.ts'
import { INSTANT_EXPECTED } from '../../kernel/instant.ts'
import { MAX_ID_LENGTH } from '../../kernel/text.ts'
import { idOf } from '../../late/id.ts'
import { type Skip, contextOf, durationOf, errorOf, metadataOf, successOf } from './adapt-parts.ts'
import { instantTextOf, isAbsent } from './values.ts'

/** A log of another server as connlog records it, or why it cannot. */
export type Adapted = {
  /** What the other server calls it; undefined where it has no id. */
  readonly id: string | undefined
} & (
  | {
      readonly is: 'log'
      readonly value: Readonly<Record<string, unknown>>
      /** Fields that are not in `value`, because connlog does not know them or cannot take what they hold. */
      readonly skipped: readonly string[]
    }
  | { readonly is: 'unusable'; readonly error: string }
  | { readonly is: 'unknown platform'; readonly platform: string }
)

/** Fields that are read. Two more follow from these and are left out without a word. */
const KNOWN = new Set([
  '_id',
  'eventId',
  'userId',
  'profileId',
  'accountId',
  'platform',
  'eventType',
  'connectionMethod',
  'success',
  'error',
  'context',
  'durationMs',
  'metadata',
  'createdAt',
  '__typename',
  'status',
])

/**
 * Makes what another server wrote a log that connlog takes. Fields that it does not know are skipped. Values that it does
 * not take are cut or rounded where they keep their meaning, and skipped where not. The same log always comes out the
 * same, so in the next run it is a duplicate.
 */
export function adapt(log: object, platforms: readonly string[]): Adapted {
  const fields = fieldsOf(log)
  const skipped = [...fields.keys()].filter((name) => !KNOWN.has(name))
  const skip: Skip = (field) => void skipped.push(field)
  const id = idOf(fields.get('_id'))
  try {
    const platform = wordOf('platform', fields.get('platform'))
    if (!platforms.includes(platform)) return { is: 'unknown platform', id, platform }
    const value = {
      _id: requiredId('_id', fields),
      eventId: requiredId('eventId', fields),
      userId: requiredId('userId', fields),
      profileId: idOrSkipped('profileId', fields, skip),
      accountId: idOrSkipped('accountId', fields, skip),
      platform,
      eventType: oneOf('eventType', fields.get('eventType'), EVENT_TYPES),
      connectionMethod: oneOf('connectionMethod', fields.get('connectionMethod'), CONNECTION_METHODS),
      success: successOf(fields.get('success'), skip),
      error: errorOf(fields.get('error'), skip),
      context: contextOf(fields.get('context'), skip),
      durationMs: durationOf(fields.get('durationMs'), skip),
      metadata: metadataOf(fields.get('metadata'), skip),
      createdAt: createdAtOf(fields.get('createdAt')),
    }
    return { is: 'log', id, value, skipped }
  } catch (error) {
    if (error instanceof AppError) return { is: 'unusable', id, error: error.message }
    throw error
  }
}

/** The fields of a log, in REST's names: what GraphQL calls `id` is its `_id`. */
function fieldsOf(log: object): Map<string, unknown> {
  const fields = new Map<string, unknown>(Object.entries(log).filter(([, value]) => !isAbsent(value)))
  const id = fields.get('id')
  if (id !== undefined && !fields.has('_id')) {
    fields.set('_id', id)
    fields.delete('id')
  }
  return fields
}

const isGiven = (value: unknown) => !isAbsent(value) && value !== ''

/** An id without which the log would be another one, or another user's. */
function requiredId(name: string, fields: ReadonlyMap<string, unknown>): string | undefined {
  const given = fields.get(name)
  const id = idOf(given)
  if (id !== undefined || !isGiven(given)) return id
  throw badInput(name, `an id of at most ${MAX_ID_LENGTH} characters`, given)
}

function idOrSkipped(name: string, fields: ReadonlyMap<string, unknown>, skip: Skip): string | undefined {
  const id = idOf(fields.get(name))
  if (id === undefined && isGiven(fields.get(name))) skip(name)
  return id
}

/** A word in lower case; GraphQL writes them in upper case. */
function wordOf(name: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value.trim().toLowerCase()
  throw badInput(name, 'text', value)
}

function oneOf(name: string, value: unknown, known: readonly string[]): string {
  const word = typeof value === 'string' ? value.trim().toLowerCase() : undefined
  if (word !== undefined && known.includes(word)) return word
  throw badInput(name, `one of ${known.join(', ')}`, value)
}

function createdAtOf(value: unknown): string {
  const text = instantTextOf(value)
  if (text !== undefined) return text
  throw badInput('createdAt', INSTANT_EXPECTED, value)
}
