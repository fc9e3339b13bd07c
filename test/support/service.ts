import { fileURLToPath } from 'node:url'
import { type Command, type Finished, MAIN, startCommand, startNode } from './command.ts'

/** A service in a process of its own. */
export interface Service {
  readonly port: number
  readonly pid: number | undefined
  readonly finished: Promise<Finished>
  /** SIGKILL. Resolves once the process is gone. */
  kill(): Promise<void>
  /** SIGTERM. Resolves once the process is gone. */
  stop(): Promise<Finished>
}

const running = new Set<Command>()
process.on('exit', () => {
  for (const command of running) command.kill('SIGKILL')
})

/** `connlog serve` as it was built. */
export const startService = (databaseUrl: string, env: Record<string, string> = {}): Promise<Service> =>
  serving(
    startCommand(['serve'], {
      DATABASE_URL: databaseUrl,
      PORT: '0',
      NODE_ENV: 'production',
      LOG_LEVEL: 'error',
      RATE_LIMIT_PER_MINUTE: '0',
      ...env,
    }),
  )

/** `connlog serve` with the settings that it has by default, for measurements. */
export const startDefaultService = (
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<Service> =>
  serving(startNode([MAIN, 'serve'], { DATABASE_URL: databaseUrl, PORT: '0', LOG_LEVEL: 'error', ...env }))

/** A service on an SQLite file that breaks a promise; see naive-service.mjs. */
export const startNaiveService = (
  file: string,
  flaw: 'early' | 'forgetful' | 'piecemeal',
): Promise<Service> =>
  serving(
    startNode([fileURLToPath(new URL('naive-service.mjs', import.meta.url))], {
      DATABASE_FILE: file,
      FLAW: flaw,
    }),
  )

async function serving(command: Command): Promise<Service> {
  running.add(command)
  void command.finished.then(() => running.delete(command))
  const printed = await command.printed(/listens on \S+/)
  return {
    pid: command.pid,
    finished: command.finished,
    port: Number(/listens on (?:\S+:)?(\d+)/.exec(printed)?.[1]),
    kill: async () => {
      command.kill('SIGKILL')
      await command.finished
    },
    stop: async () => {
      command.kill('SIGTERM')
      return command.finished
    },
  }
}
