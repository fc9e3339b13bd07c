import { stat } from 'node:fs/promises'
import { actingFor } from '../auth/principal.ts'
import { systemClock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { idSchema, parseInput } from '../kernel/text.ts'
import { type LogItem, itemsOf } from './intake/items.ts'
import { counted, createReport, doneOf } from './intake/report.ts'
import { SourceError, openSource } from './intake/source.ts'
import { takeIn } from './intake/take-in.ts'
import { createProgress } from './progress.ts'
import { CommandError, type Terminal, print, printExact, say } from './terminal.ts'
import { withCreatedApp } from './with-app.ts'

export interface ImportOptions {
  readonly user?: string
  readonly json?: boolean
}

/**
 * `connlog import FILE…|-`: logs from files or standard input, in the forms that the folder `intake` reads. It may be
 * repeated: what is there already is not stored again. Every line that is not taken is named with its reason.
 * @returns the exit code: 1 if a log was rejected, or a file could not be read to its end
 */
export async function importLogs(
  terminal: Terminal,
  files: readonly string[],
  { user, json = false }: ImportOptions,
): Promise<number> {
  const { stop } = terminal
  const userId = user === undefined ? null : parseInput(idSchema, user, '--user')
  return withCreatedApp(terminal, async ({ app }) => {
    const logs = app.connectionLogsOf(actingFor(userId))
    const report = createReport()
    const failures: string[] = []
    const progress = createProgress(terminal, systemClock)
    const totalBytes = await sizeOf(files)
    let bytesBefore = 0
    let bytesRead = () => 0

    /** The logs of a file, up to where it cannot be read on. */
    async function* itemsIn(file: string): AsyncGenerator<LogItem | 'pause'> {
      const source = openSource(terminal, file)
      bytesRead = source.bytesRead
      const prefix = files.length === 1 ? '' : `${source.name} `
      try {
        for await (const item of itemsOf(source, { platforms: app.platforms, clock: systemClock, prefix })) {
          stop.throwIfAborted()
          yield item
        }
      } catch (error) {
        if (stop.aborted || !(error instanceof SourceError)) throw error
        failures.push(error.message)
      } finally {
        source.close()
      }
      bytesBefore += source.bytesRead()
      bytesRead = () => 0
    }

    const onProgress = () => {
      const part =
        totalBytes === undefined ? undefined : Math.min(1, (bytesBefore + bytesRead()) / totalBytes)
      progress.show({ done: doneOf(report), part })
    }
    const printJson = (isComplete: boolean) => {
      if (json) printExact(terminal, JSON.stringify({ ...report.toJson(), failures, isComplete }))
    }
    try {
      for (const file of files)
        await takeIn(itemsIn(file), { logs, report, steadyMs: systemClock.steadyMs, onProgress })
    } catch (error) {
      const why = stop.aborted ? 'Stopped.' : error instanceof AppError ? error.message : undefined
      if (why === undefined) throw error
      printJson(false)
      throw new CommandError(`${why} So far ${counted(report)}. Run it again to go on.`)
    } finally {
      progress.end()
      report.tell(terminal)
      for (const failure of failures) say(terminal, failure)
    }
    await app.counts.merge()
    printJson(failures.length === 0)
    if (!json && (failures.length < files.length || doneOf(report) > 0))
      print(terminal, `${counted(report)}.`)
    return report.counts().rejected > 0 || failures.length > 0 ? 1 : 0
  })
}

/** How many bytes files have together; undefined where that is not known, as of a pipe. */
async function sizeOf(files: readonly string[]): Promise<number | undefined> {
  let total = 0
  for (const file of files) {
    const found = file === '-' ? undefined : await stat(file).catch(() => undefined)
    if (found?.isFile() !== true) return undefined
    total += found.size
  }
  return total === 0 ? undefined : total
}
