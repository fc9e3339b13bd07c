import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { lookAtClocks } from '../../src/cli/doctor/clocks.ts'
import { raw, sql } from '../../src/database/sql.ts'
import { DAY_MS, HOUR_MS, SECOND_MS, dayOf, systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { runCommand, runProcess } from '../support/command.ts'
import { PROVIDERS, createTestDatabase } from '../support/databases.ts'
import { startForgetfulPooler } from '../support/pooler.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { MIGRATIONS } from '../support/migrations.ts'

const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
const WELL = 'settings: each is one that is accepted'

const doctor = (url: string, ...args: string[]) =>
  runCommand(['doctor', ...args], { DATABASE_URL: url, LOG_LEVEL: 'error' })

/** What it finds about one thing, a line each. */
const about = async (url: string, topic: string) =>
  (await doctor(url)).stdout.split('\n').filter((line) => line.slice(7).startsWith(topic))

async function recordToday(app: TestApp, at = systemClock.now()): Promise<string> {
  const createdAt = formatInstant(at)
  await app.connectionLogs.record(
    Array.from({ length: 3 }, () => ({ value: { ...EVENT, createdAt }, at: '' })),
  )
  return createdAt.slice(0, 10)
}

const dateAhead = (days: number) => formatInstant(systemClock.now() + days * DAY_MS).slice(0, 10)

async function statements(url: string, ...all: string[]): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    for (const statement of all) await client.query(statement)
  } finally {
    await client.end()
  }
}

describe('connlog doctor, where all is well,', () => {
  it('says so on SQLite, as lines or as JSON', async () => {
    const app = await startTestApp('sqlite')
    const today = await recordToday(app)
    await app.key('u1')
    const { code, stdout, stderr } = await doctor(app.url)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines[1]).toMatch(/^ok {5}database: SQLite 3\.\d+\.\d+, \/.*\/connlog\.db$/)
    expect(lines[3]).toMatch(/^ok {5}disk: [\d.]+ [MGT]B free, the database has [\d.]+ kB$/)
    expect([lines[0], lines[2], ...lines.slice(4)]).toEqual([
      `ok     ${WELL}`,
      'ok     durability: journal_mode=wal, synchronous=FULL: each commit is on disk before it is acknowledged',
      'ok     clocks: this machine and the database agree within 5 seconds',
      `ok     migrations: all ${MIGRATIONS.length} applied, the last of them ${MIGRATIONS.at(-1)}`,
      'ok     keys: 1 valid',
      'ok     expiry: nothing is left that expired more than 60 minutes ago',
      `ok     counts of ${today}: as many as there are logs`,
      '',
    ])
    const json = JSON.parse((await doctor(app.url, '--json')).stdout)
    expect(json.isWell).toBe(true)
    expect(json.findings[0]).toEqual({ is: 'ok', what: WELL })
    expect(json.findings).toHaveLength(lines.length - 1)
  })

  it('says so on a Postgres that is set up for it', async () => {
    const server = await startPostgres()
    await statements(
      server.url,
      "CREATE ROLE connlog LOGIN PASSWORD 'x'",
      'CREATE DATABASE connlog OWNER connlog',
    )
    const url = server.url.replace('postgres:postgres@', 'connlog:x@').replace(/postgres$/, 'connlog')
    await runCommand(['migrate'], { DATABASE_URL: url })
    await runCommand(['keys', 'create', '--service'], { DATABASE_URL: url })
    const { code, stdout, stderr } = await doctor(url)
    await server.stop()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines[1]).toMatch(
      /^ok {5}database: Postgres [\d.]+, connlog, UTF8; a primary, which takes writes$/,
    )
    expect(lines[4]).toMatch(
      /^note {3}disk: the database has [\d.]+ MB\. How much is free cannot be asked of Postgres: look at its machine$/,
    )
    expect([lines[0], ...lines.slice(2, 4), ...lines.slice(5)]).toEqual([
      `ok     ${WELL}`,
      'ok     durability: synchronous_commit=on, fsync=on, full_page_writes=on: each commit is on disk before it is acknowledged',
      'ok     planner: statements are planned once a connection',
      'ok     clocks: this machine and the database agree within 5 seconds',
      `ok     migrations: all ${MIGRATIONS.length} applied, the last of them ${MIGRATIONS.at(-1)}`,
      `note   days: no room yet for ${[0, 1, 2].map(dateAhead).join(', ')}. It is made when it is needed; a service that runs makes it ahead`,
      'ok     notes: 0 wait to be merged into the counts',
      'ok     keys: 1 valid',
      'ok     expiry: nothing is left that expired more than 60 minutes ago',
      '',
    ])
  })
})

describe.each(PROVIDERS)('connlog doctor on %s', (provider) => {
  it('finds counts that differ from the logs, and mends them', async () => {
    const app = await startTestApp(provider)
    const today = await recordToday(app)
    const counts = () => about(app.url, 'counts')
    expect(await counts()).toEqual([`ok     counts of ${today}: as many as there are logs`])

    // Somebody else's program: it knows nothing of counts.
    await app.database.execute(
      sql`DELETE FROM ${raw('connection_logs')} WHERE id = (SELECT min(id) FROM connection_logs)`,
    )
    const ill = await doctor(app.url)
    expect(ill.code).toBe(1)
    expect(ill.stdout).toMatch(
      new RegExp(
        `wrong  counts of ${today}: \\d+ differ from the logs. Run \`connlog doctor --rebuild-counts\`.`,
      ),
    )
    expect((await app.connectionLogs.page({ platform: ['reddit'] }, {})).pagination.total).not.toBe(2)

    const mended = await doctor(app.url, '--rebuild-counts')
    expect(mended.stdout).toMatch(
      new RegExp(`ok     counts of ${today}: \\d+ were wrong, and are counted anew`),
    )
    expect(await counts()).toEqual([`ok     counts of ${today}: as many as there are logs`])
    expect((await app.connectionLogs.page({ platform: ['reddit'] }, {})).pagination.total).toBe(2)
  })

  it('names migrations that are missing, were never finished, or are not those it knows', async () => {
    const database = await createTestDatabase(provider, { migrated: false })
    expect(await about(database.url, provider === 'sqlite' ? 'database' : 'migrations')).toEqual([
      provider === 'sqlite'
        ? `wrong  database: No database at ${database.url.slice('file:'.length)}. \`connlog migrate\` creates it. If there should be one, check DATABASE_URL and the working directory.`
        : `wrong  migrations: the database lacks ${MIGRATIONS.join(', ')}. Run \`connlog migrate\`.`,
    ])
    await database.drop()

    const app = await startTestApp(provider)
    const records = raw('_prisma_migrations')
    await app.database.execute(
      sql`UPDATE ${records} SET finished_at = NULL WHERE migration_name = '0002_counts'`,
    )
    expect(await about(app.url, 'migrations')).toEqual([
      'wrong  migrations: Migration 0002_counts was begun on this database and never finished. Restore the database from before it, or mend it and mark it with `prisma migrate resolve`.',
    ])
    await app.database.execute(sql`UPDATE ${records} SET finished_at = started_at, checksum = 'other'`)
    const edited = await doctor(app.url)
    expect(edited.code).toBe(1)
    expect(edited.stdout).toContain(
      'wrong  migrations: Migration 0001_logs_and_keys is not the one that this database was made with: its checksum differs. Use the version of connlog that made the database.\n',
    )
  })

  it('names keys that no longer serve', async () => {
    const app = await startTestApp(provider)
    expect(await about(app.url, 'keys')).toEqual([
      'note   keys: none is valid, so every request is refused. `connlog keys create` makes one',
    ])
    await app.key('u1')
    await app.keys.create({ userId: null, scopes: ['admin'], lifetimeMs: 1 })
    const { apiKey } = await app.keys.create({ userId: null, scopes: ['admin'] })
    await app.keys.revoke(apiKey.id)
    expect(await about(app.url, 'keys')).toEqual(['ok     keys: 1 valid, 1 expired'])
  })

  it('finds what cleanup has left behind', async () => {
    const clock = createTestClock(systemClock.now() - 9 * DAY_MS)
    const app = await startTestApp(provider, { clock })
    await app.connectionLogs.record([{ value: { ...EVENT, eventId: 'old' }, at: '' }])
    const [line] = await about(app.url, 'expiry')
    expect(line).toMatch(
      /^wrong {2}expiry: 1 logs and [12] event ids are left that expired more than 60 minutes ago\. They are not shown, but they are there\. A service deletes them: is one running, and does its log tell of failures\? `connlog cleanup` deletes them now\.$/,
    )
    await runCommand(['cleanup'], { DATABASE_URL: app.url })
    expect(await about(app.url, 'expiry')).toEqual([
      'ok     expiry: nothing is left that expired more than 60 minutes ago',
    ])
  })

  it('compares clocks', async () => {
    const { database } = await startTestApp(provider)
    expect((await lookAtClocks(database, systemClock)).is).toBe('ok')
    const ahead = createTestClock(systemClock.now() + HOUR_MS + SECOND_MS / 2)
    expect(await lookAtClocks(database, ahead)).toMatchObject({
      is: 'wrong',
      what: expect.stringMatching(/^clocks: this machine and the database are 3[56]\d\d seconds apart$/),
    })
  })
})

describe('connlog doctor', () => {
  it('names every wrong setting', async () => {
    expect(await runCommand(['doctor'], { PORT: 'x', RETENTION_DAYS: '0' })).toEqual({
      code: 1,
      stdout: [
        'wrong  settings: Expected `PORT` to be a whole number from 0 to 65535, got "x".',
        'wrong  settings: Expected `RETENTION_DAYS` to be a whole number from 1 to 365, got "0".',
        '',
      ].join('\n'),
      stderr: '',
    })
  })

  it('says why a database cannot be opened', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'connlog-doctor-'))
    const file = join(folder, 'text.db')
    writeFileSync(file, 'This is no database. '.repeat(100))
    expect(await doctor(`file:${file}`)).toEqual({
      code: 1,
      stdout: `ok     ${WELL}\nwrong  database: Cannot open the SQLite database ${file}: the file is not an SQLite database.\n`,
      stderr: '',
    })
    rmSync(folder, { recursive: true })

    const { url, drop } = await createTestDatabase('postgres')
    const name = new URL(url).pathname.slice(1)
    await statements(url, `ALTER DATABASE ${name} SET synchronous_commit = off`)
    expect(await doctor(url)).toEqual({
      code: 1,
      stdout: `ok     ${WELL}\nwrong  database: This Postgres has synchronous_commit=off, with which acknowledged logs can be lost. Turn it on for this database or role: ALTER ROLE … SET synchronous_commit = on.\n`,
      stderr: '',
    })
    await drop()
  })

  // The tests' own server runs like that, and as its superuser.
  it('finds a Postgres that a power cut can destroy, and a role that may do anything', async () => {
    const { url, drop } = await createTestDatabase('postgres')
    expect(await about(url, 'durability')).toEqual([
      'wrong  durability: fsync=off. A power cut can destroy the database: ALTER SYSTEM SET fsync = on, then SELECT pg_reload_conf().',
      'wrong  durability: full_page_writes=off. A power cut can tear pages: ALTER SYSTEM SET full_page_writes = on, then SELECT pg_reload_conf().',
    ])
    expect(await about(url, 'role')).toEqual([
      'note   role: postgres may do anything on this server. A role that owns the database alone is enough',
    ])
    expect((await doctor(url)).code).toBe(1)
    await drop()
  })

  it('finds days without partitions, and tables that are none', async () => {
    // Around midnight a service makes room for both days.
    const noon = (dayOf(systemClock.now()) + 0.5) * DAY_MS
    const app = await startTestApp('postgres', { clock: createTestClock(noon) })
    const today = await recordToday(app, noon)
    expect(await about(app.url, 'days')).toEqual([
      `note   days: no room yet for ${dateAhead(1)}, ${dateAhead(2)}. It is made when it is needed; a service that runs makes it ahead`,
    ])
    const partition = `connection_logs_p${today.replaceAll('-', '')}`
    await statements(app.url, `ALTER TABLE connection_logs DETACH PARTITION ${partition}`)
    const [line] = await about(app.url, 'days')
    expect(line).toBe(
      `wrong  days: the table ${partition} is no partition of connection_logs, so that nothing can be stored on that day. ALTER TABLE connection_logs ATTACH PARTITION ${partition} FOR VALUES FROM ('${today}T00:00:00.000Z') TO ('${dateAhead(1)}T00:00:00.000Z'); or drop it, if what it holds may go.`,
    )
    await statements(app.url, (/ALTER TABLE [^;]*/.exec(line ?? '') ?? [''])[0])
    expect(await about(app.url, 'counts')).toEqual([`ok     counts of ${today}: as many as there are logs`])
  })

  it('finds notes that nobody merges', async () => {
    const app = await startTestApp('postgres')
    await statements(
      app.url,
      `INSERT INTO connection_log_count_deltas (user_id, start, platform, error_code)
       SELECT 'u' || n, 29000000, 'reddit', '' FROM generate_series(1, 200001) AS n`,
    )
    expect(await about(app.url, 'notes')).toEqual([
      'wrong  notes: 200,001 wait to be merged into the counts. Totals are exact and slow. A service merges notes every few seconds: is one running?',
    ])
  })

  it('finds a pooler that loses how statements are to be planned', async () => {
    const { url, drop } = await createTestDatabase('postgres')
    const pooler = await startForgetfulPooler(Number(new URL(url).port))
    const [line] = await about(url.replace(/:\d+\//, `:${pooler.port}/`), 'planner')
    await pooler.stop()
    expect(line).toBe(
      "note   planner: pages take several times as long, since this connection lacks plan_cache_mode=force_generic_plan, max_parallel_workers_per_gather=0, jit=off. Behind a pooler, give the settings to the role: ALTER ROLE … SET plan_cache_mode = 'force_generic_plan', ALTER ROLE … SET max_parallel_workers_per_gather = '0', ALTER ROLE … SET jit = 'off'",
    )
    await drop()
  })

  it.skipIf(!canMount())('finds a disk that is nearly full', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'connlog-small-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', folder])
    try {
      const url = `file:${join(folder, 'connlog.db')}`
      // A process of its own, whose end lets go of every file.
      await runProcess(['migrate'], { DATABASE_URL: url })
      const { stdout } = await runProcess(['doctor'], { DATABASE_URL: url })
      expect(stdout.split('\n').find((line) => line.slice(7).startsWith('disk'))).toMatch(
        /^wrong {2}disk: [\d.]+ MB free, the database has [\d.]+ kB\. Make room for as much again and 100\.0 MB: a full disk takes no logs, and a migration or `connlog erase` may write the file anew\.$/,
      )
    } finally {
      execFileSync('umount', [folder])
      rmSync(folder, { recursive: true })
    }
  })
})

/** Whether this user may mount a small file system. */
function canMount(): boolean {
  if (process.getuid?.() !== 0) return false
  const folder = mkdtempSync(join(tmpdir(), 'connlog-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
