import {
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type Transaction,
} from '@prisma/driver-adapter-utils'
import { systemClock } from '../../kernel/clock.ts'
import { openSqliteConnections, type SqliteConnections } from './connections.ts'
import type { SqliteTransaction } from './transaction.ts'

const IDENTITY = { provider: 'sqlite', adapterName: 'connlog-sqlite' } as const

/** The default of SQLite (SQLITE_MAX_VARIABLE_NUMBER) since 3.32. */
const MAX_BIND_VALUES = 32_766

/**
 * Lets Prisma work on connections that somebody else opened and will close: `$disconnect` leaves them open.
 * Transactions are serializable, the only level SQLite has; asking for another one throws InvalidIsolationLevel.
 */
export function createSqliteAdapterFactory(
  connections: SqliteConnections,
): SqlMigrationAwareDriverAdapterFactory {
  return {
    ...IDENTITY,
    connect: async () => createAdapter(connections, async () => undefined),
    connectToShadowDb: async () => {
      // Nobody else can lock a database in memory, so the clock is never asked.
      const shadow = await openSqliteConnections({ path: ':memory:', clock: systemClock })
      return createAdapter(shadow, shadow.close)
    },
  }
}

function createAdapter(connections: SqliteConnections, dispose: () => Promise<void>): SqlDriverAdapter {
  return {
    ...IDENTITY,
    queryRaw: connections.query,
    executeRaw: connections.execute,
    executeScript: connections.script,
    startTransaction: async (level) => {
      if (level !== undefined && level !== 'SERIALIZABLE') {
        throw new DriverAdapterError({ kind: 'InvalidIsolationLevel', level })
      }
      return createAdapterTransaction(await connections.begin())
    },
    getConnectionInfo: () => ({ supportsRelationJoins: false, maxBindValues: MAX_BIND_VALUES }),
    dispose,
  }
}

function createAdapterTransaction({ session, commit, rollback }: SqliteTransaction): Transaction {
  return {
    ...IDENTITY,
    // COMMIT and ROLLBACK are ours to send, since the writer is given back together with them.
    options: { usePhantomQuery: true },
    queryRaw: session.query,
    executeRaw: session.execute,
    commit,
    rollback,
    createSavepoint: async (name) => session.script(`SAVEPOINT ${quoted(name)}`),
    rollbackToSavepoint: async (name) => session.script(`ROLLBACK TO SAVEPOINT ${quoted(name)}`),
    releaseSavepoint: async (name) => session.script(`RELEASE SAVEPOINT ${quoted(name)}`),
  }
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
