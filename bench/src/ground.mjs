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
import { WINDOW_DAYS, fill } from './fill.mjs'
import { startPostgres } from './postgres.mjs'
import { tenantsFor } from './tenants.mjs'

const HOUR_MS = 3_600_000
const RETENTION_DAYS = 7

/** How long a run may take: a kept database whose logs would begin to expire within this time is not used again. */
const LONGEST_RUN_MS = HOUR_MS

/**
 * What is measured on: a Postgres with connlog's tables, filled, and a key for each tenant that is asked about.
 * @param {import('./options.mjs').Options} options
 * @param {(text: string) => void} say
 * @param {(stop: () => unknown) => void} onStop is told how to undo what has been done, step by step
 */
export async function prepareGround({ logs, keep, data }, say, onStop) {
  const folder =
    data ?? (keep ? join(tmpdir(), 'connlog-bench') : mkdtempSync(join(tmpdir(), 'connlog-bench-')))
  mkdirSync(folder, { recursive: true })
  const note = join(folder, 'filled.json')
  const isFilled = keep && isStillGood(note, logs)
  const clear = () => {
    for (const name of ['data', 'filled.json']) rmSync(join(folder, name), { recursive: true, force: true })
  }
  if (!isFilled) clear()
  onStop(() => {
    if (keep) return
    clear()
    if (readdirSync(folder).length === 0) rmdirSync(folder)
  })
  const postgres = await startPostgres(folder, onStop)
  const all = tenantsFor(logs)
  if (isFilled) say(`Using the logs that were kept in ${folder}.`)
  else {
    const filledAt = Date.now()
    say(await connlog(postgres.url, ['migrate']))
    await fill(postgres.url, all, say)
    writeFileSync(note, JSON.stringify({ logs, filledAt, migrations: migrations() }))
  }
  const tenants = {}
  for (const tenant of all.filter(({ name }) => ['small', 'mid', 'big'].includes(name))) {
    const key = await connlog(postgres.url, ['keys', 'create', '--user', tenant.userId])
    tenants[tenant.name] = { ...tenant, key }
  }
  return { postgres, tenants }
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
