import { actingFor } from '../auth/principal.ts'
import { MAX_REPORTED, ingestValues } from '../connections/ndjson.ts'
import { DEFAULT_DAYS } from '../connections/paging.ts'
import { type Clock, DAY_MS, SECOND_MS, systemClock } from '../kernel/clock.ts'
import { AppError, badInput, show } from '../kernel/errors.ts'
import { parseInstant } from '../kernel/instant.ts'
import { idSchema, parseInput } from '../kernel/text.ts'
import { wholeNumberIn } from '../kernel/whole-number.ts'
import { logsAddress } from '../late/address.ts'
import { type Wait, createLateClient } from '../late/client.ts'
import { LateError } from '../late/failure.ts'
import type { LateLog } from '../late/page.ts'
import { walk } from '../late/walk.ts'
import { counted, doneOf, tellRejected } from './ingest-report.ts'
import { KEY_VARIABLE, keyFrom } from './key-variable.ts'
import { createProgress, duration } from './progress.ts'
import { CommandError, type Terminal, count, print } from './terminal.ts'
import { readVersion } from './version.ts'
import { withMigratedApp } from './with-app.ts'

export interface PullOptions {
  readonly url: string
  readonly key?: string
  readonly user?: string
  readonly days?: string
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
  const address = logsAddress(options.url)
  const key = keyFrom(options.key, KEY_VARIABLE, terminal)
  const userId = options.user === undefined ? null : parseInput(idSchema, options.user, 'user')
  return withMigratedApp(terminal, async ({ app }) => {
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
    const summary = { accepted: 0, duplicates: 0, rejected: 0 }
    const rejected: { name: string; error: string }[] = []
    let expired = 0
    let total = 0

    /** Stores what a page brought. A log whose time has run out on the way is no failure: it would be gone by now. */
    async function store(fresh: readonly LateLog[]): Promise<void> {
      const { accepted, duplicates, errors } = await ingestValues(fresh, logs)
      summary.accepted += accepted
      summary.duplicates += duplicates
      for (const { line, error } of errors) {
        const log = fresh[line - 1]
        if (log && hasExpired(log, clock.now() - app.retentionMs)) expired += 1
        else {
          summary.rejected += 1
          if (rejected.length < MAX_REPORTED) rejected.push({ name: `log ${show(log?._id)}`, error })
        }
      }
    }

    const done = () => doneOf(summary) + expired
    try {
      for await (const page of walk(pageAt)) {
        await store(page.fresh)
        total = Math.max(page.total, done())
        progress.show({ done: done(), total, part: total === 0 ? undefined : done() / total })
      }
    } catch (error) {
      const why = terminal.stop.aborted ? 'Stopped.' : sentenceOf(error)
      if (why === undefined) throw error
      const soFar = `${count(done())} of about ${count(total)} logs were read: ${counted(summary)}. Run it again to go on.`
      throw new CommandError(done() === 0 ? why : `${why} ${soFar}`)
    } finally {
      progress.end()
      tellRejected(terminal, rejected, summary.rejected)
    }
    await app.counts.merge()
    const ranOut = expired === 0 ? '' : ` ${count(expired)} expired on the way.`
    print(terminal, `${counted(summary)}.${ranOut}`)
    return summary.rejected > 0 ? 1 : 0
  })
}

function daysOf({ days }: PullOptions, retentionMs: number): number {
  const most = retentionMs / DAY_MS
  if (days === undefined) return Math.min(DEFAULT_DAYS, most)
  const given = wholeNumberIn(days) ?? Number.NaN
  if (given >= 1 && given <= most) return given
  throw badInput('days', `a whole number from 1 to ${most}, the retention`, days)
}

function hasExpired(log: LateLog, cutoffMs: number): boolean {
  const createdAt =
    'createdAt' in log && typeof log.createdAt === 'string' ? parseInstant(log.createdAt) : undefined
  return createdAt !== undefined && createdAt <= cutoffMs
}

const sentenceOf = (error: unknown): string | undefined =>
  error instanceof LateError || error instanceof AppError ? error.message : undefined

function told({ ms, askedMs, why }: Wait): string {
  const asked = askedMs === undefined ? '' : ` of the ${duration(askedMs)} that it asks for`
  return `The server ${why}. Waiting ${duration(ms)}${asked}.`
}
