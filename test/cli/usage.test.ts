import { describe, expect, it, onTestFinished } from 'vitest'
import { momentMs } from '../../src/cli/duration.ts'
import { run } from '../../src/cli/run.ts'
import { HOUR_MS, systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS } from '../support/databases.ts'
import { startTail } from '../support/tailing.ts'
import { createTestTerminal } from '../support/terminal.ts'

const COMMANDS = [
  'serve',
  'migrate',
  'keys create',
  'keys list',
  'keys rotate',
  'keys revoke',
  'keys log',
  'import',
  'pull',
  'export',
  'tail',
  'cleanup',
  'erase',
  'doctor',
  'schema',
]

/** What a command prints on a terminal of so many columns. */
async function onTerminal(args: string[], env: Record<string, string>, columns: number): Promise<string> {
  const terminal = createTestTerminal(env, { isTTY: true })
  Object.assign(terminal.stdout, { columns })
  await run(args, terminal)
  await systemClock.sleep(0)
  return terminal.printed.stdout + terminal.printed.stderr
}

describe('help', () => {
  it.each(COMMANDS)('of %s has examples that call it', async (command) => {
    const { code, stdout } = await runCommand([...command.split(' '), '--help'], {})
    expect(code).toBe(0)
    const [, examples = ''] = stdout.split('\nExamples:\n')
    expect(examples.split('\n').filter((line) => line.includes(`connlog ${command}`))).not.toEqual([])
  })

  it.each([80, 120])('keeps within %i columns, and breaks no word', async (columns) => {
    const whole = await onTerminal(['--help'], {}, 10_000)
    for (const args of [[], ...COMMANDS.map((command) => command.split(' '))]) {
      const help = await onTerminal([...args, '--help'], {}, columns)
      expect(help.split('\n').filter((line) => line.length > columns)).toEqual([])
    }
    const wrapped = await onTerminal(['--help'], {}, columns)
    expect(wrapped.split(/\s+/)).toEqual(whole.split(/\s+/))
  })

  it('prints the version for -v and --version', async () => {
    const version = await runCommand(['--version'], {})
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(await runCommand(['-v'], {})).toEqual(version)
  })
})

it.each([
  [['serve', '--port', '4301'], 'Unknown option `--port`.\n'],
  [['key', 'list'], 'Unknown command `key`. Did you mean `keys`?\n'],
  [['export', '--plattform', 'x'], 'Unknown option `--plattform`. Did you mean `--platform`?\n'],
  [['export', 'all'], 'Too many arguments for `export`. Expected 0 arguments but got 1.\n'],
  [['export', '--platform'], 'Option `--platform <list>` argument missing.\n'],
  [
    ['export', '--after', '1h', '--since', '2h'],
    'Expected either `--since` or `--after`, which mean the same, got both.\n',
  ],
  [
    ['keys', 'create', '--service', '--expires', '3months'],
    'Expected `--expires` to be a duration such as 90d, 12h or 30m, got "3months".\n',
  ],
  [
    ['keys', 'create', '--user', ''],
    'Expected `--user` to be text of 1 to 128 characters, without U+0000 or lone surrogates, got "".\n',
  ],
])('%j ends with exit code 2 and a sentence', async (args, stderr) => {
  const app = await startTestApp('sqlite')
  expect(await runCommand(args, { DATABASE_URL: app.url })).toEqual({ code: 2, stdout: '', stderr })
})

it('a moment is an instant, or a duration before now', () => {
  const nowMs = Date.UTC(2026, 0, 31, 12)
  expect(momentMs('2026-01-31T10:00:00Z', nowMs)).toBe(nowMs - 2 * HOUR_MS)
  expect(momentMs('2h', nowMs)).toBe(nowMs - 2 * HOUR_MS)
  expect(momentMs('7d', nowMs)).toBe(nowMs - 168 * HOUR_MS)
  for (const wrong of ['', '2', 'h', '-2h', '0h', '1w', '1.5h', '2026-01-31'])
    expect(momentMs(wrong, nowMs)).toBeUndefined()
})

describe.each(PROVIDERS)('on %s', (provider) => {
  const start = async (): Promise<TestApp> => startTestApp(provider)
  const recordAt = async (app: TestApp, accountId: string, createdAtMs: number) =>
    app.connectionLogs.record([
      {
        value: {
          platform: 'reddit',
          eventType: 'disconnect',
          connectionMethod: 'oauth',
          accountId,
          createdAt: formatInstant(createdAtMs),
        },
        at: '',
      },
    ])

  it('export and tail begin so long ago as they are told', async () => {
    const app = await start()
    const nowMs = systemClock.now()
    await recordAt(app, 'old', nowMs - 3 * HOUR_MS)
    await recordAt(app, 'new', nowMs - HOUR_MS)
    const accounts = (text: string) => text.match(/"accountId":"(\w+)"/g)
    const env = { DATABASE_URL: app.url }
    for (const option of ['--since', '--after'])
      expect(accounts((await runCommand(['export', option, '2h'], env)).stdout)).toEqual([
        '"accountId":"new"',
      ])
    expect(accounts((await runCommand(['export', '--before', '2h'], env)).stdout)).toEqual([
      '"accountId":"old"',
    ])
    const tailing = startTail({ since: '2h' }, env)
    onTestFinished(async () => void (await tailing.stop()))
    expect((await tailing.logs(1)).map(({ accountId }) => accountId)).toEqual(['new'])
  })

  it('keys list is a table on a terminal, lines with tabs elsewhere, and JSON where that is asked for', async () => {
    const app = await start()
    const env = { DATABASE_URL: app.url }
    await runCommand(['keys', 'create', '--user', 'ada', '--name', 'callbacks'], env)
    await runCommand(['keys', 'create', '--service', '--scopes', 'admin'], env)
    const piped = (await runCommand(['keys', 'list'], env)).stdout
    expect(piped.split('\n')[0]?.split('\t')).toHaveLength(7)
    const [header = '', ada = '', service = ''] = (await onTerminal(['keys', 'list'], env, 80)).split('\n')
    expect(header).toMatch(/^ID +WHOSE +SCOPES +CREATED +STATE +LAST USED +NAME$/)
    expect(ada).toMatch(
      /^\w+ +user ada +logs:read,logs:write +\d{4}-\d\d-\d\d \d\d:\d\d +valid +never +callbacks$/,
    )
    for (const name of ['WHOSE', 'SCOPES', 'CREATED', 'STATE', 'LAST USED'])
      expect([ada, service].map((line) => line[header.indexOf(name) - 1])).toEqual([' ', ' '])
    const keys = JSON.parse((await runCommand(['keys', 'list', '--json'], env)).stdout) as object[]
    expect(keys).toMatchObject([
      {
        name: 'callbacks',
        userId: 'ada',
        scopes: ['logs:read', 'logs:write'],
        revokedAt: null,
        lastUsedAt: null,
      },
      { name: null, userId: null, scopes: ['admin'] },
    ])
  })

  it('keys log and cleanup print JSON where that is asked for', async () => {
    const app = await start()
    const env = { DATABASE_URL: app.url }
    await runCommand(['keys', 'create', '--user', 'ada'], env)
    const { stdout } = await runCommand(['keys', 'log', '--json'], env)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toMatchObject([{ action: 'key_created', actor: 'operator', userId: 'ada' }])
    const cleaned = JSON.parse((await runCommand(['cleanup', '--dry-run', '--json'], env)).stdout) as object
    expect(cleaned).toEqual({
      dryRun: true,
      deleted: 0,
      cutoff: expect.stringMatching(/Z$/),
      isElsewhere: false,
    })
  })
})
