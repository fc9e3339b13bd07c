import { DatabaseSync } from '@photostructure/sqlite'
import pg from 'pg'
import { createKeyStore } from '../../src/auth/key-store.ts'
import { ALL_SCOPES } from '../../src/auth/scopes.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { openDatabase } from '../../src/database/open.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createCountKeeper } from '../../src/logs/counts.ts'
import type { StoredEvent } from './history.ts'

const SELECT = 'SELECT user_id, account_id, duration_ms, id FROM connection_logs'

interface StoredRow {
  readonly user_id: string
  readonly account_id: string
  readonly duration_ms: number
  readonly id: string
}

/** All that lies in a database, read past connlog. */
export async function readStored(url: string): Promise<StoredEvent[]> {
  const rows = await rowsOf<StoredRow>(url, SELECT)
  return rows.map((row) => ({
    key: `${row.user_id}/${row.account_id}`,
    content: row.duration_ms,
    id: row.id,
  }))
}

export async function rowsOf<Row>(url: string, statement: string): Promise<Row[]> {
  if (url.startsWith('file:')) {
    // Reading alone leaves the write-ahead log as it was found.
    const db = new DatabaseSync(url.slice('file:'.length), { readOnly: true, timeout: 5_000 })
    try {
      return db.prepare(statement).all() as Row[]
    } finally {
      db.close()
    }
  }
  // Databases on a server of their own have no search path that leads to connlog's schema.
  const client = new pg.Client({ connectionString: url, options: '-c search_path=connlog,public' })
  await client.connect()
  try {
    return (await client.query(statement)).rows as Row[]
  } finally {
    await client.end()
  }
}

/** What is wrong with a database that no log tells: counts that differ from the logs, pages that do not hold together. */
export async function findDamage(url: string): Promise<string[]> {
  const damage: string[] = []
  if (url.startsWith('file:')) {
    const found = await rowsOf<{ integrity_check: string }>(url, 'PRAGMA integrity_check')
    for (const { integrity_check } of found) if (integrity_check !== 'ok') damage.push(integrity_check)
  }
  const options = { clock: systemClock, logger: silentLogger }
  const database = await openDatabase(url, { ...options, poolSize: 2, unhurried: true })
  const counts = createCountKeeper(database, connectionLogKind, options)
  try {
    for (const when of ['as they lie there', 'merged']) {
      for (const day of await counts.days()) {
        const wrong = await counts.miscounted(day)
        if (wrong > 0) damage.push(`${wrong} counts of day ${day} differ from its logs, ${when}`)
      }
      await counts.merge()
    }
  } finally {
    await database.close()
  }
  return damage
}

/** A database that is migrated, and a service key with all scopes for it. */
export async function prepareDatabase(url: string): Promise<string> {
  const database = await openDatabase(url, { clock: systemClock, logger: silentLogger, poolSize: 1 })
  try {
    await database.migrations.apply()
    const keys = createKeyStore(database, { clock: systemClock, logger: silentLogger })
    return (await keys.create({ userId: null, scopes: ALL_SCOPES })).key
  } finally {
    await database.close()
  }
}
