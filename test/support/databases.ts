import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import pg from 'pg'
import { inject } from 'vitest'
import { TEMPLATE } from './global-setup.ts'

export const PROVIDERS = ['sqlite', 'postgres'] as const
export type Provider = (typeof PROVIDERS)[number]

/** A database that nobody else uses, and how to be rid of it. */
export interface TestDatabase {
  readonly url: string
  drop(): Promise<void>
}

/** @param migrated on Postgres, whether it comes with its tables; an SQLite file is always made anew */
export async function createTestDatabase(
  provider: Provider,
  { migrated = true } = {},
): Promise<TestDatabase> {
  return provider === 'sqlite' ? createFile() : createPostgresDatabase(migrated)
}

function createFile(): TestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-test-'))
  return {
    url: `file:${join(folder, 'connlog.db')}`,
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function createPostgresDatabase(migrated: boolean): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await asAdmin(
    adminUrl,
    `CREATE DATABASE ${name}${migrated ? ` TEMPLATE ${TEMPLATE} STRATEGY FILE_COPY` : ''}`,
    // For the clients of tests, which name no schema. connlog's own connections do not depend on it.
    `ALTER DATABASE ${name} SET search_path = connlog, pg_temp`,
  )
  return {
    url: adminUrl.replace(/postgres$/, name),
    drop: () => asAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

/** Takes a database away from under a service: another program locks the file, or the server loses it. @returns how to mend it */
export async function breakDatabase(url: string): Promise<() => void> {
  if (!url.startsWith('file:')) {
    await asAdmin(inject('postgresUrl'), `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`)
    return () => undefined
  }
  const other = new DatabaseSync(url.slice('file:'.length))
  other.exec('BEGIN IMMEDIATE')
  return () => other.close()
}

async function asAdmin(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
