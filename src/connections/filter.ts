import type { Sight } from '../auth/sight.ts'
import type { Dialect, LogTable } from '../database/dialect.ts'
import { type Sql, sql } from '../database/sql.ts'
import { badInput } from '../kernel/errors.ts'
import { idSchema, parseInput, textSchema } from '../kernel/text.ts'
import {
  EVENT_TYPES_OF_STATUS,
  type ConnectionEventType,
  type ConnectionLog,
  type ConnectionMethod,
  type ConnectionStatus,
  type Platform,
} from './event.ts'
import { MAX_WORD_LENGTH, termOfTenant, sharedWordsOfLog, wordsOf } from './words.ts'

/** What a caller may ask for; absent and null parts ask for nothing. Instants are milliseconds. */
export interface ConnectionFilterInput {
  platform?: readonly Platform[] | null | undefined
  eventType?: readonly ConnectionEventType[] | null | undefined
  status?: ConnectionStatus | null | undefined
  connectionMethod?: readonly ConnectionMethod[] | null | undefined
  profileId?: readonly string[] | null | undefined
  accountId?: readonly string[] | null | undefined
  errorCode?: readonly string[] | null | undefined
  userId?: readonly string[] | null | undefined
  createdAfter?: number | null | undefined
  createdBefore?: number | null | undefined
  search?: string | null | undefined
}

/** A checked filter: the one value that page, count, feed and export share. An empty list matches nothing. */
export interface ConnectionFilter {
  readonly platform?: readonly string[]
  readonly eventType?: readonly string[]
  readonly connectionMethod?: readonly string[]
  readonly profileId?: readonly string[]
  readonly accountId?: readonly string[]
  readonly errorCode?: readonly string[]
  readonly userId?: readonly string[]
  /** Inclusive. */
  readonly createdAfter?: number
  /** Exclusive. */
  readonly createdBefore?: number
  /** Words, of which each must begin a word of the log. */
  readonly words?: readonly string[]
}

const MAX_VALUES = 100
const MAX_SEARCH_LENGTH = 256
const MAX_SEARCH_WORDS = 10

/**
 * Checks a filter and joins `status` with `eventType`.
 * @param nameOf what the caller calls a part in sentences
 * @throws {AppError} BAD_USER_INPUT naming the first wrong part
 */
export function parseConnectionFilter(
  input: ConnectionFilterInput,
  nameOf = (part: keyof ConnectionFilterInput) => `filter.${part}`,
): ConnectionFilter {
  const given = Object.fromEntries(
    Object.entries({
      platform: list(input.platform, nameOf('platform')),
      eventType: ofStatus(list(input.eventType, nameOf('eventType')), input.status ?? undefined),
      connectionMethod: list(input.connectionMethod, nameOf('connectionMethod')),
      profileId: idList(input.profileId, nameOf('profileId')),
      accountId: idList(input.accountId, nameOf('accountId')),
      errorCode: idList(input.errorCode, nameOf('errorCode')),
      userId: idList(input.userId, nameOf('userId')),
      createdAfter: input.createdAfter ?? undefined,
      createdBefore: input.createdBefore ?? undefined,
      words: searchWords(input.search ?? undefined, nameOf('search')),
    }).filter(([, value]) => value !== undefined),
  )
  return given
}

function list<T>(values: readonly T[] | null | undefined, field: string): readonly T[] | undefined {
  if (values === null || values === undefined) return undefined
  if (values.length > MAX_VALUES)
    throw badInput(field, `a list of at most ${MAX_VALUES} values`, values.length)
  return [...new Set(values)]
}

const idList = (values: readonly string[] | null | undefined, field: string) =>
  list(values, field)?.map((value, index) => parseInput(idSchema, value, `${field}[${index}]`))

function ofStatus(
  eventTypes: readonly ConnectionEventType[] | undefined,
  status: ConnectionStatus | undefined,
) {
  if (status === undefined) return eventTypes
  const ofStatus = EVENT_TYPES_OF_STATUS[status]
  return eventTypes === undefined ? ofStatus : eventTypes.filter((eventType) => ofStatus.includes(eventType))
}

function searchWords(search: string | undefined, field: string): readonly string[] | undefined {
  if (search === undefined) return undefined
  const text = parseInput(textSchema(MAX_SEARCH_LENGTH), search, field)
  if (text.trim() === '') return undefined
  const words = wordsOf(text)
  const tooLong = words.find((word) => Array.from(word).length > MAX_WORD_LENGTH)
  if (tooLong !== undefined) throw badInput(field, `words of at most ${MAX_WORD_LENGTH} characters`, tooLong)
  if (words.length === 0) throw badInput(field, 'words with at least one letter or digit', search)
  if (words.length > MAX_SEARCH_WORDS) throw badInput(field, `at most ${MAX_SEARCH_WORDS} words`, search)
  return words
}

/** The filter as conditions for the database, all of which must hold. */
export function where(filter: ConnectionFilter, dialect: Dialect, sight: Sight, table: LogTable): Sql[] {
  const { createdAfter, createdBefore, words } = filter
  const conditions: Sql[] = []
  const anyOf = (column: Sql, values: readonly string[] | undefined) => {
    if (values !== undefined) conditions.push(dialect.anyOf(column, values))
  }
  anyOf(sql`platform`, filter.platform)
  anyOf(sql`event_type`, filter.eventType)
  anyOf(sql`connection_method`, filter.connectionMethod)
  anyOf(sql`profile_id`, filter.profileId)
  anyOf(sql`account_id`, filter.accountId)
  anyOf(sql`error_code`, filter.errorCode)
  if (filter.userId !== undefined) anyOf(sql`user_id`, filter.userId)
  else if (sight.only === 'everyone') conditions.push(dialect.everyone)
  if (createdAfter !== undefined) conditions.push(sql`created_at >= ${dialect.instant(createdAfter)}`)
  if (createdBefore !== undefined) conditions.push(sql`created_at < ${dialect.instant(createdBefore)}`)
  if (words !== undefined) {
    const tenant =
      sight.only === 'user' ? sight.userId : filter.userId?.length === 1 ? filter.userId[0] : undefined
    const terms = tenant === undefined ? words : words.map((word) => termOfTenant(tenant, word))
    conditions.push(dialect.hasTerms(table, terms))
  }
  return conditions
}

/** The parts that pick all logs of a stretch of time, of everyone or of one user. */
export function stretch(filter: ConnectionFilter): ConnectionFilter {
  const parts = picked(filter, ['createdAfter', 'createdBefore'])
  return filter.userId?.length === 1 ? { ...parts, userId: filter.userId } : parts
}

/** The parts for which there are indexes; undefined if there are none but those of {@link stretch}. */
export function indexed(filter: ConnectionFilter): ConnectionFilter | undefined {
  const parts = picked(filter, ['accountId', 'profileId', 'errorCode', 'words', 'userId'])
  const isMore = Object.keys(parts).length > Number(filter.userId?.length === 1)
  return isMore ? { ...stretch(filter), ...parts } : undefined
}

const picked = (filter: ConnectionFilter, names: readonly (keyof ConnectionFilter)[]): ConnectionFilter =>
  Object.fromEntries(
    names.flatMap((name) => (filter[name] === undefined ? [] : [[name, filter[name]] as const])),
  )

/** The same filter on a log in hand. */
export function matches(filter: ConnectionFilter, log: ConnectionLog): boolean {
  const { createdAfter, createdBefore, words } = filter
  const has = (values: readonly string[] | undefined, value: string | null | undefined) =>
    values === undefined || (value !== null && value !== undefined && values.includes(value))
  return (
    has(filter.platform, log.platform) &&
    has(filter.eventType, log.eventType) &&
    has(filter.connectionMethod, log.connectionMethod) &&
    has(filter.profileId, log.profileId) &&
    has(filter.accountId, log.accountId) &&
    has(filter.errorCode, log.error?.code) &&
    has(filter.userId, log.userId) &&
    (createdAfter === undefined || log.createdAt >= createdAfter) &&
    (createdBefore === undefined || log.createdAt < createdBefore) &&
    (words === undefined || beginWords(words, sharedWordsOfLog(log)))
  )
}

const beginWords = (prefixes: readonly string[], words: readonly string[]) =>
  prefixes.every((prefix) => words.some((word) => word.startsWith(prefix)))
