import pg from 'pg'
import { expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { ALL_SCOPES } from '../../src/auth/scopes.ts'
import { parseConfig } from '../../src/config/config.ts'
import { DAY_MS, systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { runCommand } from '../support/command.ts'
import { createTestDatabase } from '../support/databases.ts'
import { undoneAfterEach } from '../support/undo.ts'

const undo = undoneAfterEach()

const HOSTILE = {
  timezone: 'America/St_Johns',
  intervalstyle: 'sql_standard',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  standard_conforming_strings: 'off',
  transform_null_equals: 'on',
  array_nulls: 'off',
  quote_all_identifiers: 'on',
  gin_fuzzy_search_limit: '1',
  default_transaction_isolation: 'serializable',
  search_path: 'pg_temp, public',
}

it.each(['German', 'SQL, DMY', 'Postgres, MDY', 'ISO, YMD'])(
  'answers the same, and accepts no expired key, under DateStyle %s and other settings of a role and a database',
  async (datestyle) => {
    const { url, drop } = await createTestDatabase('postgres', { migrated: false })
    undo(drop)
    const database = new URL(url).pathname.slice(1)
    const role = `styled_${database.slice(5, 25)}`
    const admin = new pg.Client(url)
    await admin.connect()
    undo(() => admin.end())
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'styled'`)
    await admin.query(`ALTER DATABASE ${database} OWNER TO ${role}`)
    undo(async () => {
      await admin.query(`ALTER DATABASE ${database} OWNER TO postgres`)
      await admin.query(`DROP OWNED BY ${role} CASCADE`)
      await admin.query(`DROP ROLE ${role}`)
    })
    for (const [name, value] of Object.entries({ datestyle, ...HOSTILE })) {
      const setting = name === 'search_path' ? value : `'${value}'`
      await admin.query(`ALTER ROLE ${role} SET ${name} = ${setting}`)
      await admin.query(`ALTER DATABASE ${database} SET ${name} = ${setting}`)
    }
    const own = new URL(url)
    own.username = role
    own.password = 'styled'

    const config = parseConfig({ DATABASE_URL: own.href, RATE_LIMIT_PER_MINUTE: '0' })
    const app = await createApp({ config, clock: systemClock, logger: silentLogger })
    undo(() => app.stop())
    await app.database.migrations.apply()
    const key = async (expiresAt?: number) => app.keys.create({ userId: 'u1', scopes: ALL_SCOPES, expiresAt })
    const ask = async (token: string) => {
      const answer = await app.fetch(
        new Request('http://connlog.test/graphql', {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({
            query: `{ connectionLogs(filter: { search: "denied" }) { logs { createdAt } pagination { total } }
              apiKeys { apiKeys { id expiresAt } } }`,
          }),
        }),
      )
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    }
    const value = {
      userId: 'u1',
      platform: 'reddit',
      eventType: 'connect_failed',
      connectionMethod: 'oauth',
      error: { code: 'oauth_denied', message: 'denied' },
    }
    const createdAt = systemClock.now() - 5_000
    await app.connectionLogs.record(
      Array.from({ length: 20 }, (_, index) => ({
        at: '',
        index,
        value: { ...value, createdAt: new Date(createdAt + index).toISOString() },
      })),
    )

    const end = Math.floor(systemClock.now() + DAY_MS)
    const [expired, valid] = [await key(systemClock.now() - DAY_MS), await key(end)]
    expect((await ask(expired.key)).status).toBe(401)
    const { status, body } = await ask(valid.key)
    expect(status).toBe(200)
    expect(body).toEqual({
      data: {
        connectionLogs: {
          logs: Array.from({ length: 20 }, (_, index) => ({
            createdAt: new Date(createdAt + 19 - index).toISOString(),
          })),
          pagination: { total: 20 },
        },
        apiKeys: {
          apiKeys: expect.arrayContaining([
            { id: valid.apiKey.id, expiresAt: new Date(end).toISOString() },
          ]) as unknown,
        },
      },
    })
    const listed = await runCommand(['keys', 'list'], { DATABASE_URL: own.href })
    expect(listed.stdout).toContain(`until ${new Date(end).toISOString()}`)
    expect(listed.stdout).toContain('expired ')
    const made = await runCommand(['keys', 'create', '--user', 'u1'], { DATABASE_URL: own.href })
    expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^clk_/)])
  },
)
