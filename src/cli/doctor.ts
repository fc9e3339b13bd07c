import { DAY_MS, SECOND_MS, systemClock } from '../kernel/clock.ts'
import { formatInstant } from '../kernel/instant.ts'
import { type Terminal, count, print } from './terminal.ts'
import { type CommandContext, withApp } from './with-app.ts'

/** How far the clocks of this machine and of the database may be apart. */
const MAX_SKEW_MS = 5 * SECOND_MS

interface Finding {
  readonly what: string
  /** What to do about it; absent where all is well. */
  readonly mend?: string
}

/**
 * `connlog doctor`: looks at what the promises rest on, one line each, and says how to mend what is wrong. That the
 * settings are right and that what is committed is on disk is looked at whenever a database is opened; without that
 * no command gets this far.
 * @returns the exit code: 0 where all is well, else 1
 */
export async function doctor(
  terminal: Terminal,
  { rebuildCounts = false }: { rebuildCounts?: boolean },
): Promise<number> {
  return withApp(
    terminal,
    async (context) => {
      let isWell = true
      const report = ({ what, mend }: Finding) => {
        isWell &&= mend === undefined
        print(terminal, mend === undefined ? `ok     ${what}` : `wrong  ${what}. ${mend}`)
      }
      report({ what: 'settings, and the database: it is reached, and keeps what it has acknowledged' })
      const migrations = await lookAtMigrations(context)
      report(migrations)
      report(await lookAtClocks(context))
      if (migrations.mend === undefined) await lookAtCounts(context, rebuildCounts, report)
      return isWell ? 0 : 1
    },
    { unhurried: true },
  )
}

async function lookAtMigrations({ app }: CommandContext): Promise<Finding> {
  const pending = await app.database.migrations.pending()
  return pending.length === 0
    ? { what: 'migrations: all applied' }
    : { what: `migrations: the database lacks ${pending.join(', ')}`, mend: 'Run `connlog migrate`.' }
}

async function lookAtClocks({ app: { database } }: CommandContext): Promise<Finding> {
  const [row] = await database.query<{ now_ms: number | bigint }>(database.dialect.now())
  const skewMs = Math.abs(Number(row?.now_ms) - systemClock.now())
  return skewMs <= MAX_SKEW_MS
    ? { what: `clocks: this machine and the database agree within ${MAX_SKEW_MS / SECOND_MS} seconds` }
    : {
        what: `clocks: this machine and the database are ${Math.round(skewMs / SECOND_MS)} seconds apart`,
        mend: 'Set both by NTP: a log is shown and expires by the clock of the service.',
      }
}

async function lookAtCounts(
  { app: { counts } }: CommandContext,
  rebuild: boolean,
  report: (finding: Finding) => void,
): Promise<void> {
  for (const day of await counts.days()) {
    const date = formatInstant(day * DAY_MS).slice(0, 10)
    const wrong = await counts.miscounted(day)
    if (wrong === 0) report({ what: `counts of ${date}: as many as there are logs` })
    else if (rebuild) {
      await counts.recount(day)
      report({ what: `counts of ${date}: ${count(wrong)} were wrong, and are counted anew` })
    } else {
      report({
        what: `counts of ${date}: ${count(wrong)} differ from the logs`,
        mend: 'Run `connlog doctor --rebuild-counts`.',
      })
    }
  }
}
