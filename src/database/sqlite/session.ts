import type { SqlQuery, SqlResultSet } from '@prisma/driver-adapter-utils'
import { type BoundValue, toBoundValues } from './bound-values.ts'
import { misuse, toAdapterError } from './failures.ts'
import { declaredType, toObjects, toResultSet } from './result-rows.ts'
import { leadingKeyword } from './routing.ts'

/** One connection, in this thread or in another one. */
export interface SqliteConnection {
  readonly all: (sql: string, values: readonly BoundValue[]) => RawResult | Promise<RawResult>
  readonly run: (sql: string, values: readonly BoundValue[], changesRows: boolean) => number | Promise<number>
  readonly exec: (sql: string) => void | Promise<void>
}

export interface WritableConnection extends SqliteConnection {
  /** Whether a transaction was open when it last answered: exact, as long as nobody else uses the connection. */
  readonly isTransaction: () => boolean
}

/** Rows as arrays of cells, every integer a bigint. `type` is what the table declares. */
export interface RawResult {
  readonly rows: unknown[][]
  readonly columns: readonly { readonly name: string; readonly type: string | null }[]
}

/** Statements on one connection. Every failure is a DriverAdapterError. */
export interface SqliteSession {
  /** Runs one statement and returns its rows. */
  readonly query: (query: SqlQuery) => Promise<SqlResultSet>
  /** Runs one statement and returns how many rows it inserted, changed or deleted. */
  readonly execute: (query: SqlQuery) => Promise<number>
  /** Runs statements separated by semicolons, each on its own unless a transaction is open. */
  readonly script: (sql: string) => Promise<void>
  /** Runs one statement and returns its rows as objects; for what is too simple to need Prisma. */
  readonly rows: (sql: string, args?: readonly unknown[]) => Promise<Record<string, unknown>[]>
}

/** Runs one statement and returns its rows. */
export const queryOn = (
  connection: Pick<SqliteConnection, 'all'>,
  { sql, args, argTypes }: SqlQuery,
): Promise<SqlResultSet> =>
  asAdapterErrors(async () => {
    const values = toBoundValues(args, argTypes)
    const { rows, columns } = await connection.all(withoutNul(sql), values)
    return toResultSet(
      columns.map(({ name, type }) => ({ name, declared: declaredType(type) })),
      rows,
    )
  })

export function createSession(connection: SqliteConnection): SqliteSession {
  const query: SqliteSession['query'] = (query) => queryOn(connection, query)

  return {
    query,
    execute: ({ sql, args, argTypes }) =>
      asAdapterErrors(async () => {
        const changesRows = /^(INSERT|UPDATE|DELETE|REPLACE)$/.test(leadingKeyword(sql))
        return connection.run(withoutNul(sql), toBoundValues(args, argTypes), changesRows)
      }),
    script: (sql) => asAdapterErrors(async () => connection.exec(withoutNul(sql))),
    rows: async (sql, args = []) => toObjects(await query({ sql, args: [...args], argTypes: [] })),
  }
}

function withoutNul(sql: string): string {
  if (sql.includes('\0')) throw misuse('The SQL contains U+0000, at which SQLite would stop reading it.')
  return sql
}

async function asAdapterErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toAdapterError(error)
  }
}
