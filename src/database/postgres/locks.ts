import { type Sql, sql } from '../sql.ts'

/**
 * A number for an advisory lock, as an SQL expression. Those are of a whole database, so each schema has its own. In
 * `public`, where older versions keep their tables, it is the one that they take.
 */
const lockOf = (number: number): string =>
  `(CASE current_schema() WHEN 'public' THEN ${number} ELSE hashtextextended(current_schema(), ${number}) END)`

/** Serialises the making and dropping of partitions, and the merging of counts, between processes. */
export const PARTITION_LOCK = lockOf(7_270_736_901)

/** Held by the transaction that cleans up, so that of several processes one at a time does. */
export const CLEANUP_LOCK = lockOf(7_270_736_902)

/** Held by the transaction that rewrites search terms, so that of several processes one at a time does. */
export const TERMS_LOCK = lockOf(7_270_736_903)

/** Held by the transaction that makes a key of a user, so that two at once do not pass the bound on keys together. */
export const lockOfKeys = (userId: string): Sql =>
  sql`hashtextextended(current_schema() || ' ' || ${userId}, 7270736904)`
