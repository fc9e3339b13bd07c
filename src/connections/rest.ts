import { AppError, badInput, show } from '../kernel/errors.ts'
import { formatShortInstant } from '../kernel/instant.ts'
import type { JsonObject } from '../kernel/json.ts'
import { DEFAULT_LIMIT, MAX_LIMIT, MAX_SKIP, type OffsetPagination } from '../kernel/offset-page.ts'
import { wholeNumberIn } from '../kernel/whole-number.ts'
import { type ConnectionLogs, MAX_BATCH } from './connection-logs.ts'
import { EVENT_TYPES, type ConnectionLog, type Platforms, STATUSES } from './event.ts'
import type { ConnectionFilterInput } from './filter.ts'
import { DEFAULT_DAYS, maxDays } from './paging.ts'

/** `GET /api/v1/connections/logs` as the public page of the Late API describes it, so that its clients work unchanged. */
const PARAMETERS = ['platform', 'eventType', 'status', 'days', 'limit', 'skip']

export interface LateLogPage {
  readonly logs: JsonObject[]
  readonly pagination: OffsetPagination
}

/** @throws {AppError} BAD_USER_INPUT naming the parameter, what was expected and what came */
export async function listLogs(
  parameters: URLSearchParams,
  logs: ConnectionLogs,
  { retentionMs, platforms }: { retentionMs: number; platforms: Platforms },
): Promise<LateLogPage> {
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.includes(name))
  if (unknown !== undefined) {
    throw new AppError(
      'BAD_USER_INPUT',
      `Expected parameters among ${PARAMETERS.join(', ')}, got the unknown parameter ${show(unknown)}.`,
    )
  }
  const filter: ConnectionFilterInput = {
    platform: asList(oneOf(parameters, 'platform', platforms)),
    eventType: asList(oneOf(parameters, 'eventType', EVENT_TYPES)),
    status: oneOf(parameters, 'status', STATUSES),
  }
  const page = await logs.page(filter, {
    days: wholeNumber(parameters, 'days', DEFAULT_DAYS, 1, maxDays(retentionMs)),
    limit: wholeNumber(parameters, 'limit', DEFAULT_LIMIT, 1, MAX_LIMIT),
    skip: wholeNumber(parameters, 'skip', 0, 0, MAX_SKIP),
  })
  return { logs: page.logs.map(toLate), pagination: page.pagination }
}

/** @throws {AppError} BAD_USER_INPUT: recording has no parameters, and one that did nothing would seem to work */
export function requireNoParameters(parameters: URLSearchParams): void {
  const [unknown] = parameters.keys()
  if (unknown !== undefined)
    throw new AppError(
      'BAD_USER_INPUT',
      `Expected no parameters with POST, got the unknown parameter ${show(unknown)}.`,
    )
}

export interface IngestAnswer {
  readonly accepted: number
  readonly duplicates: number
  readonly rejected: number
  readonly logs: JsonObject[]
}

/**
 * Stores one log, or a list of at most 1,000: all or nothing.
 * @param body JSON as it was parsed
 */
export async function ingestJson(body: unknown, logs: ConnectionLogs): Promise<IngestAnswer> {
  const isList = Array.isArray(body)
  const values: unknown[] = isList ? body : [body]
  if (values.length > MAX_BATCH)
    throw badInput('body', `one log or a list of at most ${MAX_BATCH}`, values.length)
  const recorded = await logs.record(
    values.map((value, index) => (isList ? { value, at: `[${index}]`, index } : { value, at: '' })),
  )
  const accepted = recorded.filter(({ created }) => created).length
  return {
    accepted,
    duplicates: recorded.length - accepted,
    rejected: 0,
    logs: recorded.map(({ log }) => toLate(log)),
  }
}

/** A log as Late writes it: `_id`, lower-case enum values, and nothing in the place of what is absent. */
export function toLate({ id, createdAt, eventId: _, ...log }: ConnectionLog): JsonObject {
  const present = Object.entries(log).filter(([, value]) => value !== null)
  return { _id: id, ...(Object.fromEntries(present) as JsonObject), createdAt: formatShortInstant(createdAt) }
}

function single(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name)
  if (values.length > 1) throw badInput(name, 'given once', values)
  return values[0]
}

function oneOf<const T extends string>(
  parameters: URLSearchParams,
  name: string,
  values: readonly T[],
): T | undefined {
  const text = single(parameters, name)
  if (text === undefined || text === 'all') return undefined
  const value = values.find((known) => known === text)
  if (value === undefined) throw badInput(name, `one of ${values.join(', ')}, all`, text)
  return value
}

function wholeNumber(
  parameters: URLSearchParams,
  name: string,
  byDefault: number,
  min: number,
  max: number,
): number {
  const text = single(parameters, name)
  if (text === undefined) return byDefault
  const value = wholeNumberIn(text)
  if (value !== undefined && value >= min && value <= max) return value
  throw badInput(name, `a whole number from ${min} to ${max}`, text)
}

const asList = <T>(value: T | undefined): T[] | undefined => (value === undefined ? undefined : [value])
