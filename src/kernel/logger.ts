import { isSpanContextValid, trace } from '@opentelemetry/api'
import { pino } from 'pino'
import { AppError } from './errors.ts'

/**
 * error: someone must act; warn: healed by itself; info: life cycle; debug: one line a request.
 * Never log keys, tokens, or anything of a log beyond its ids.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What may be told of an error: all but its message, which may hold what callers sent. */
export interface Trace {
  readonly type: string
  /** Of Node, of the driver or of the database, such as ECONNREFUSED or 42P01. */
  readonly code?: string | number
  readonly at: readonly string[]
  readonly cause?: Trace
}

/** How many causes of causes are told. */
const MAX_CAUSES = 5

/** Any error as it may come, of whatever library. */
interface Thrown {
  readonly name?: unknown
  readonly message?: unknown
  readonly stack?: unknown
  readonly code?: unknown
  readonly errcode?: unknown
  readonly originalCode?: unknown
  readonly cause?: unknown
  /** Prisma keeps the driver's error here. */
  readonly meta?: { readonly driverAdapterError?: unknown }
}

export function traceOf(error: unknown): Trace {
  const [first, ...causes] = thrownBy(error).map(({ name, stack, code, errcode, originalCode }) => {
    const known = [errcode, originalCode, code].find(isCode)
    return {
      type: typeof name === 'string' && /^\w{1,64}$/.test(name) ? name : 'Error',
      ...(known === undefined ? {} : { code: known }),
      at: placesIn(stack),
    }
  })
  const cause = causes.reduceRight<Trace | undefined>(
    (inner, one) => (inner ? { ...one, cause: inner } : one),
    undefined,
  )
  return { ...(first ?? { type: typeof error, at: [] }), ...(cause ? { cause } : {}) }
}

/** An error and what caused it, outermost first. */
function thrownBy(error: unknown): Thrown[] {
  const found: Thrown[] = []
  for (let at = error; typeof at === 'object' && at !== null && found.length < MAX_CAUSES;) {
    const thrown = at as Thrown
    found.push(thrown)
    at = thrown.cause ?? thrown.meta?.driverAdapterError
  }
  return found
}

const isCode = (value: unknown): value is string | number =>
  typeof value === 'number' || (typeof value === 'string' && /^[A-Z0-9_]{1,40}$/.test(value))

const PLACE = /^ {4}at (.*:\d+:\d+\)?)$/
const placesIn = (stack: unknown): string[] =>
  typeof stack === 'string' ? stack.split('\n').flatMap((line) => PLACE.exec(line)?.[1] ?? []) : []

/**
 * JSON lines on standard error, which leaves standard output to what a command prints. Within a trace each has its ids,
 * by the names that OpenTelemetry has for them.
 */
export function createLogger(
  level: LogLevel,
  destination: { write(line: string): void } = pino.destination({ dest: 2, sync: true }),
): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, mixin: spanIds }
  return pino({ ...options, serializers: { err: asTrace } }, destination)
}

function spanIds(): object {
  const span = trace.getActiveSpan()?.spanContext()
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {}
}

/** The error of a line as a trace, whoever wrote it. */
const asTrace = (error: unknown): unknown => (error instanceof Error ? traceOf(error) : error)

/**
 * Writes a failure down once: a fault of ours as an error, what a database or a network did to us as a warning. What
 * callers did wrong is theirs to read and is not logged. What an error says may hold what they sent, and is told at the
 * level debug alone.
 */
export function logFailure(error: unknown, fields: object, logger: Logger): void {
  const isKnown = error instanceof AppError
  const cause = isKnown ? error.cause : error
  if (cause === undefined) return
  const line = { err: traceOf(cause), ...fields }
  if (isKnown) logger.warn(line, error.message)
  else logger.error(line, 'something failed')
  logger.debug({ said: saidBy(cause), ...fields }, 'what the failure said')
}

const saidBy = (error: unknown): string =>
  typeof error === 'object' && error !== null
    ? thrownBy(error)
        .map(({ message }) => message)
        .filter((message) => typeof message === 'string')
        .join(': ')
    : String(error)

export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
