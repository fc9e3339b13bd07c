import { once } from 'node:events'
import type { ConnectionLog } from '../../connections/event.ts'
import { exportFormats } from '../../connections/export-format.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { parseDatabaseUrl } from '../../kernel/database-url.ts'
import { visibleLine } from '../../kernel/visible.ts'
import { AppError, badInput } from '../../kernel/errors.ts'
import { graphqlAddress } from '../../remote/address.ts'
import { createRemote } from '../../remote/client.ts'
import { MOMENT_EXPECTED, momentMs } from '../duration.ts'
import { type FilterOptions, parseFilterOptions } from '../filter-options.ts'
import { SERVICE_KEY_VARIABLE, keyFrom } from '../key-variable.ts'
import { CommandError, type Terminal } from '../terminal.ts'
import { readVersion } from '../version.ts'
import { platformsOf, withMigratedApp } from '../with-app.ts'
import { type Progress, type Since, followOn } from './follow-on.ts'
import { createLines } from './lines.ts'
import { localSource } from './local.ts'
import type { LogSource } from './log-source.ts'
import { remoteSource } from './remote.ts'

export interface TailOptions extends FilterOptions {
  readonly since?: string
  readonly json?: boolean
  readonly url?: string
  readonly key?: string
}

export interface TailParts {
  readonly clock: Clock
  readonly fetch: typeof globalThis.fetch
  readonly random: () => number
}

/**
 * `connlog tail`: logs as they are recorded, in the database or in a service, until it is told to stop. On a terminal
 * each is a line for people, elsewhere a line as `connlog import` takes it.
 * @returns the exit code: 1 if logs were missed
 */
export async function tail(
  terminal: Terminal,
  options: TailOptions,
  parts: TailParts = { clock: systemClock, fetch: globalThis.fetch, random: Math.random },
): Promise<number> {
  const { stop } = terminal
  const { clock, fetch } = parts
  const url = options.url ?? urlOf(terminal)
  const filter = parseFilterOptions(options, url === undefined ? platformsOf(terminal) : undefined)
  const since = sinceOf(options.since, clock.now())
  const follow = (source: LogSource, name: string) =>
    followWith(terminal, { source, name }, since, options.json === true, parts)
  if (url === undefined) {
    if (options.key !== undefined) throw new CommandError('Expected `--url URL` with `--key KEY`.', 2)
    return withMigratedApp(terminal, ({ app, config }) =>
      follow(
        localSource(app.connectionLogs, { filter, clock, stop }),
        parseDatabaseUrl(config.databaseUrl).display,
      ),
    )
  }
  const address = graphqlAddress(url, options.url === undefined ? 'CONNLOG_URL' : '--url')
  const remote = createRemote({
    address,
    key: keyFrom(options.key, SERVICE_KEY_VARIABLE, terminal),
    userAgent: `connlog/${readVersion()}`,
    fetch,
    clock,
    stop,
  })
  return follow(remoteSource(remote, filter), address.href)
}

async function followWith(
  { stdout, stderr, stop, env }: Terminal,
  { source, name }: { readonly source: LogSource; readonly name: string },
  since: Since,
  isJson: boolean,
  { clock, random }: TailParts,
): Promise<number> {
  const isColoured = !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  const lines = createLines(clock.now())
  const text = (logs: readonly ConnectionLog[]) =>
    isJson || stdout.isTTY !== true
      ? exportFormats.ndjson.write(logs)
      : logs.map((log) => lines(log, { columns: stdout.columns || undefined, isColoured })).join('')
  const put = async (logs: readonly ConnectionLog[]) => {
    stop.throwIfAborted()
    if (logs.length > 0 && !stdout.write(text(logs))) await once(stdout, 'drain', { signal: stop })
  }
  const say = (line: string) => void stderr.write(`${visibleLine(line)}\n`)
  const progress: Progress = { cursor: undefined, hasMissed: false }
  const goOn = () => (progress.cursor === undefined ? '' : `Go on from here with --since ${progress.cursor}`)
  if (stderr.isTTY) say(`Following ${name}. Ctrl-C to stop.`)
  try {
    return await followOn(source, since, progress, { clock, stop, say, random, put })
  } catch (error) {
    if (!stop.aborted) {
      if (error instanceof AppError && progress.cursor !== undefined)
        throw new CommandError(`${error.message}\n${goOn()}`)
      throw error
    }
    if (progress.cursor !== undefined) say(goOn())
    return progress.hasMissed ? 1 : 0
  }
}

/** The service of CONNLOG_URL, unless a database is named. */
const urlOf = ({ env }: Terminal): string | undefined =>
  env['DATABASE_URL'] ? undefined : env['CONNLOG_URL'] || undefined

/** A cursor is told from an instant by its dot and its lack of colons; whether it is one, the feed knows. */
function sinceOf(text: string | undefined, nowMs: number): Since {
  if (text === undefined) return { is: 'now' }
  const ms = momentMs(text, nowMs)
  if (ms !== undefined) return { is: 'instant', ms }
  if (/^[\w-]+\.[\w-]+$|^[\w-]{60,}$/.test(text)) return { is: 'cursor', cursor: text }
  throw badInput('--since', `a cursor of the feed, ${MOMENT_EXPECTED}`, text)
}
