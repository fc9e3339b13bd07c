import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { openDatabase } from '../../src/database/open.ts'
import { startPostgres } from './postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The tests' Postgres, as superuser. */
    postgresUrl: string
    /**
     * How often tests of faults kill, how long they send before each kill, at most, how many events they repeat, how
     * many hostile operations they send, how often they cut a stream, how many events they leave unread, and for how
     * long, one time after another, they take Postgres away.
     */
    faults: {
      cycles: number
      longestMs: number
      events: number
      operations: number
      reconnects: number
      unread: number
      outagesMs: number[]
      /** Whether times are held against what is promised: only where the machine does nothing else. */
      areTimed: boolean
    }
    /** How many random operations several tenants run beside each other. */
    tenants: { operations: number }
  }
}

/** A migrated database that every test copies; making it anew each time would take a second. */
export const TEMPLATE = 'connlog_template'

/**
 * One Postgres for the whole run. Nothing here outlives it, so it need not survive a power cut. `TEST_POSTGRES_URL`
 * names another server to run on instead, as its superuser and with `/postgres` at its end.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_POSTGRES_URL']
  const server = given
    ? { url: given, stop: async () => undefined }
    : await startPostgres(['-c', 'fsync=off', '-c', 'full_page_writes=off'])
  const client = new pg.Client(server.url)
  await client.connect()
  await client.query(`DROP DATABASE IF EXISTS ${TEMPLATE} WITH (FORCE)`)
  await client.query(`CREATE DATABASE ${TEMPLATE} ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0`)
  await client.end()
  const database = await openDatabase(server.url.replace(/postgres$/, TEMPLATE), {
    poolSize: 1,
    clock: systemClock,
    logger: silentLogger,
  })
  await database.migrations.apply()
  await database.close()
  project.provide('postgresUrl', server.url)
  return server.stop
}
