import { type Finding, ok, wrong } from '../../database/finding.ts'
import { DAY_MS } from '../../kernel/clock.ts'
import { formatInstant } from '../../kernel/instant.ts'
import type { CountKeeper } from '../../logs/counts.ts'
import { count } from '../terminal.ts'

/** Holds the counts of each day against its logs, and with `rebuild` counts anew where they differ. */
export async function* lookAtCounts(counts: CountKeeper, rebuild: boolean): AsyncGenerator<Finding> {
  for (const day of await counts.days()) {
    const date = formatInstant(day * DAY_MS).slice(0, 10)
    const differing = await counts.miscounted(day)
    if (differing === 0) yield ok(`counts of ${date}: as many as there are logs`)
    else if (rebuild) {
      await counts.recount(day)
      yield ok(`counts of ${date}: ${count(differing)} were wrong, and are counted anew`)
    } else {
      yield wrong(
        `counts of ${date}: ${count(differing)} differ from the logs`,
        'Run `connlog doctor --rebuild-counts`.',
      )
    }
  }
}
