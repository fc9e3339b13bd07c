import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { DatabaseOpenError, createConnlog } from '../../src/connlog.ts'
import { runCommand, startCommand } from '../support/command.ts'
import { PROVIDERS, createTestDatabase } from '../support/databases.ts'
import { undoneAfterEach } from '../support/undo.ts'

const undo = undoneAfterEach()

const READERS = [
  ['keys', 'create', '--user', 'u1'],
  ['keys', 'list'],
  ['keys', 'rotate', 'x'],
  ['keys', 'revoke', 'x'],
  ['keys', 'log'],
  ['export'],
  ['tail'],
  ['cleanup'],
  ['cleanup', '--dry-run'],
  ['erase', '--user', 'u1'],
]

const LINE = `${JSON.stringify({ platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' })}\n`

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-none-'))
  undo(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('without an SQLite file', () => {
  it.each(READERS)('connlog %s %s %s says so and creates nothing', async (...args) => {
    const folder = scratch()
    const path = join(folder, 'data/connlog.db')
    expect(await runCommand(args.filter(Boolean), { DATABASE_URL: `file:${path}` })).toEqual({
      code: 1,
      stdout: '',
      stderr: `No database at ${path}. \`connlog migrate\` creates it. If there should be one, check DATABASE_URL and the working directory.\n`,
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('doctor reports it as a finding', async () => {
    const folder = scratch()
    const { code, stdout } = await runCommand(['doctor'], { DATABASE_URL: `file:${folder}/no.db` })
    expect(code).toBe(1)
    expect(stdout).toContain(`wrong  database: No database at ${folder}/no.db.`)
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    ['migrate', '', ''],
    ['import', '-', LINE],
  ])('connlog %s %s creates it', async (command, file, input) => {
    const path = join(scratch(), 'data/connlog.db')
    const args = [command, file].filter((one) => one !== '')
    expect((await runCommand(args, { DATABASE_URL: `file:${path}` }, input)).code).toBe(0)
    expect(existsSync(path)).toBe(true)
    const created = await runCommand(['keys', 'create', '--user', 'u1'], { DATABASE_URL: `file:${path}` })
    expect(created.code).toBe(0)
    expect(created.stdout).toMatch(/^clk_\w+\n$/)
    expect(created.stderr).toContain(`only its hash is kept, in the database ${path}.\n`)
  })

  it('serve and createConnlog().start() create it', async () => {
    const path = join(scratch(), 'data/served.db')
    const command = startCommand(['serve'], { DATABASE_URL: `file:${path}`, PORT: '0', DEMO: 'false' })
    await command.printed(/listens on/)
    command.kill('SIGTERM')
    expect((await command.finished).code).toBe(0)
    expect(existsSync(path)).toBe(true)
    const own = join(scratch(), 'data/own.db')
    const connlog = createConnlog({ databaseUrl: `file:${own}` })
    await connlog.start()
    await connlog.stop()
    expect(existsSync(own)).toBe(true)
  })

  it.each([...READERS, ['migrate'], ['import', '-'], ['doctor']])(
    'connlog %s %s %s refuses a database in memory, of which no other process knows',
    async (...args) => {
      const { code, stdout, stderr } = await runCommand(
        args.filter(Boolean),
        { DATABASE_URL: 'file::memory:' },
        LINE,
      )
      expect(code).toBe(1)
      expect(`${stdout}${stderr}`).toContain(
        'A database in memory ends with its process, so only `connlog serve` can use one',
      )
      expect(stdout).not.toContain('clk_')
    },
  )
})

describe('without tables in Postgres', () => {
  it.each(READERS)('connlog %s %s %s says so and creates nothing', async (...args) => {
    const { url, drop } = await createTestDatabase('postgres', { migrated: false })
    undo(drop)
    const { code, stdout, stderr } = await runCommand(args.filter(Boolean), { DATABASE_URL: url })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe(
      `No database at ${url.replace('postgres:postgres@', '')}, schema connlog. \`connlog migrate\` creates it. If there should be one, check DATABASE_URL and the working directory.\n`,
    )
    const client = new pg.Client(url)
    await client.connect()
    const { rows } = await client.query(`SELECT nspname FROM pg_namespace WHERE nspname = 'connlog'`)
    await client.end()
    expect(rows).toEqual([])
  })
})

describe.each(PROVIDERS)('a database on %s that cannot be opened', (provider) => {
  it('makes start() reject with a DatabaseOpenError, whatever is wrong', async () => {
    const folder = scratch()
    const urls =
      provider === 'sqlite'
        ? [`file:${folder}`, `file:/dev/null/x.db`]
        : ['postgres://a:canary@127.0.0.1:1/x', 'postgres://a:canary@127.0.0.1:1/x?sslmode=require']
    for (const databaseUrl of urls) {
      const error: unknown = await createConnlog({ databaseUrl, logLevel: 'silent' })
        .start()
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(DatabaseOpenError)
      expect(String(error)).not.toContain('canary')
    }
  })
})

it('keeps the key alone on standard output', async () => {
  const { url, drop } = await createTestDatabase('postgres')
  undo(drop)
  const { stdout, stderr } = await runCommand(['keys', 'create', '--service'], { DATABASE_URL: url })
  expect(stdout).toMatch(/^clk_\w+\n$/)
  expect(stderr).toContain(
    `only its hash is kept, in the database ${url.replace('postgres:postgres@', '')}, schema connlog.`,
  )
  expect(stderr).not.toContain('postgres:postgres')
})
