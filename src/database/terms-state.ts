import type { Queryable } from './port.ts'
import { sql } from './sql.ts'

/** How far the search terms of stored logs have been rewritten. */
export interface TermsState {
  /** The version that the terms of all logs have. */
  readonly version: number
  /** All logs up to this `createdAt`, in milliseconds, have the next version; null until that has begun. */
  readonly throughMs: number | null
}

export async function readTermsState(database: Pick<Queryable, 'query'>): Promise<TermsState> {
  const [row] = await database.query<{ version: number; through_ms: number | bigint | null }>(
    sql`SELECT terms_version AS version, terms_through_ms AS through_ms FROM instance WHERE id = 1`,
  )
  const throughMs = row?.through_ms ?? null
  return { version: row?.version ?? 0, throughMs: throughMs === null ? null : Number(throughMs) }
}

export async function writeTermsState(
  database: Pick<Queryable, 'execute'>,
  { version, throughMs }: TermsState,
): Promise<void> {
  const through = throughMs === null ? null : BigInt(throughMs)
  await database.execute(
    sql`UPDATE instance SET terms_version = ${version}, terms_through_ms = ${through} WHERE id = 1`,
  )
}
