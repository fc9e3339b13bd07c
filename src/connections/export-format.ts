import { stringify } from 'csv-stringify/sync'
import { formatInstant } from '../kernel/instant.ts'
import type { ConnectionLog } from './event.ts'
import { toLate } from './rest.ts'

/** How logs are written, some at a time. */
export interface ExportFormat {
  /** What comes before the first log. */
  readonly head: string
  /** The logs, each ended. */
  write(logs: readonly ConnectionLog[]): string
}

export const EXPORT_FORMATS = ['ndjson', 'csv'] as const
export type ExportFormatName = (typeof EXPORT_FORMATS)[number]

/** A log with all that it holds, in the form in which an import takes it back. */
const toLine = (log: ConnectionLog): string => {
  const { _id, ...late } = toLate(log)
  return `${JSON.stringify(log.eventId === null ? { _id, ...late } : { _id, eventId: log.eventId, ...late })}\n`
}

/** The columns of a table of logs: each is called by its path in JSON. Lists and objects are JSON text in their cell. */
const COLUMNS: readonly [name: string, cell: (log: ConnectionLog) => unknown][] = [
  ['_id', ({ id }) => id],
  ['createdAt', ({ createdAt }) => formatInstant(createdAt)],
  ['userId', ({ userId }) => userId],
  ['profileId', ({ profileId }) => profileId],
  ['accountId', ({ accountId }) => accountId],
  ['platform', ({ platform }) => platform],
  ['eventType', ({ eventType }) => eventType],
  ['connectionMethod', ({ connectionMethod }) => connectionMethod],
  ['success.displayName', ({ success }) => success?.displayName],
  ['success.username', ({ success }) => success?.username],
  ['success.profilePicture', ({ success }) => success?.profilePicture],
  ['success.permissions', ({ success }) => success?.permissions],
  ['success.tokenExpiresAt', ({ success }) => success?.tokenExpiresAt],
  ['success.accountType', ({ success }) => success?.accountType],
  ['error.code', ({ error }) => error?.code],
  ['error.message', ({ error }) => error?.message],
  ['error.rawResponse', ({ error }) => error?.rawResponse],
  ['context.hasCustomRedirectUrl', ({ context }) => context.hasCustomRedirectUrl],
  ['context.isHeadlessMode', ({ context }) => context.isHeadlessMode],
  ['context.isReconnection', ({ context }) => context.isReconnection],
  ['context.isBYOK', ({ context }) => context.isBYOK],
  ['durationMs', ({ durationMs }) => durationMs],
  ['metadata', ({ metadata }) => metadata],
  ['eventId', ({ eventId }) => eventId],
]

/** A spreadsheet whose separator is `;` or a tab begins a new cell in the middle of ours, which may be a formula. */
const withoutInnerFormulas = (text: string): string => text.replaceAll(/[;\t] *(?=[=+\-@＝＋－＠])/g, "$&'")

/** RFC 4180; a cell that a spreadsheet would take for a formula begins with an apostrophe instead. */
const toCsv = (rows: readonly (readonly unknown[])[]): string =>
  stringify([...rows], {
    record_delimiter: 'windows',
    // Half of a line break is one too.
    quote_record_delimiter: true,
    escape_formulas: true,
    quoted_match: /;/,
    cast: {
      boolean: String,
      object: (value) => withoutInnerFormulas(JSON.stringify(value)),
      // OWASP counts the line feed among what begins a formula, the library does not.
      string: (text) => withoutInnerFormulas(text.startsWith('\n') ? `'${text}` : text),
    },
  })

export const exportFormats: Readonly<Record<ExportFormatName, ExportFormat>> = {
  ndjson: { head: '', write: (logs) => logs.map(toLine).join('') },
  csv: {
    head: toCsv([COLUMNS.map(([name]) => name)]),
    write: (logs) => toCsv(logs.map((log) => COLUMNS.map(([, cell]) => cell(log)))),
  },
}
