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

/** JSON lines on standard error, which leaves standard output to what a command prints. */
export function createLogger(level: LogLevel): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  )
}

/**
 * Writes a failure down once: a fault of ours as an error, what a database or a network did to us as a warning. What
 * callers did wrong is theirs to read and is not logged.
 */
export function logFailure(error: unknown, fields: object, logger: Logger): void {
  if (!(error instanceof AppError)) logger.error({ err: error, ...fields }, 'something failed')
  else if (error.cause !== undefined) logger.warn({ err: error.cause, ...fields }, error.message)
}

export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
