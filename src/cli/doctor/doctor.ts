import { ConfigError } from '../../config/config.ts'
import { connectionLogKind } from '../../connections/kind.ts'
import { type Finding, ok } from '../../database/finding.ts'
import { DatabaseOpenError } from '../../database/open-error.ts'
import { DAY_MS, dayOf, systemClock } from '../../kernel/clock.ts'
import { DAYS_AHEAD } from '../../logs/retention.ts'
import { type Terminal, print, printExact } from '../terminal.ts'
import { type CommandContext, withApp } from '../with-app.ts'
import { lookAtClocks } from './clocks.ts'
import { lookAtCounts } from './counts.ts'
import { lookAtExpired } from './expired.ts'
import { lookAtKeys } from './keys.ts'
import { lookAtMigrations, refused } from './migrations.ts'
import { checkPlatforms } from './platforms.ts'
import { checkSearch } from './search.ts'

export interface DoctorOptions {
  /** Count anew what is counted wrong. */
  readonly rebuildCounts?: boolean
  readonly json?: boolean
}

/**
 * `connlog doctor`: looks at what the promises rest on, one line each, and says how to mend what is wrong. What takes
 * long comes last.
 * @returns the exit code: 0 where all is well, else 1
 */
export async function doctor(
  terminal: Terminal,
  { rebuildCounts = false, json = false }: DoctorOptions,
): Promise<number> {
  const findings: Finding[] = []
  const report = (...more: readonly Finding[]) => {
    findings.push(...more)
    if (!json) for (const finding of more) print(terminal, lineOf(finding))
  }
  try {
    await withApp(terminal, (context) => examine(context, rebuildCounts, report), { unhurried: true })
  } catch (error) {
    if (error instanceof ConfigError) report(...error.problems.map((problem) => refused('settings', problem)))
    else if (error instanceof DatabaseOpenError) report(ok(SETTINGS_WELL), refused('database', error.message))
    else throw error
  }
  const isWell = findings.every(({ is }) => is !== 'wrong')
  if (json) printExact(terminal, JSON.stringify({ isWell, findings }))
  return isWell ? 0 : 1
}

const SETTINGS_WELL = 'settings: each is one that is accepted'

async function examine(
  context: CommandContext,
  rebuildCounts: boolean,
  report: (...findings: readonly Finding[]) => void,
): Promise<void> {
  const { app, config } = context
  const { health } = app.database
  const { table } = connectionLogKind
  report(ok(SETTINGS_WELL), ...(await health.settings()), ...(await health.space()))
  report(await lookAtClocks(app.database, systemClock))
  const migrations = await lookAtMigrations(app.database)
  report(migrations)
  if (migrations.is === 'wrong') return
  const today = dayOf(systemClock.now())
  const days = Array.from({ length: DAYS_AHEAD + 1 }, (_, ahead) => today + ahead)
  report(...(await health.storage(table, days)))
  report(lookAtKeys(await app.keys.list(), systemClock))
  report(...(await checkPlatforms(app)))
  report(...(await checkSearch(app)))
  const keptDays = Math.max(app.retentionMs / DAY_MS, app.rememberedDays ?? 0)
  const times = { retentionMs: keptDays * DAY_MS, cleanupIntervalMs: config.cleanupIntervalMs }
  report(...(await lookAtExpired(app.database, table, times, systemClock)))
  for await (const finding of lookAtCounts(app.counts, rebuildCounts)) report(finding)
}

function lineOf(finding: Finding): string {
  const label = finding.is.padEnd(6)
  if (finding.is !== 'wrong') return `${label} ${finding.what}`
  return `${label} ${finding.what}.${finding.mend === '' ? '' : ` ${finding.mend}`}`
}
