import type { AuditEntry } from '../auth/audit-log.ts'
import { OPERATOR } from '../auth/principal.ts'
import { formatInstant } from '../kernel/instant.ts'
import { MAX_LIMIT } from '../kernel/offset-page.ts'
import { visible } from '../kernel/visible.ts'
import { type Terminal, print, printExact } from './terminal.ts'
import { withMigratedApp } from './with-app.ts'

export interface KeysLogOptions {
  readonly user?: string
  readonly key?: string
  readonly by?: string
  readonly json?: boolean
}

/** `connlog keys log`: what was done with keys, one entry a line, the latest first. */
export async function printKeysLog(
  terminal: Terminal,
  { user, key, by, json = false }: KeysLogOptions,
): Promise<void> {
  const line = json ? jsonOf : lineOf
  const filter = {
    ...(user === undefined ? {} : { userId: [user] }),
    ...(key === undefined ? {} : { keyId: [key] }),
    ...(by === undefined ? {} : { actorKeyId: [by] }),
  }
  await withMigratedApp(terminal, async ({ app }) => {
    const { auditLog } = app.managedKeysOf(OPERATOR)
    let last: string | undefined
    for (let skip = 0; ; skip += MAX_LIMIT) {
      const { entries, pagination } = await auditLog(filter, { limit: MAX_LIMIT, skip })
      for (const entry of entries) {
        // What is written meanwhile pushes the rest back, so that the next page begins with what was printed.
        if (last === undefined || entry.id < last) (json ? printExact : print)(terminal, line(entry))
        last = last === undefined || entry.id < last ? entry.id : last
      }
      if (!pagination.hasMore || terminal.stop.aborted) return
    }
  })
}

const lineOf = ({ at, action, actor, actorKeyId, keyId, userId, details }: AuditEntry) =>
  [
    formatInstant(at),
    action,
    actor === 'operator' ? 'by the operator' : `by ${actorKeyId ?? 'a key of that user'}`,
    keyId ?? '-',
    keyId === null ? '-' : userId === null ? 'service' : `user ${userId}`,
    JSON.stringify(details),
  ]
    .map(visible)
    .join('\t')

/** One JSON object a line. */
const jsonOf = ({ at, ...entry }: AuditEntry) => JSON.stringify({ at: formatInstant(at), ...entry })
