import { UnsafeNumber } from './parse-json.ts'

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

const SHOWN_CHARACTERS = 60

/** A value as it appears in a sentence: short, on one line, strings in double quotes. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return String(value)
  if (value instanceof UnsafeNumber) return `the number ${cut(value.digits, SHOWN_CHARACTERS)}`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid date' : value.toISOString()
  const text = jsonOf(value)
  const { length } = typeof value === 'string' ? value : text
  return text.length <= SHOWN_CHARACTERS ? text : `${cut(text, SHOWN_CHARACTERS)}… (${length} characters)`
}

/** The value as JSON; what has none, being circular or too deep to be walked, is told by its kind alone. */
function jsonOf(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_, inner: unknown) => (isNumberBeyondJson(inner) ? String(inner) : inner)) ??
      typeof value
    )
  } catch {
    return Array.isArray(value) ? 'a list' : 'an object'
  }
}

const isNumberBeyondJson = (value: unknown) =>
  typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))

/** The first `length` UTF-16 code units of `text`, less one where that would split a surrogate pair. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text
  const last = text.charCodeAt(length - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length)
}

/** The sentence for bad input: which field, what was expected, what came. */
export function expectation(field: string, expected: string, got: unknown): string {
  return `Expected \`${field}\` to be ${expected}, got ${show(got)}.`
}

/** BAD_USER_INPUT with the sentence of {@link expectation}. */
export function badInput(field: string, expected: string, got: unknown, options?: AppErrorOptions): AppError {
  return new AppError('BAD_USER_INPUT', expectation(field, expected, got), options)
}

/** For the `default` of a switch over a union: a new member that nobody handled fails the type check. */
export function assertNever(value: never): never {
  throw new TypeError(`Unhandled value ${show(value)}`)
}
