import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import LATE_PAGE from '../support/late-page.json' with { type: 'json' }
import { startTestApp } from '../support/app.ts'
import { runCommand, startCommand } from '../support/command.ts'
import { PROVIDERS, type TestDatabase, createTestDatabase } from '../support/databases.ts'
import { MIGRATIONS } from '../support/migrations.ts'

const EVENT = { platform: 'reddit', eventType: 'connect_failed', connectionMethod: 'oauth' }
const lines = (...values: unknown[]) =>
  values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join('\n')

describe.each(PROVIDERS)('the command line on %s', (provider) => {
  let database: TestDatabase
  let env: Record<string, string>

  beforeAll(async () => {
    database = await createTestDatabase(provider, { migrated: false })
    env = { DATABASE_URL: database.url, LOG_LEVEL: 'error', PORT: '0' }
  })
  afterAll(() => database.drop())

  it('creates a database by migrate, and says what was applied', async () => {
    expect(await runCommand(['migrate'], env)).toEqual({
      code: 0,
      stdout: MIGRATIONS.map((name) => `Applied ${name}.\n`).join(''),
      stderr: '',
    })
    expect(await runCommand(['migrate'], env)).toEqual({
      code: 0,
      stdout: 'The database is up to date.\n',
      stderr: '',
    })
    expect(await runCommand(['keys', 'list'], env)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('makes, lists and revokes keys', async () => {
    const created = await runCommand(
      ['keys', 'create', '--user', 'u1', '--scopes', 'logs:read', '--name', 'laptop', '--expires', '90d'],
      env,
    )
    expect(created.code).toBe(0)
    expect(created.stdout).toMatch(/^clk_\w+\n$/)
    const id = created.stdout.split('_')[1] ?? ''
    const listed = await runCommand(['keys', 'list'], env)
    expect(listed.stdout).toMatch(
      new RegExp(`^${id}\tuser u1\tlogs:read\tcreated .*\tuntil .*\tnever used\tlaptop\n$`),
    )
    expect(listed.stdout).not.toContain(created.stdout.trim())
    const revoked = await runCommand(['keys', 'revoke', id], env)
    expect(revoked).toEqual({ code: 0, stdout: `Revoked ${id}.\n`, stderr: '' })
    expect(await runCommand(['keys', 'revoke', id], env)).toEqual(revoked)
    expect(await runCommand(['keys', 'revoke', 'nobody'], env)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'There is no key "nobody".\n',
    })
  })

  it('rotates a key, prints the new one alone, and tells what was done with both', async () => {
    const created = await runCommand(['keys', 'create', '--user', 'u7', '--name', 'server'], env)
    const id = created.stdout.split('_')[1] ?? ''
    const rotated = await runCommand(['keys', 'rotate', id, '--overlap', '2h'], env)
    expect(rotated.code).toBe(0)
    expect(rotated.stdout).toMatch(/^clk_\w+\n$/)
    const newId = rotated.stdout.split('_')[1] ?? ''
    expect(rotated.stderr).toMatch(
      new RegExp(
        `^${newId}\tuser u7\tlogs:read,logs:write\tcreated .*Z\tvalid\tserver\n${id} is refused from .*Z on\\.\nThe key is shown this once; only its hash is kept, in the database .*\\.\n$`,
      ),
    )
    const listed = await runCommand(['keys', 'list'], env)
    expect(listed.stdout).toMatch(
      new RegExp(`${id}\t.*\tuntil .*Z, rotated to ${newId}\tnever used\tserver\n`),
    )
    const again = await runCommand(['keys', 'rotate', id], env)
    expect(again).toEqual({
      code: 1,
      stdout: '',
      stderr: `Expected the key "${id}" to be good, but it was rotated already, to "${newId}".\n`,
    })
    const log = await runCommand(['keys', 'log', '--user', 'u7'], env)
    const lines = log.stdout.split('\n').map((line) => line.split('\t').slice(1, 5).join(' '))
    expect(lines).toEqual([
      `key_rotated by the operator ${id} user u7`,
      `key_created by the operator ${newId} user u7`,
      `key_created by the operator ${id} user u7`,
      '',
    ])
    const [first = ''] = (await runCommand(['keys', 'log', '--key', newId], env)).stdout.split('\n')
    expect(JSON.parse(first.split('\t')[5] ?? '')).toEqual({
      name: 'server',
      scopes: ['logs:read', 'logs:write'],
      expiresAt: null,
      rotatedFrom: id,
    })
    expect((await runCommand(['keys', 'log', '--by', newId], env)).stdout).toBe('')
  })

  it('keys log has each entry once, however many pages there are', async () => {
    const app = await startTestApp(provider)
    for (let index = 0; index < 103; index += 1) await app.key(null)
    const log = await runCommand(['keys', 'log'], { ...env, DATABASE_URL: app.url })
    const ids = log.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[3])
    expect([ids.length, new Set(ids).size]).toEqual([103, 103])
  })

  it.each([
    [['keys', 'create'], 2, 'Expected either `--user ID` or `--service`.\n'],
    [['keys', 'create', '--user', 'u', '--service'], 2, 'Expected either `--user ID` or `--service`.\n'],
    [
      ['keys', 'create', '--service', '--scopes', 'logs:read,root'],
      2,
      'Expected `--scopes` to be one or more of logs:read, logs:write, admin, got "root".\n',
    ],
    [
      ['keys', 'create', '--service', '--expires', 'soon'],
      2,
      'Expected `--expires` to be a duration such as 90d, 12h or 30m, got "soon".\n',
    ],
    [['import', '/no/such/file'], 1, 'Could not read /no/such/file: there is no such file.\n'],
    [['import', '/tmp'], 1, 'Could not read /tmp: it is a directory.\n'],
    [['keys', 'rotate', 'x', '--overlap', '31d'], 2, 'Expected `--overlap` to be at most 30d, got "31d".\n'],
    [
      ['keys', 'rotate', 'x', '--overlap', 'soon'],
      2,
      'Expected `--overlap` to be a duration such as 90d, 12h or 30m, got "soon".\n',
    ],
    [['keys', 'rotate', 'x', '--overlap', '0'], 1, 'There is no key "x".\n'],
    [['keys', 'revoke'], 2, 'Missing required argument `id`.\n'],
    [['dance'], 2, 'Unknown command `dance`.\n'],
    [['serve', '--fast'], 2, 'Unknown option `--fast`.\n'],
  ])('%j is refused in a sentence', async (args, code, stderr) => {
    expect(await runCommand(args, env)).toEqual({ code, stdout: '', stderr })
  })

  it('imports lines, names what it rejects, and stores nothing twice', async () => {
    const now = new Date().toISOString()
    const input = lines(
      { ...EVENT, eventId: 'i1', createdAt: now },
      '',
      '{ not json',
      { ...EVENT, eventId: 'i2', platform: 'myspace' },
      { ...EVENT, eventId: 'i3', createdAt: '2020-01-01T00:00:00Z' },
      { ...EVENT, eventId: 'i1', createdAt: now },
      { ...EVENT, eventId: 'i4', userId: 'u9' },
    )
    const imported = await runCommand(['import', '-'], env, input)
    expect(imported.code).toBe(1)
    expect(imported.stdout).toBe('2 stored, 1 there already, 3 rejected.\n')
    const rejected = imported.stderr.trim().split('\n')
    expect(rejected[0]).toBe('line 3: Expected the line to be JSON, got something else at column 3.')
    expect(rejected[1]).toMatch(/^line 4: Expected `platform` to be one of tiktok, .*, got "myspace"\.$/)
    expect(rejected[2]).toMatch(
      /^line 5: Expected `createdAt` to be later than .* \(7 days ago\) and at most 5 minutes ahead, got "2020-01-01T00:00:00Z"\.$/,
    )
    const good = lines({ ...EVENT, eventId: 'i1', createdAt: now }, { ...EVENT, eventId: 'i4', userId: 'u9' })
    expect(await runCommand(['import', '-'], env, good)).toEqual({
      code: 0,
      stdout: '0 stored, 2 there already, 0 rejected.\n',
      stderr: '',
    })
    const forUser = await runCommand(
      ['import', '-', '--user', 'u8'],
      env,
      lines({ ...EVENT, eventId: 'i5' }, { ...EVENT, eventId: 'i6', userId: 'u9' }),
    )
    expect(forUser).toEqual({
      code: 1,
      stdout: '1 stored, 0 there already, 1 rejected.\n',
      stderr: 'line 2: Expected `userId` to be the key\'s own user or absent, got "u9".\n',
    })
  })

  it("imports a page as Late's API answers it, on one line or on many", async () => {
    const createdAt = new Date().toISOString()
    const page = { ...LATE_PAGE, logs: LATE_PAGE.logs.map((log) => ({ ...log, createdAt })) }
    const file = join(tmpdir(), `connlog-late-${process.pid}-${provider}.json`)
    onTestFinished(() => rmSync(file, { force: true }))
    writeFileSync(file, JSON.stringify(page, null, 2))
    expect(await runCommand(['import', file], env)).toEqual({
      code: 0,
      stdout: '2 stored, 0 there already, 0 rejected.\n',
      stderr: '',
    })
    writeFileSync(file, JSON.stringify(page))
    expect(await runCommand(['import', file], env)).toEqual({
      code: 0,
      stdout: '0 stored, 2 there already, 0 rejected.\n',
      stderr: '',
    })
    writeFileSync(file, JSON.stringify({ ...page, logs: [...page.logs, { ...EVENT, platform: 1 }] }))
    const wrong = await runCommand(['import', file], env)
    expect({ code: wrong.code, stdout: wrong.stdout }).toEqual({
      code: 1,
      stdout: '0 stored, 2 there already, 1 rejected.\n',
    })
    expect(wrong.stderr).toMatch(/^log 3: Expected `platform`/)
  })

  it('cleans up, or says what it would', async () => {
    const dry = await runCommand(['cleanup', '--dry-run'], env)
    expect(dry.stdout).toMatch(/^0 expired logs would be deleted: those created up to .*Z\.\n$/)
    expect((await runCommand(['cleanup'], env)).stdout).toMatch(
      /^0 expired logs deleted: those created up to .*Z\.\n$/,
    )
  })

  it('serves until SIGTERM, then ends with exit code 0', async () => {
    const service = startCommand(['serve'], env)
    const printed = await service.printed(/GraphiQL: .*\n.*\n/)
    const [address = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? []
    expect(await (await fetch(`${address}/health`)).json()).toEqual({ status: 'ok' })
    expect(await (await fetch(`${address}/ready`)).json()).toEqual({ status: 'ready' })
    service.kill('SIGTERM')
    expect((await service.finished).code).toBe(0)
  })
})

describe('the command line', () => {
  it('tells every command, option and setting in its help', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(await runCommand(['--version'], {})).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    const help = await runCommand(['--help'], {})
    expect(help.code).toBe(0)
    for (const word of [
      'serve',
      'migrate',
      'keys',
      'import',
      'pull',
      'export',
      'cleanup',
      'erase',
      'doctor',
      'schema',
      'DATABASE_URL',
      'RETENTION_DAYS',
    ])
      expect(help.stdout).toContain(word)
    expect((await runCommand(['keys', 'create', '--help'], {})).stdout).toContain('--expires <duration>')
    expect((await runCommand(['import', '--help'], {})).stdout).toContain('--user <id>')
    const pullHelp = (await runCommand(['pull', '--help'], {})).stdout
    for (const word of ['--url <base>', '--key <key>', '--user <id>', '--days <n>', 'CONNLOG_PULL_KEY'])
      expect(pullHelp).toContain(word)
    expect((await runCommand(['cleanup', '--help'], {})).stdout).toContain('--dry-run')
  })

  it('prints the schema', async () => {
    const { stdout } = await runCommand(['schema'], {})
    expect(stdout).toBe(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'))
  })

  it('reports every wrong setting at once', async () => {
    const { code, stderr } = await runCommand(['serve'], { PORT: 'x', LOG_LEVEL: 'loud' })
    expect({ code, lines: stderr.trim().split('\n').length }).toEqual({ code: 1, lines: 2 })
  })

  it('says when the port is taken', async () => {
    const database = await createTestDatabase('sqlite')
    const env = { DATABASE_URL: database.url, LOG_LEVEL: 'silent', DEMO: 'false' }
    const first = startCommand(['serve'], { ...env, PORT: '0' })
    const [, port = ''] = /127\.0\.0\.1:(\d+)/.exec(await first.printed(/listens/)) ?? []
    expect(await runCommand(['serve'], { ...env, PORT: port })).toEqual({
      code: 1,
      stdout: '',
      stderr: `Could not listen on 127.0.0.1:${port}: the port is taken. Set PORT to another one, or to 0 for any free one.\n`,
    })
    first.kill('SIGTERM')
    await first.finished
    await database.drop()
  })
})
