import { once } from 'node:events'
import type { ConnectionLog } from '../connections/event.ts'
import { EXPORT_FORMATS, type ExportFormatName, exportFormats } from '../connections/export-format.ts'
import { maxDays } from '../connections/paging.ts'
import { systemClock } from '../kernel/clock.ts'
import { AppError, badInput } from '../kernel/errors.ts'
import { wholeNumberIn } from '../kernel/whole-number.ts'
import { type FilterOptions, oneOf, parseFilterOptions, parseMoment } from './filter-options.ts'
import { createProgress } from './progress.ts'
import { CommandError, type Terminal, count } from './terminal.ts'
import { platformsOf, withMigratedApp } from './with-app.ts'

export interface ExportOptions extends FilterOptions {
  readonly format: string
  readonly days?: string
  readonly since?: string
}

/**
 * `connlog export`: the logs that match, oldest first, on standard output; a page or two of them are held in memory,
 * however slowly they are taken. Standard error stays silent unless it is a terminal or something goes wrong: what is
 * not whole never ends with exit code 0.
 */
export async function exportLogs(terminal: Terminal, options: ExportOptions): Promise<void> {
  if (options.since !== undefined && options.after !== undefined)
    throw new CommandError('Expected either `--since` or `--after`, which mean the same, got both.', 2)
  const since = options.since === undefined ? undefined : parseMoment('--since', options.since)
  const filter = {
    ...parseFilterOptions(options, platformsOf(terminal)),
    ...(since === undefined ? {} : { createdAfter: since }),
  }
  const format = oneOf('--format', EXPORT_FORMATS, options.format)
  await withMigratedApp(
    terminal,
    async ({ app }) => {
      const days = options.days === undefined ? undefined : parseDays(options.days, app.retentionMs)
      await send(terminal, app.connectionLogs.everything(filter, { days }), format)
    },
    { unhurried: true },
  )
}

async function send(
  { stdout, stderr, stop }: Terminal,
  pages: AsyncIterable<ConnectionLog[]>,
  format: ExportFormatName,
): Promise<void> {
  const { head, write } = exportFormats[format]
  // It would stand between the logs where both go to one terminal.
  const progress = stdout.isTTY === true ? undefined : createProgress({ stderr }, systemClock)
  let sent = 0
  const put = async (text: string) => {
    stop.throwIfAborted()
    if (text !== '' && !stdout.write(text)) await once(stdout, 'drain', { signal: stop })
  }
  try {
    await put(head)
    for await (const logs of pages) {
      await put(write(logs))
      sent += logs.length
      progress?.show({ done: sent })
    }
    stop.throwIfAborted()
  } catch (error) {
    progress?.end()
    const ended = `The export ended after ${count(sent)} logs and is not whole.`
    if (stop.aborted) throw new CommandError(`Told to stop. ${ended}`)
    if (error instanceof AppError) throw new CommandError(`${error.message} ${ended}`)
    stderr.write(`${ended}\n`)
    throw error
  }
  progress?.end()
  if (stderr.isTTY) stderr.write(`${count(sent)} logs exported.\n`)
}

function parseDays(text: string, retentionMs: number): number {
  const days = wholeNumberIn(text) ?? Number.NaN
  const max = maxDays(retentionMs)
  if (days >= 1 && days <= max) return days
  throw badInput('--days', `a whole number from 1 to ${max}`, text)
}
