import { type LogLevel, type Logger, createLogger } from '../kernel/logger.ts'
import type { Terminal } from './terminal.ts'

/** Lines for people where somebody looks on, and JSON where a program reads them. */
export async function createTerminalLogger({ stderr, env }: Terminal, level: LogLevel): Promise<Logger> {
  if (stderr.isTTY !== true) return createLogger(level)
  const { default: pretty } = await import('pino-pretty')
  const lines = pretty({
    destination: stderr,
    colorize: (env['NO_COLOR'] ?? '') === '',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  })
  return createLogger(level, lines)
}
