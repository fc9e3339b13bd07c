import { hash } from 'node:crypto'
import { configure } from 'safe-stable-stringify'
import { AppError } from '../kernel/errors.ts'
import { UnsafeNumber } from '../kernel/parse-json.ts'
import { contentOf } from './content.ts'

/** Deeper than any log that is taken, so that what is hostile is cut and not walked to its end. */
const MAX_DEPTH = 16

/** JSON with its keys in order: the same text for the same content, however it was written. */
const canonicalJson = configure({ deterministic: true, maximumDepth: MAX_DEPTH })

/** Each different log without an id is remembered while an input is read, in about 80 bytes. */
const MAX_WITHOUT_ID = 5_000_000

/**
 * Names logs that come without `eventId` and `_id` by what they tell, so that an input that is read again stores each
 * of them once. Equal logs of one input are told apart by how many of them came before: two stay two.
 * @param limit how many different logs without an id one input may hold
 * @returns a function to be called with every value of one input, in order; what has an id comes back as it is
 */
export function createContentIds(limit = MAX_WITHOUT_ID): (value: unknown) => unknown {
  const timesSeen = new Map<string, number>()
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof UnsafeNumber)
      return value
    if (isGiven(value, 'eventId') || isGiven(value, '_id')) return value
    const content = canonicalJson(contentOf(value))
    const digest = hash('sha256', content, 'binary')
    const times = timesSeen.get(digest) ?? 0
    if (times === 0 && timesSeen.size === limit) throw tooMany(limit)
    timesSeen.set(digest, times + 1)
    return { ...value, eventId: `line:${hash('sha256', `${content}\n${times}`)}` }
  }
}

const isGiven = (value: object, field: 'eventId' | '_id'): boolean =>
  field in value && Reflect.get(value, field) !== null

const tooMany = (limit: number) =>
  new AppError(
    'BAD_USER_INPUT',
    `Expected at most ${limit} different logs without \`eventId\` in one input, got more. Give them an \`eventId\`, or send them in parts.`,
  )
