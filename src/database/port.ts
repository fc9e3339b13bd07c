import type { ApiKey as ApiKeyRow, AuditEntry as AuditEntryRow } from '../generated/sqlite/client.ts'
import type { Dialect, LogTable } from './dialect.ts'
import type { Eraser } from './erasing.ts'
import type { Health } from './finding.ts'
import type { Hints } from './hints.ts'
import type { Load } from './load.ts'
import type { Sql } from './sql.ts'

/** Statements against the database, or against one transaction of it. Failures are AppErrors or bugs. */
export interface Queryable {
  /** @param signal ends a read early, or before it begins, where the database can do so; a transaction goes on */
  query<Row>(statement: Sql, signal?: AbortSignal): Promise<Row[]>
  /** The number of rows that were changed. */
  execute(statement: Sql): Promise<number>
}

export type { ApiKeyRow, AuditEntryRow }

export interface ApiKeyWhere {
  readonly id?: string | { in: string[] }
  readonly userId?: string | { in: string[] }
  readonly revokedAt?: null | { not: null }
  readonly rotatedTo?: null | { not: null }
  readonly expiresAt?: null | { gt: Date } | { lte: Date }
  readonly AND?: ApiKeyWhere[]
  readonly OR?: ApiKeyWhere[]
}

/**
 * What is used of the generated client's `apiKey`. The clients of the two providers are not assignable to each other,
 * but both are to this.
 */
export interface ApiKeys {
  create(args: { data: ApiKeyRow }): Promise<ApiKeyRow>
  findUnique(args: { where: { id: string } }): Promise<ApiKeyRow | null>
  findMany(args: {
    where?: ApiKeyWhere
    orderBy?: { createdAt: 'asc' } | [{ createdAt: 'desc' }, { id: 'desc' }]
    take?: number
    skip?: number
  }): Promise<ApiKeyRow[]>
  updateMany(args: { where: ApiKeyWhere; data: Partial<ApiKeyRow> }): Promise<{ count: number }>
  count(args?: { where: ApiKeyWhere }): Promise<number>
  deleteMany(args: { where: { userId: string } }): Promise<{ count: number }>
}

/** What keys have spent of their rate limits, in all processes on the database together. */
export interface SharedAllowances {
  /**
   * Adds what a process has let a key spend. Of what was spent before, `perMinute` flows back in each millisecond, by the
   * clock of the database, down to 0.
   * @returns what the key owes now: 60,000 to a request, and at most 120,000 × `perMinute`
   */
  spend(spent: SpentAllowance): Promise<number>
  /** Forgets the keys that nobody has used for some minutes: they owe nothing. */
  forget(): Promise<void>
}

export interface SpentAllowance {
  readonly keyId: string
  readonly owed: number
  readonly perMinute: number
}

export interface AuditWhere {
  readonly userId?: string | { in: string[] }
  readonly keyId?: { in: string[] }
  readonly actorKeyId?: { in: string[] }
  readonly action?: { in: string[] }
}

/** The same of `auditEntry`. The database refuses to change an entry, and to delete one whose key is still there. */
export interface AuditEntries {
  create(args: { data: AuditEntryRow }): Promise<AuditEntryRow>
  findMany(args: {
    where: AuditWhere
    orderBy: { id: 'desc' }
    take: number
    skip: number
  }): Promise<AuditEntryRow[]>
  count(args: { where: AuditWhere }): Promise<number>
}

/** What Prisma's models serve; the hot tables are reached by statements. */
export interface Models {
  readonly apiKeys: ApiKeys
  readonly auditEntries: AuditEntries
}

/** One transaction: nothing that is done through it stays unless all of it does. */
export interface Transaction extends Queryable, Models {}

/** What the rest of the program knows of the database. */
export interface Database extends Queryable, Models {
  readonly dialect: Dialect
  /** How many reads of requests run at once: some connections are kept for writes and for the service's own work. */
  readonly readsAtOnce: number
  /** How long a read may wait until it is one of them, as for a connection; until its request is over if absent. */
  readonly readWaitMs?: number | undefined
  /** Runs `work` in one transaction; nothing of it stays when `work` throws. Nobody else's statements join it. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** The same for statements that hold many rows, without models. */
  writing<T>(work: (tx: Queryable) => Promise<T>): Promise<T>
  readonly storage: Storage
  readonly hints: Hints
  /** Absent where a database is of one process, which can keep count by itself. */
  readonly allowances: SharedAllowances | undefined
  readonly eraser: Eraser
  readonly health: Health
  readonly load: Load
  readonly migrations: Migrations
  close(): Promise<void>
}

/** Storage by time, where the database keeps logs in parts that can be dropped whole. */
export interface Storage {
  /** Makes room for logs created, and event ids received, on these days (counted from 1970-01-01 UTC). */
  prepare(table: LogTable, days: readonly number[]): Promise<void>
  /**
   * Whether a write failed because a part that had been prepared is gone, another process having dropped it. Then the
   * next {@link prepare} makes it anew.
   */
  lacksPart(error: unknown): boolean
  /**
   * Drops the parts of `table` in which every log has `created_at <= logsThroughMs`, and event ids of days before
   * `eventIdsBeforeDay`. Readers are never kept waiting: a part in use is left for the next time.
   */
  dropExpired(table: LogTable, through: ExpiredThrough): Promise<Dropped>
  /**
   * Merges what writers have noted into the counts. Totals are the same before and after; reads are quicker after.
   * @returns whether there may be more to merge; not so where another process is at it and `wait` is not set
   */
  mergeCounts(table: LogTable, options?: { readonly wait?: boolean }): Promise<boolean>
}

export interface Dropped {
  /** How many logs went. */
  readonly logs: number
  /** Names of the parts that somebody was reading, and that are left. */
  readonly inUse: readonly string[]
  /** Whether another process is cleaning up, so that the rest was left to it. */
  readonly isElsewhere: boolean
}

export interface ExpiredThrough {
  readonly logsThroughMs: number
  readonly eventIdsBeforeDay: number
}

export interface Migrations {
  /** Applies what is missing; several processes may call it at once. @returns the names of what was applied */
  apply(): Promise<string[]>
  /** Names of the migrations that are applied, in their order. */
  applied(): Promise<string[]>
  /** Names of the migrations that are not applied yet. */
  pending(): Promise<string[]>
  /** Whether none was ever applied: there are no logs that a migration could touch. */
  isNew(): Promise<boolean>
}
