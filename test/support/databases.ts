import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  await asAdmin(adminUrl, `CREATE DATABASE ${name}${migrated ? ` TEMPLATE ${TEMPLATE}` : ''}`)
  return {
    url: adminUrl.replace(/postgres$/, name),
    drop: () => asAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
