import { actingFor } from '../auth/principal.ts'
import type { Platforms } from '../connections/event.ts'
import { DEFAULT_DAYS } from '../connections/paging.ts'
import { type Clock, DAY_MS, SECOND_MS, systemClock } from '../kernel/clock.ts'
import { AppError, badInput } from '../kernel/errors.ts'
import { idSchema, parseInput } from '../kernel/text.ts'
import { wholeNumberIn } from '../kernel/whole-number.ts'
import { logsAddress } from '../late/address.ts'
import { type Wait, createLateClient } from '../late/client.ts'
import { LateError } from '../late/failure.ts'
import { type LateLog, NamelessLog } from '../late/page.ts'
import { walk } from '../late/walk.ts'
import { type LogItem, foreignItem } from './intake/items.ts'
import { counted, createReport, doneOf } from './intake/report.ts'
import { takeIn } from './intake/take-in.ts'
import { KEY_VARIABLE, keyFrom } from './key-variable.ts'
import { createProgress, duration } from './progress.ts'
import { CommandError, type Terminal, count, print, printExact } from './terminal.ts'
import { readVersion } from './version.ts'
import { withCreatedApp } from './with-app.ts'

export interface PullOptions {
  readonly url: string
  readonly key?: string
  readonly user?: string
  readonly days?: string
  readonly json?: boolean
}

/** A shorter wait is over before anybody wonders. */
const TOLD_WAIT_MS = 3 * SECOND_MS

/**
 * `connlog pull`: copies the logs of a Late-compatible API into the store. May be repeated: what is there already is not
 * stored again. Every log that is not taken is named with its reason.
 * @returns the exit code: 1 if a log was rejected
 */
export async function pull(
  terminal: Terminal,
  options: PullOptions,
  { clock, fetch }: { clock: Clock; fetch: typeof globalThis.fetch } = {
    clock: systemClock,
    fetch: globalThis.fetch,
  },
): Promise<number> {
  const address = logsAddress(options.url, '--url')
  const key = keyFrom(options.key, KEY_VARIABLE, terminal)
  const userId = options.user === undefined ? null : parseInput(idSchema, options.user, '--user')
  return withCreatedApp(terminal, async ({ app }) => {
    const days = daysOf(options, app.retentionMs)
    const logs = app.connectionLogsOf(actingFor(userId))
    const progress = createProgress(terminal, clock)
    const pageAt = createLateClient({
      address,
      key,
      days,
      fetch,
      clock,
      stop: terminal.stop,
      userAgent: `connlog/${readVersion()}`,
      onWait: (wait) => {
        if (wait.ms >= TOLD_WAIT_MS) progress.say(told(wait))
      },
    })
    const report = createReport()
    let total = 0
    const recording = {
      logs,
      report,
      steadyMs: clock.steadyMs,
      // A log whose time has run out on the way is no failure: it would be gone by now.
      cutoffMs: () => clock.now() - app.retentionMs,
      onProgress: () => undefined,
    }
    const printJson = (isComplete: boolean) => {
      if (options.json === true) printExact(terminal, JSON.stringify({ ...report.toJson(), isComplete }))
    }
    try {
      for await (const page of walk(pageAt)) {
        const items = page.fresh.map((log) => itemOf(log, app.platforms))
        await takeIn(items, recording)
        total = Math.max(page.total, doneOf(report))
        progress.show({
          done: doneOf(report),
          total,
          part: total === 0 ? undefined : doneOf(report) / total,
        })
      }
    } catch (error) {
      const why = terminal.stop.aborted ? 'Stopped.' : sentenceOf(error)
      if (why === undefined) throw error
      printJson(false)
      const soFar = `${count(doneOf(report))} of about ${count(total)} logs were read: ${counted(report)}. Run it again to go on.`
      throw new CommandError(doneOf(report) === 0 ? why : `${why} ${soFar}`)
    } finally {
      progress.end()
      report.tell(terminal)
    }
    await app.counts.merge()
    printJson(true)
    const { rejected, expired } = report.counts()
    const ranOut = expired === 0 ? '' : ` ${count(expired)} expired on the way.`
    if (options.json !== true) print(terminal, `${counted(report)}.${ranOut}`)
    return rejected > 0 ? 1 : 0
  })
}

/** A log of a page as it is recorded. One without an id would be stored again by each run, so it is rejected. */
const itemOf = (log: LateLog, platforms: Platforms): LogItem =>
  log instanceof NamelessLog
    ? {
        name: 'a log',
        bytes: 0,
        error: 'Expected `_id` to be an id, got nothing that is one.',
        isForeign: true,
      }
    : foreignItem(log, { name: 'a log', bytes: 0 }, platforms)

function daysOf({ days }: PullOptions, retentionMs: number): number {
  const most = retentionMs / DAY_MS
  if (days === undefined) return Math.min(DEFAULT_DAYS, most)
  const given = wholeNumberIn(days) ?? Number.NaN
  if (given >= 1 && given <= most) return given
  throw badInput('--days', `a whole number from 1 to ${most}, the retention`, days)
}

const sentenceOf = (error: unknown): string | undefined =>
  error instanceof LateError || error instanceof AppError ? error.message : undefined

function told({ ms, askedMs, why }: Wait): string {
  const asked = askedMs === undefined ? '' : ` of the ${duration(askedMs)} that it asks for`
  return `The server ${why}. Waiting ${duration(ms)}${asked}.`
}
