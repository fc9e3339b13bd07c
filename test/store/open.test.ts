import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/database/open.ts'
import { DatabaseOpenError } from '../../src/database/open-error.ts'
import type { Database } from '../../src/database/port.ts'
import { raw, sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { PROVIDERS, type TestDatabase, createTestDatabase } from '../support/databases.ts'

const open = (url: string): Promise<Database> =>
  openDatabase(url, { poolSize: 2, clock: systemClock, logger: silentLogger })
const fileOf = ({ url }: TestDatabase) => url.slice('file:'.length)

/** The sentence with which opening, or migrating, is refused. */
async function refusal(url: string): Promise<string> {
  try {
    const database = await open(url)
    try {
      await database.migrations.apply()
    } finally {
      await database.close()
    }
    return 'opened'
  } catch (error) {
    if (error instanceof DatabaseOpenError) return error.message
    throw error
  }
}

describe.each(PROVIDERS)('opening a %s database', (provider) => {
  it('migrates an empty one once, and says what was applied', async () => {
    const test = await createTestDatabase(provider, { migrated: false })
    const database = await open(test.url)
    const pending = await database.migrations.pending()
    expect(pending[0]).toBe('0001_logs_and_keys')
    expect(await database.migrations.apply()).toEqual(pending)
    expect(await database.migrations.apply()).toEqual([])
    expect(await database.migrations.pending()).toEqual([])
    await database.close()
    await test.drop()
  })

  it('lets one of several that start at once migrate, and the others wait', async () => {
    const test = await createTestDatabase(provider, { migrated: false })
    const databases = await Promise.all(Array.from({ length: 4 }, () => open(test.url)))
    const applied = await Promise.all(databases.map((database) => database.migrations.apply()))
    expect(applied.flat()).toEqual([...new Set(applied.flat())])
    expect(applied.flat()[0]).toBe('0001_logs_and_keys')
    for (const database of databases) await database.close()
    await test.drop()
  })

  it('refuses one that is newer than the program, one whose migrations were edited, and one half migrated', async () => {
    const test = await createTestDatabase(provider)
    const database = await open(test.url)
    await database.migrations.apply()
    const change = async (statement: ReturnType<typeof sql>) => {
      await database.execute(statement)
      return refusal(test.url)
    }
    expect(
      await change(
        sql`INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', 'x', '9999_from_the_future', CURRENT_TIMESTAMP)`,
      ),
    ).toBe(
      'This database was made by a newer connlog: it has 9999_from_the_future, which this version does not know. Use that version, or another database.',
    )
    await database.execute(sql`DELETE FROM _prisma_migrations WHERE id = '1'`)
    expect(
      await change(
        sql`UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '0001_logs_and_keys'`,
      ),
    ).toContain('Migration 0001_logs_and_keys was begun on this database and never finished.')
    expect(
      await change(sql`UPDATE _prisma_migrations SET finished_at = CURRENT_TIMESTAMP, checksum = 'x'`),
    ).toContain(
      'Migration 0001_logs_and_keys is not the one that this database was made with: its checksum differs.',
    )
    await database.close()
    await test.drop()
  })
})

describe('opening an SQLite file', () => {
  it('says when it is not a database, or a folder, or lies under a file', async () => {
    const test = await createTestDatabase('sqlite')
    writeFileSync(
      fileOf(test),
      'This is a text, and long enough that nobody could take it for anything else.'.repeat(20),
    )
    expect(await refusal(test.url)).toBe(
      `Cannot open the SQLite database ${fileOf(test)}: the file is not an SQLite database.`,
    )
    expect(await refusal(`${test.url}/deeper.db`)).toContain(
      'its directory does not exist and cannot be made, because a part of the path is a file.',
    )
    expect(await refusal(test.url.replace('/connlog.db', ''))).toContain(
      'expected the path of a file, got a directory.',
    )
    await test.drop()
  })

  it('says when another process has it locked, and opens it once that has let go', async () => {
    const test = await createTestDatabase('sqlite')
    const holder = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `
      import { DatabaseSync } from '@photostructure/sqlite'
      const db = new DatabaseSync(${JSON.stringify(fileOf(test))})
      db.exec('CREATE TABLE held (x); BEGIN EXCLUSIVE')
      console.log('locked')
      process.stdin.once('data', () => (db.close(), process.exit(0)))
    `,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    await once(holder.stdout, 'data')
    expect(await refusal(test.url)).toBe(
      `Cannot open the SQLite database ${fileOf(test)}: another process holds the lock on it.`,
    )
    holder.stdin.write('done')
    await once(holder, 'exit')
    expect(await refusal(test.url)).toBe('opened')
    await test.drop()
  })

  it('opens a copy of the file alone once it was closed: nothing is left in the log beside it', async () => {
    const test = await createTestDatabase('sqlite')
    const database = await open(test.url)
    await database.migrations.apply()
    await database.close()
    cpSync(fileOf(test), `${fileOf(test)}.copy`)
    expect(await refusal(`${test.url}.copy`)).toBe('opened')
    await test.drop()
  })
})

describe('opening Postgres', () => {
  it('says what is wrong with the address, and never the password', async () => {
    const test = await createTestDatabase('postgres')
    const wrong = (change: (url: URL) => void) => {
      const url = new URL(test.url)
      change(url)
      return refusal(url.href)
    }
    const at = (url: string) => url.replace('postgres:postgres@', '')
    expect(await wrong((url) => (url.pathname = '/nowhere'))).toBe(
      `Could not open Postgres at ${at(new URL('/nowhere', test.url).href)}: there is no such database.`,
    )
    expect(await wrong((url) => (url.port = '1'))).toContain('127.0.0.1:1/')
    expect(await wrong((url) => (url.port = '1'))).toContain('nothing listens there.')
    const password = await wrong((url) => (url.password = 'canary-password'))
    expect(password).toMatch(/the password is wrong|opened/)
    expect(password).not.toContain('canary')
    await test.drop()
  })

  it('refuses a role that would acknowledge what is not on disk, and one that may not write', async () => {
    const test = await createTestDatabase('postgres')
    const database = await open(test.url)
    const name = new URL(test.url).pathname.slice(1)
    const set = async (setting: string) => {
      await database.execute(raw(`ALTER DATABASE ${name} SET ${setting}`))
      return refusal(test.url)
    }
    expect(await set('synchronous_commit = off')).toContain(
      'synchronous_commit=off, with which acknowledged logs can be lost.',
    )
    await database.execute(raw(`ALTER DATABASE ${name} RESET synchronous_commit`))
    expect(await set('default_transaction_read_only = on')).toBe(
      'This Postgres takes no writes: it is a replica, or default_transaction_read_only is on.',
    )
    await database.close()
    await test.drop()
  })

  it('refuses a role that does not own the tables, since it could not make the partition of a new day', async () => {
    const test = await createTestDatabase('postgres')
    const role = `weak_${new URL(test.url).pathname.slice(1, 20)}`
    const database = await open(test.url)
    await database.execute(raw(`CREATE ROLE ${role} LOGIN PASSWORD 'weak'`))
    await database.execute(raw(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`))
    const url = new URL(test.url)
    url.username = role
    url.password = 'weak'
    expect(await refusal(url.href)).toBe(
      'This role may not make and drop partitions. Connect as the owner of the tables, with the right to create in their schema.',
    )
    await database.execute(raw(`DROP OWNED BY ${role}`))
    await database.execute(raw(`DROP ROLE ${role}`))
    await database.close()
    await test.drop()
  })
})
