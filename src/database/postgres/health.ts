import type { Pool } from 'pg'
import { DAY_MS } from '../../kernel/clock.ts'
import type { LogTable } from '../dialect.ts'
import { type Finding, type Health, bytes, note, ok, wrong } from '../finding.ts'
import { PLANNING } from './planning.ts'
import { boundsOf, partitionName } from './storage.ts'

const DURABILITY = ['synchronous_commit', 'fsync', 'full_page_writes'] as const

const MENDS: Readonly<Record<string, string>> = {
  synchronous_commit: 'Acknowledged logs can be lost: ALTER ROLE … SET synchronous_commit = on.',
  fsync: 'A power cut can destroy the database: ALTER SYSTEM SET fsync = on, then SELECT pg_reload_conf().',
  full_page_writes:
    'A power cut can tear pages: ALTER SYSTEM SET full_page_writes = on, then SELECT pg_reload_conf().',
}

/** More than wait between two merges, however much is written. */
const MANY_NOTES = 200_000

export function createHealth(pool: Pool): Health {
  const settingsOf = async (names: readonly string[]) => {
    const { rows } = await pool.query<{ name: string; value: string }>(
      'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name',
      [names],
    )
    return new Map(rows.map(({ name, value }) => [name, value]))
  }

  async function server(): Promise<Finding[]> {
    const { rows } = await pool.query<{
      version: string
      encoding: string
      database: string
      role: string
      unbound: boolean
    }>(
      `SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
         current_database() AS database, current_user AS role,
         (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS unbound`,
    )
    const [found] = rows
    if (!found) throw new TypeError('the server did not tell who it is')
    const { version, encoding, database, role, unbound } = found
    return [
      ok(`database: Postgres ${version}, ${database}, ${encoding}; a primary, which takes writes`),
      ...(unbound
        ? [
            note(
              `role: ${role} may do anything on this server. A role that owns the database alone is enough`,
            ),
          ]
        : []),
    ]
  }

  async function durability(): Promise<Finding[]> {
    const values = await settingsOf(DURABILITY)
    const off = DURABILITY.filter((name) => values.get(name) === 'off')
    const all = DURABILITY.map((name) => `${name}=${values.get(name)}`).join(', ')
    return off.length === 0
      ? [ok(`durability: ${all}: each commit is on disk before it is acknowledged`)]
      : off.map((name) => wrong(`durability: ${name}=off`, MENDS[name] ?? 'Turn it on.'))
  }

  async function planner(): Promise<Finding> {
    const values = await settingsOf(Object.keys(PLANNING))
    const lost = Object.entries(PLANNING).filter(([name, value]) => values.get(name) !== value)
    return lost.length === 0
      ? ok('planner: statements are planned once a connection')
      : note(
          `planner: pages take several times as long, since this connection lacks ${lost.map(([name, value]) => `${name}=${value}`).join(', ')}. Behind a pooler, give the settings to the role: ALTER ROLE … SET ${lost.map(([name, value]) => `${name} = '${value}'`).join(', ALTER ROLE … SET ')}`,
        )
  }

  return {
    settings: async () => [...(await server()), ...(await durability()), await planner()],

    space: async () => {
      const { rows } = await pool.query<{ size: string }>(
        'SELECT pg_database_size(current_database()) AS size',
      )
      return [
        note(
          `disk: the database has ${bytes(Number(rows[0]?.size))}. How much is free cannot be asked of Postgres: look at its machine`,
        ),
      ]
    },

    storage: async (table, days) => [...(await partitions(pool, table, days)), await notes(pool, table)],
  }
}

/** A day without partitions gets them before its first log. One whose table is there and not attached cannot. */
async function partitions(pool: Pool, table: LogTable, days: readonly number[]): Promise<Finding[]> {
  const wanted = days.flatMap((day) =>
    [table.name, table.eventIds, table.counts.name].map((parent) => ({
      parent,
      name: partitionName(parent, day),
      day,
    })),
  )
  const { rows } = await pool.query<{ name: string; attached: boolean }>(
    `SELECT c.relname AS name, c.relispartition AS attached 
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = ANY($1) AND n.nspname = current_schema()`,
    [wanted.map(({ name }) => name)],
  )
  const attached = new Map(rows.map((row) => [row.name, row.attached]))
  const loose = wanted.filter(({ name }) => attached.get(name) === false)
  const missing = wanted.filter(({ name }) => !attached.has(name))
  if (loose.length === 0 && missing.length === 0)
    return [ok(`days: there is room for today and the next ${days.length - 1}`)]
  return [
    ...loose.map(({ parent, name, day }) =>
      wrong(
        `days: the table ${name} is no partition of ${parent}, so that nothing can be stored on that day`,
        `ALTER TABLE ${parent} ATTACH PARTITION ${name} FOR VALUES ${boundsOf(table, parent, day)}; or drop it, if what it holds may go.`,
      ),
    ),
    ...(missing.length > 0
      ? [
          note(
            `days: no room yet for ${[...new Set(missing.map(({ day }) => dateOf(day)))].join(', ')}. It is made when it is needed; a service that runs makes it ahead`,
          ),
        ]
      : []),
  ]
}

async function notes(pool: Pool, { counts }: LogTable): Promise<Finding> {
  const { rows } = await pool.query<{ notes: string }>(`SELECT count(*) AS notes FROM "${counts.deltas}"`)
  const waiting = Number(rows[0]?.notes)
  const what = `notes: ${waiting.toLocaleString('en-US')} wait to be merged into the counts`
  return waiting <= MANY_NOTES
    ? ok(what)
    : wrong(what, 'Totals are exact and slow. A service merges notes every few seconds: is one running?')
}

const dateOf = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10)
