import pg from 'pg'
import { expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { ALL_SCOPES } from '../../src/auth/scopes.ts'
import { parseConfig } from '../../src/config/config.ts'
import { channelOf } from '../../src/database/postgres/hints.ts'
import { CLEANUP_LOCK } from '../../src/database/postgres/locks.ts'
import { openDatabase } from '../../src/database/open.ts'
import { DatabaseOpenError } from '../../src/database/open-error.ts'
import { readMigrations } from '../../src/database/migrations.ts'
import { type Clock, DAY_MS, systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createTestClock } from '../support/clock.ts'
import { runCommand } from '../support/command.ts'
import { createTestDatabase } from '../support/databases.ts'
import { MIGRATIONS } from '../support/migrations.ts'
import { startForgetfulPooler } from '../support/pooler.ts'
import { undoneAfterEach } from '../support/undo.ts'

const undo = undoneAfterEach()

const LOG = { userId: 'u1', platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }

/** An empty database in which no schema is searched that connlog uses. */
async function emptyDatabase(): Promise<{
  url: string
  sql: (...statements: string[]) => Promise<object[]>
}> {
  const { url, drop } = await createTestDatabase('postgres', { migrated: false })
  undo(drop)
  const sql = (...statements: string[]) => statementsOn(url, statements)
  await sql(`ALTER DATABASE ${nameOf(url)} RESET search_path`)
  return { url, sql }
}

const nameOf = (url: string) => new URL(url).pathname.slice(1)

async function statementsOn(url: string, statements: readonly string[]): Promise<object[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    let rows: object[] = []
    for (const statement of statements) rows = (await client.query<object>(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

async function startApp(url: string, clock: Clock = systemClock) {
  const config = parseConfig({ DATABASE_URL: url, RATE_LIMIT_PER_MINUTE: '0' })
  const app = await createApp({ config, clock, logger: silentLogger })
  undo(() => app.stop())
  await app.database.migrations.apply()
  const key = async () => (await app.keys.create({ userId: null, scopes: ALL_SCOPES })).key
  const users = async (token: string) => {
    const answer = await app.fetch(
      new Request('http://connlog.test/api/v1/connections/logs', {
        headers: { authorization: `Bearer ${token}` },
      }),
    )
    const { logs } = (await answer.json()) as { logs?: { userId: string }[] }
    return logs?.map(({ userId }) => userId) ?? answer.status
  }
  const record = (userId: string) => app.connectionLogs.record([{ value: { ...LOG, userId }, at: '' }])
  return { app, key, users, record }
}

/** The sentence with which opening, or migrating, is refused. */
async function refusal(url: string): Promise<string> {
  try {
    const database = await openDatabase(url, { poolSize: 1, clock: systemClock, logger: silentLogger })
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

const TABLES = `SELECT schemaname || '.' || tablename AS name FROM pg_tables
  WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`

const PRODUCT = [
  'CREATE TABLE "_prisma_migrations" (migration_name text, checksum text, finished_at timestamptz, rolled_back_at timestamptz, started_at timestamptz)',
  `INSERT INTO "_prisma_migrations" VALUES ('20240101000000_init', 'x', now(), NULL, now())`,
  'CREATE TABLE api_keys (id text)',
  'CREATE TABLE connection_logs (id text)',
]

it('keeps its tables in the schema connlog, next to the tables of a product that uses Prisma too', async () => {
  const { url, sql } = await emptyDatabase()
  await sql(...PRODUCT)
  const before = (await sql(TABLES)) as { name: string }[]
  const { key, users, record } = await startApp(url)
  await record('u1')
  expect(await users(await key())).toEqual(['u1'])
  const added = ((await sql(TABLES)) as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => !before.some((one) => one.name === name))
  expect(added).toContain('connlog.connection_logs')
  expect(added.filter((name) => !name.startsWith('connlog.'))).toEqual([])
  expect(await sql('SELECT migration_name FROM public._prisma_migrations')).toEqual([
    { migration_name: '20240101000000_init' },
  ])
})

it('is not led astray by the search path of a role or a database, by temporary tables or by schemas of those names', async () => {
  const { url, sql } = await emptyDatabase()
  const other = await startApp(`${url}?schema=postgres`)
  await other.record('of the other one')
  const otherKey = await other.key()
  await sql(`ALTER DATABASE ${nameOf(url)} SET search_path = pg_temp, postgres, public`)
  const { key, users, record } = await startApp(url)
  await record('u1')
  expect(await users(await key())).toEqual(['u1'])
  expect(await users(otherKey)).toBe(401)
  expect(await other.users(otherKey)).toEqual(['of the other one'])
})

it('keeps two services in two schemas of one database apart: keys, logs, cursors, cleanup, change notifications', async () => {
  const { url, sql } = await emptyDatabase()
  const clock = createTestClock(systemClock.now() - 9 * DAY_MS)
  const [a, b] = [
    await startApp(`${url}?schema=tenant_a`, clock),
    await startApp(`${url}?schema=tenant_b`, clock),
  ]
  await a.record('in a')
  await b.record('in b')
  const [keyA, keyB] = [await a.key(), await b.key()]
  expect([await a.users(keyA), await b.users(keyB)]).toEqual([['in a'], ['in b']])
  expect([await a.users(keyB), await b.users(keyA)]).toEqual([401, 401])
  // What cursors are signed with.
  for (const { app } of [a, b]) await app.connectionLogs.feedCursor()
  expect(
    await sql(
      'SELECT count(DISTINCT secret)::int AS secrets FROM (SELECT secret FROM tenant_a.instance UNION ALL SELECT secret FROM tenant_b.instance) AS s',
    ),
  ).toEqual([{ secrets: 2 }])

  const holder = new pg.Client({ connectionString: url, options: '-c search_path=tenant_a' })
  await holder.connect()
  undo(() => holder.end())
  await holder.query('BEGIN')
  await holder.query(`SELECT pg_advisory_xact_lock(${CLEANUP_LOCK})`)
  clock.set(systemClock.now())
  expect(await a.app.connectionLogs.cleanup(false)).toMatchObject({ deleted: 0, isElsewhere: true })
  expect(await b.app.connectionLogs.cleanup(false)).toMatchObject({ deleted: 1, isElsewhere: false })

  const channels = ['tenant_a', 'tenant_b'].map(channelOf)
  const heard: string[] = []
  holder.on('notification', ({ channel }) => void heard.push(channel))
  await holder.query('ROLLBACK')
  for (const channel of channels) await holder.query(`LISTEN ${channel}`)
  a.app.database.hints.announce()
  await until(() => heard.length === 1)
  b.app.database.hints.announce()
  await until(() => heard.length === 2)
  expect(heard).toEqual(channels)
})

it('takes any name for its schema, and commands, erasure and doctor work in it', async () => {
  const { url, sql } = await emptyDatabase()
  const name = `Wëird "name"; \\ 'x' ${'é'.repeat(20)}`
  const DATABASE_URL = `${url}?schema=${encodeURIComponent(name)}`
  expect((await runCommand(['migrate'], { DATABASE_URL })).code).toBe(0)
  const imported = await runCommand(
    ['import', '-'],
    { DATABASE_URL },
    `${JSON.stringify({ ...LOG, eventId: 'e1' })}\n`,
  )
  expect(imported.code, imported.stderr).toBe(0)
  expect((await runCommand(['keys', 'create', '--user', 'u1'], { DATABASE_URL })).stdout).toMatch(
    /^clk_\w+\n$/,
  )
  const doctor = await runCommand(['doctor'], { DATABASE_URL })
  // The tests' own Postgres does not survive a power cut.
  expect(doctor.stdout.split('\n').filter((line) => /^wrong {2}(?!durability)/.test(line))).toEqual([])
  expect(doctor.stdout).toContain(`all ${MIGRATIONS.length} applied`)
  expect((await runCommand(['export'], { DATABASE_URL })).stdout).toContain('"eventId":"e1"')
  const erased = await runCommand(['erase', '--user', 'u1'], { DATABASE_URL })
  expect(erased.stdout).toContain('1 log')
  expect((await runCommand(['cleanup'], { DATABASE_URL })).code).toBe(0)
  const schemas = (await sql(TABLES)) as { name: string }[]
  expect(schemas.filter((one) => !one.name.startsWith(`${name}.`))).toEqual([])
})

it('says which statement makes the schema, if the role may not', async () => {
  const { url, sql } = await emptyDatabase()
  const role = `weak_${nameOf(url).slice(0, 20)}`
  await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'weak'`)
  undo(() => sql(`DROP OWNED BY ${role}`, `DROP ROLE ${role}`))
  const weak = new URL(url)
  weak.username = role
  weak.password = 'weak'
  expect(await refusal(weak.href)).toBe(
    `This role may not create the schema "connlog" in the database "${nameOf(url)}". Create it once: CREATE SCHEMA "connlog" AUTHORIZATION "${role}".`,
  )
  await sql('CREATE SCHEMA connlog')
  expect(await refusal(weak.href)).toBe(
    `This role may not create tables in the schema "connlog". Make it the owner: ALTER SCHEMA "connlog" OWNER TO "${role}".`,
  )
  await sql(`ALTER SCHEMA connlog OWNER TO ${role}`)
  expect(await refusal(weak.href)).toBe('opened')
})

it('recognises the tables of an earlier version in public, and goes on with them by ?schema=public', async () => {
  const { url, sql } = await emptyDatabase()
  const old = await startApp(`${url}?schema=public`)
  await old.record('u1')
  const key = await old.key()
  expect(await refusal(url)).toBe(
    'This database has connlog\'s tables in the schema "public", where earlier versions kept them. Add ?schema=public to DATABASE_URL to go on with them, or move them as docs/upgrading.md describes. To begin with empty tables, add ?schema=connlog.',
  )
  expect(await (await startApp(`${url}?schema=public`)).users(key)).toEqual(['u1'])
  expect(await refusal(`${url}?schema=connlog`)).toBe('opened')
  await sql('DROP SCHEMA connlog CASCADE')

  // As docs/upgrading.md describes.
  await old.app.stop()
  await sql('ALTER SCHEMA public RENAME TO connlog', 'CREATE SCHEMA public')
  const moved = await startApp(url)
  expect(await moved.users(key)).toEqual(['u1'])
  await moved.record('u2')
  expect(await moved.users(key)).toEqual(['u2', 'u1'])
})

it('refuses a schema in which another program keeps migrations, and says so', async () => {
  const { url, sql } = await emptyDatabase()
  await sql(...PRODUCT.slice(0, 2))
  const sentence =
    'Another program keeps its migrations in the table _prisma_migrations here, such as 20240101000000_init. Give connlog a place of its own: on Postgres another ?schema= in DATABASE_URL, on SQLite another file.'
  expect(await refusal(`${url}?schema=public`)).toBe(sentence)
  await sql(`UPDATE "_prisma_migrations" SET finished_at = NULL`)
  expect(await refusal(`${url}?schema=public`)).toBe(sentence)
  const [first] = readMigrations('postgresql')
  await sql(
    `INSERT INTO "_prisma_migrations" VALUES ('${first?.name}', '${first?.checksum}', now(), NULL, now())`,
  )
  expect(await refusal(`${url}?schema=public`)).toBe(sentence)
  await sql(
    `DELETE FROM "_prisma_migrations"`,
    `INSERT INTO "_prisma_migrations" VALUES ('0001_init', 'x', now(), NULL, now())`,
  )
  expect(await refusal(`${url}?schema=public`)).toBe(sentence.replace('20240101000000_init', '0001_init'))
})

it('does not serve on a connection that lost its schema, as behind a pooler, until the role has the settings', async () => {
  const { url, sql } = await emptyDatabase()
  await startApp(url)
  const pooler = await startForgetfulPooler(Number(new URL(url).port))
  undo(pooler.stop)
  const behind = url.replace(/:\d+\//, `:${pooler.port}/`)
  await sql(`ALTER DATABASE ${nameOf(url)} SET datestyle = 'German'`)
  expect(await refusal(behind)).toBe(
    `This connection to Postgres does not have the settings that connlog sent, as behind a pooler that ignores them. Give them to the role: ALTER ROLE "postgres" SET search_path = "connlog", pg_temp; ALTER ROLE "postgres" SET datestyle = 'ISO, MDY'.`,
  )
  await sql(
    `ALTER DATABASE ${nameOf(url)} SET search_path = connlog, pg_temp`,
    `ALTER DATABASE ${nameOf(url)} SET datestyle = 'ISO, DMY'`,
  )
  expect(await refusal(behind)).toBe('opened')
})

it('has every migration in the schema that is named, and no table elsewhere', async () => {
  const { url, sql } = await emptyDatabase()
  const migrated = await runCommand(['migrate'], { DATABASE_URL: `${url}?schema=logs` })
  expect(migrated.stdout).toBe(MIGRATIONS.map((name) => `Applied ${name}.\n`).join(''))
  const tables = (await sql(TABLES)) as { name: string }[]
  expect(new Set(tables.map(({ name }) => name.split('.')[0]))).toEqual(new Set(['logs']))
})

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await systemClock.sleep(5)
}
