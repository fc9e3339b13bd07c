import { isDeepStrictEqual } from 'node:util'
import type { LogTable } from '../database/dialect.ts'
import type { LogKind } from '../logs/kind.ts'
import { contentOf } from './content.ts'
import type { ConnectionLog } from './event.ts'
import { type ConnectionFilter, indexed, matches, stretch, where } from './filter.ts'
import { CELLS, counted } from './counted.ts'
import { redactLog } from './redact-log.ts'
import { FOLDING_VERSION, isFoldingStable, termsOf } from './words.ts'

const table: LogTable = {
  name: 'connection_logs',
  eventIds: 'connection_log_event_ids',
  terms: 'connection_log_terms',
  columns: [
    { name: 'id', property: 'id', type: 'text' },
    { name: 'user_id', property: 'userId', type: 'text', empty: 'null' },
    { name: 'profile_id', property: 'profileId', type: 'text' },
    { name: 'account_id', property: 'accountId', type: 'text' },
    { name: 'event_id', property: 'eventId', type: 'text' },
    { name: 'platform', property: 'platform', type: 'text' },
    { name: 'event_type', property: 'eventType', type: 'text' },
    { name: 'connection_method', property: 'connectionMethod', type: 'text' },
    { name: 'error_code', property: 'errorCode', type: 'text', writeOnly: true },
    { name: 'duration_ms', property: 'durationMs', type: 'integer' },
    { name: 'success', property: 'success', type: 'json' },
    { name: 'error', property: 'error', type: 'json' },
    { name: 'context', property: 'context', type: 'json' },
    { name: 'metadata', property: 'metadata', type: 'json' },
    { name: 'terms', property: 'terms', type: 'text', writeOnly: true },
    { name: 'created_at', property: 'createdAt', type: 'instant' },
  ],
  counts: {
    name: 'connection_log_counts',
    deltas: 'connection_log_count_deltas',
    group: 'platform',
    detail: 'error_code',
    cells: CELLS,
  },
}

/** What the log machine has to know of connection logs. */
export const connectionLogKind: LogKind<ConnectionLog, ConnectionFilter> = {
  table,
  where: (filter, dialect, sight) => where(filter, dialect, sight, table),
  matches,
  counted,
  stretch,
  indexed,
  toRow: (log) => ({
    ...log,
    userId: log.userId ?? '',
    errorCode: log.error?.code ?? null,
    terms: termsOf(log),
  }),
  fromRow: (row) => ({ ...row, userId: row['userId'] || null }) as unknown as ConnectionLog,
  folding: { version: FOLDING_VERSION, isStable: isFoldingStable },
  sameEvent: (a, b) =>
    isDeepStrictEqual(essence(a), essence(b)) ||
    isDeepStrictEqual(essence(redactLog(a)), essence(redactLog(b))),
}

/** What a log says, in the form in which it comes back from the database. Logs of earlier versions have other notations. */
function essence({ id: _, eventId: __, createdAt: ___, ...rest }: ConnectionLog): unknown {
  return JSON.parse(JSON.stringify(contentOf(rest)))
}
