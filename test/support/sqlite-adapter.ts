import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ArgScalarType, SqlDriverAdapter, SqlQuery } from '@prisma/driver-adapter-utils'
import { afterEach, beforeEach } from 'vitest'
import { createSqliteAdapterFactory } from '../../src/database/sqlite/adapter.ts'
import { openSqliteConnections, type SqliteConnections } from '../../src/database/sqlite/connections.ts'
import { systemClock } from '../../src/kernel/clock.ts'

/** A database file and an adapter on it, new for every test of a file that calls {@link useNewAdapters}. */
export let folder: string
export let path: string
export let connections: SqliteConnections
export let adapter: SqlDriverAdapter

export function useNewAdapters(): void {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'connlog-adapter-'))
    path = join(folder, 'logs.db')
    connections = await openSqliteConnections({ path, clock: systemClock })
    adapter = await createSqliteAdapterFactory(connections).connect()
  })

  afterEach(async () => {
    await connections.close()
    rmSync(folder, { recursive: true })
  })
}

export type Typed = readonly [type: ArgScalarType, value: unknown]

export function statement(sql: string, ...args: Typed[]): SqlQuery {
  return {
    sql,
    args: args.map(([, value]) => value),
    argTypes: args.map(([scalarType]) => ({ scalarType, arity: 'scalar' })),
  }
}

export const select = (sql: string, ...args: Typed[]) => adapter.queryRaw(statement(sql, ...args))
export const run = (sql: string, ...args: Typed[]) => adapter.executeRaw(statement(sql, ...args))
export const rows = async (sql: string, ...args: Typed[]) => (await select(sql, ...args)).rows
