import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startPostgres } from '../../support/postgres-server.ts'
import { startService } from './services.ts'

declare module 'vitest' {
  interface ProvidedContext {
    services: Record<Provider, { readonly origin: string; readonly adminKey: string }>
  }
}

export type Provider = 'sqlite' | 'postgres'

/**
 * One service on each database for the whole run; every suite is a user of its own there. `TEST_POSTGRES_URL` names a
 * server to run on instead of one of our own, as it does for `npm test`.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_POSTGRES_URL']
  const server = given
    ? { url: given, stop: async () => undefined }
    : await startPostgres(['-c', 'fsync=off', '-c', 'full_page_writes=off'])
  const client = new pg.Client(server.url)
  await client.connect()
  await client.query('DROP DATABASE IF EXISTS connlog_clients WITH (FORCE)')
  await client.query("CREATE DATABASE connlog_clients ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0")
  await client.end()
  const [sqlite, postgres] = await Promise.all([
    startService(),
    startService({ DATABASE_URL: server.url.replace(/postgres$/, 'connlog_clients') }),
  ])
  project.provide('services', {
    sqlite: { origin: sqlite.origin, adminKey: sqlite.adminKey },
    postgres: { origin: postgres.origin, adminKey: postgres.adminKey },
  })
  return async () => {
    await Promise.all([sqlite.stop(), postgres.stop()])
    await server.stop()
  }
}
