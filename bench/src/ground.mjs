import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connlog } from './connlog.mjs'
import { createField } from './field.mjs'
import { WINDOW_DAYS, fill } from './fill.mjs'
import { startPostgres } from './postgres.mjs'
import { tenantsFor } from './tenants.mjs'

const HOUR_MS = 3_600_000
const RETENTION_DAYS = 7

/** How long a run may take: a kept database whose logs would begin to expire within this time is not used again. */
const LONGEST_RUN_MS = HOUR_MS

/**
 * What is measured on. Nothing is started or filled before a measurement asks for it:
 *  - `filled`: a Postgres with connlog's tables, filled, a key for each tenant that is asked about, and who takes part
 *  - `server`: a Postgres on which the measurement makes databases of its own, see `own-database.mjs`
 *  - `nothing`
 * @param {import('./options.mjs').Options} options
 * @param {(text: string) => void} say
 * @param {(stop: () => unknown) => void} onStop is told how to undo what has been done, step by step
 */
export function createGround({ logs, keep, data, contestants: names }, say, onStop) {
  const folder = once(() => {
    const path =
      data ?? (keep ? join(tmpdir(), 'connlog-bench') : mkdtempSync(join(tmpdir(), 'connlog-bench-')))
    mkdirSync(path, { recursive: true })
    const isFilled = keep && isStillGood(noteIn(path), logs)
    const clear = () => {
      for (const name of ['data', NOTE]) rmSync(join(path, name), { recursive: true, force: true })
    }
    if (!isFilled) clear()
    onStop(() => {
      if (keep) return
      clear()
      if (readdirSync(path).length === 0) rmdirSync(path)
    })
    return { path, isFilled }
  })

  const server = once(() => startPostgres(folder().path, onStop))

  const filled = once(async () => {
    const postgres = await server()
    const { path, isFilled } = folder()
    const all = tenantsFor(logs)
    if (isFilled) say(`Using the logs that were kept in ${path}.`)
    else {
      const filledAt = Date.now()
      say(await connlog(postgres.url, ['migrate']))
      await fill(postgres.url, all, say)
      writeFileSync(noteIn(path), JSON.stringify({ logs, filledAt, migrations: migrations() }))
    }
    const tenants = {}
    for (const tenant of all.filter(({ name }) => ['small', 'mid', 'big'].includes(name))) {
      const key = await connlog(postgres.url, ['keys', 'create', '--user', tenant.userId])
      tenants[tenant.name] = { ...tenant, key }
    }
    return {
      postgres,
      tenants,
      field: createField({ databaseUrl: postgres.url, tenants, names, say, onStop }),
    }
  })

  return {
    /** @param {import('./figures.mjs').Measurement['needs']} needs */
    give: async (needs) => {
      if (needs === 'filled') return filled()
      return needs === 'server' ? { postgres: await server() } : {}
    },
  }
}

const NOTE = 'filled.json'
const noteIn = (path) => join(path, NOTE)

function once(make) {
  let made
  return () => (made ??= make())
}

function isStillGood(note, logs) {
  if (!existsSync(note)) return false
  const filled = JSON.parse(readFileSync(note, 'utf8'))
  const expiryBeginsAt = filled.filledAt + (RETENTION_DAYS - WINDOW_DAYS) * 24 * HOUR_MS
  return (
    filled.logs === logs &&
    filled.migrations.join() === migrations().join() &&
    Date.now() + LONGEST_RUN_MS < expiryBeginsAt
  )
}

const migrations = () =>
  readdirSync(new URL('../../prisma/postgresql/migrations', import.meta.url)).filter((name) =>
    /^\d/.test(name),
  )
