import type { Core } from '../../core.ts'
import { type Finding, note } from '../../database/finding.ts'
import { formatInstant } from '../../kernel/instant.ts'
import { count } from '../terminal.ts'

/** How far the search terms of an earlier version have been rewritten. */
export async function checkSearch({ terms }: Pick<Core, 'terms'>): Promise<Finding[]> {
  const progress = await terms.progress()
  if (!progress) return []
  const since = progress.sinceMs === null ? '' : ` since ${formatInstant(progress.sinceMs)}`
  return [
    note(
      `search: the words of ${count(progress.logs)} logs${since} with letters beyond ASCII may be those of an earlier version, and a search may miss them. A running service rewrites them`,
    ),
  ]
}
