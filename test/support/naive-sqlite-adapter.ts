import { DatabaseSync } from '@photostructure/sqlite'
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import { createSession } from '../../src/database/sqlite/session.ts'
import { IS_RUNNING, createStatements } from '../../src/database/sqlite/statements.js'
import { createWriteQueue } from '../../src/database/sqlite/write-queue.ts'

/**
 * A control for the tests of isolation: it shares our values and errors, but divides its one connection as the
 * official `@prisma/adapter-better-sqlite3` 7.10 does. Transactions take turns; plain statements do not, and so run
 * inside whatever transaction is open.
 */
export function openNaiveAdapter(path: string): SqlDriverAdapter {
  const identity = { provider: 'sqlite', adapterName: 'naive-sqlite' } as const
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = WAL')
  db.function(IS_RUNNING, () => 1)
  const session = createSession(createStatements(db))
  const transactions = createWriteQueue()

  return {
    ...identity,
    queryRaw: session.query,
    executeRaw: session.execute,
    executeScript: session.script,
    startTransaction: async () => {
      const leave = await transactions.enter()
      await session.script('BEGIN')
      const end = async (statement: string): Promise<void> => {
        await session.script(statement)
        leave()
      }
      return {
        ...identity,
        options: { usePhantomQuery: true },
        queryRaw: session.query,
        executeRaw: session.execute,
        commit: async () => end('COMMIT'),
        rollback: async () => end('ROLLBACK'),
      }
    },
    dispose: async () => db.close(),
  }
}
