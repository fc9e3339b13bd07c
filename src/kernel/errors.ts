import { UnsafeNumber } from './parse-json.ts'
import { isPlain } from './token-like.ts'

/**
 * Every error a caller can meet, in one table: code → HTTP status. Anything that is not an AppError is a fault of
 * ours: it is logged once with the request id and answered as INTERNAL, without a word of what happened.
 */
export const ERROR_STATUS = {
  BAD_USER_INPUT: 400,
  TOO_COMPLEX: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  CURSOR_EXPIRED: 410,
  PAYLOAD_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  INTERNAL: 500,
  SERVICE_UNAVAILABLE: 503,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS

export interface AppErrorOptions extends ErrorOptions {
  /** How long to wait before the next try, in seconds; sent as Retry-After. */
  readonly retryAfterSeconds?: number | undefined
  /** Which element of a batch is meant, counted from 0. */
  readonly index?: number
  /** Where to go on from, for a subscription that is ended. */
  readonly cursor?: string | undefined
  /** HTTP status where it differs from the code's own, such as 405 or 415. */
  readonly status?: number
  /** Headers that the answer needs, such as Allow with HTTP 405. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An expected failure. Its message is written for the caller and is sent as it stands. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  readonly index: number | undefined
  readonly cursor: string | undefined
  readonly headers: Readonly<Record<string, string>> | undefined

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.status = options.status ?? ERROR_STATUS[code]
    this.retryAfterSeconds = options.retryAfterSeconds
    this.index = options.index
    this.cursor = options.cursor
    this.headers = options.headers
  }
}

/** The code by which a caller knows what was thrown. */
export const codeOf = (error: unknown): ErrorCode => (error instanceof AppError ? error.code : 'INTERNAL')

/**
 * A value as it appears in a sentence, on one line. Numbers and short plain texts are shown. Of what may be a secret,
 * or is long, only its type and length are.
 */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return isPlain(value) ? quoted(value) : lengthOf(value)
    case 'undefined':
      return 'nothing'
    case 'object':
      return kindOf(value)
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'function':
    case 'symbol':
      break
  }
  return `a ${typeof value}`
}

/** The value of a field that holds a secret, or what a platform said: no part of it is shown. */
export function showKind(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '""' : lengthOf(value)
  const isNumber = Number.isFinite(value) || typeof value === 'bigint' || value instanceof UnsafeNumber
  return isNumber ? 'a number' : show(value)
}

const LONGEST_HEADER = 200

/** The value of a header, such as `application/json;q=0.9, text/*`: shown if all parts of it would be. */
export const showHeader = (value: string): string =>
  value.length <= LONGEST_HEADER && value.split(/[\s,;="]+/).every(isPlain) ? quoted(value) : lengthOf(value)

const lengthOf = (text: string) => `text of ${text.length} ${text.length === 1 ? 'character' : 'characters'}`

/** As in JSON, and with nothing in it that a terminal acts on. */
const quoted = (text: string) =>
  JSON.stringify(text).replaceAll(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )

const LONGEST_NUMBER = 60

function kindOf(value: object | null): string {
  if (value === null) return 'null'
  if (value instanceof UnsafeNumber) return `the number ${cut(value.digits, LONGEST_NUMBER)}`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid date' : value.toISOString()
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `a list of ${value.length}`
  const { length } = Object.keys(value)
  return length === 0 ? '{}' : `an object with ${length} ${length === 1 ? 'field' : 'fields'}`
}

/** The first `length` UTF-16 code units of `text`, less one where that would split a surrogate pair. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text
  const last = text.charCodeAt(length - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length)
}

/** Fields whose values are secrets or may hold them: none of these is repeated. */
const SECRET_FIELD =
  /(?:token|secret|password|authorization|cookie|credentials?|jwt|key|rawResponse|message|metadata|profilePicture|variables|extensions)(?:\[\d+\])?$|(?:^|[.\]])metadata[.[]/i

/** Whether the value of a field may be a secret, by the field's name or path. */
export const isSecretField = (field: string): boolean => SECRET_FIELD.test(field)

/** A value as it appears in a sentence about its field. */
export const showOf = (field: string, value: unknown): string =>
  isSecretField(field) ? showKind(value) : show(value)

/** The sentence for bad input: which field, what was expected, what came. */
export function expectation(field: string, expected: string, got: unknown): string {
  return `Expected \`${field}\` to be ${expected}, got ${showOf(field, got)}.`
}

/** BAD_USER_INPUT with the sentence of {@link expectation}. */
export function badInput(field: string, expected: string, got: unknown, options?: AppErrorOptions): AppError {
  return new AppError('BAD_USER_INPUT', expectation(field, expected, got), options)
}

/** For the `default` of a switch over a union: a new member that nobody handled fails the type check. */
export function assertNever(value: never): never {
  throw new TypeError(`Unhandled value ${show(value)}`)
}
