import { OPERATOR } from '../../dist/auth/principal.js'
import { connectionLogKind } from '../../dist/connections/kind.js'
import { newConnectionLog } from '../../dist/connections/record.js'
import { createIdMint } from '../../dist/kernel/ids.js'

const RETENTION_MS = 7 * 86_400_000

/** The table that logs are kept in, and its columns in the order of {@link toRows}. */
export const TABLE = connectionLogKind.table.name
export const COLUMNS = connectionLogKind.table.columns

/**
 * Events as connlog writes them into its table: what a rival gets for nothing, since only storing them is to be compared.
 * Instants are milliseconds, JSON is text.
 */
export function toRows(events) {
  const context = {
    principal: OPERATOR,
    mintId: createIdMint(),
    nowMs: Date.now(),
    retentionMs: RETENTION_MS,
  }
  return events.map((value) => {
    const row = connectionLogKind.toRow(newConnectionLog({ value, at: '' }, context).log)
    return COLUMNS.map(({ property, type }) => {
      const cell = row[property] ?? null
      return type === 'json' && cell !== null ? JSON.stringify(cell) : cell
    })
  })
}

/** The same for Postgres, where instants are text. */
export const toPostgresRows = (events) =>
  toRows(events).map((row) =>
    row.map((cell, index) => (COLUMNS[index].type === 'instant' ? new Date(cell).toISOString() : cell)),
  )
