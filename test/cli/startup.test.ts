import { describe, expect, it, onTestFinished } from 'vitest'
import { ownCommand } from '../../src/cli/own-command.ts'
import { run } from '../../src/cli/run.ts'
import { DEMO_USER_ID } from '../../src/demo/events.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { parseDatabaseUrl } from '../../src/kernel/database-url.ts'
import { runCommand, startCommand } from '../support/command.ts'
import { PROVIDERS, type Provider, createTestDatabase } from '../support/databases.ts'
import { createTestTerminal } from '../support/terminal.ts'

async function createEnv(provider: Provider, env: Record<string, string> = {}) {
  const database = await createTestDatabase(provider)
  onTestFinished(() => database.drop())
  return { DATABASE_URL: database.url, PORT: '0', ...env }
}

/** What `connlog serve` prints on standard output when it starts. */
async function startOn(env: Record<string, string>, isTTY: boolean): Promise<string> {
  const terminal = createTestTerminal(env, { isTTY })
  const ended = run(['serve'], terminal)
  // It prints everything before it looks whether to stop.
  while (!terminal.printed.stdout.includes('listens on')) await systemClock.sleep(5)
  terminal.interrupt()
  expect(await ended).toBe(0)
  await systemClock.sleep(0)
  return terminal.printed.stdout.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'ADDRESS')
}

const linesFor = (env: Record<string, string>, keys: number) => [
  'connlog VERSION listens on ADDRESS',
  'GraphQL:   ADDRESS/graphql',
  'REST:      ADDRESS/api/v1/connections/logs',
  `Database:  ${parseDatabaseUrl(env['DATABASE_URL'] ?? '').display}`,
  'Retention: 9 days',
  `Keys:      ${keys} valid`,
]

const linesOf = (printed: string) =>
  printed
    .replace(/^connlog \S+/, 'connlog VERSION')
    .trimEnd()
    .split('\n')

describe.each(PROVIDERS)('connlog serve on %s', (provider) => {
  it('says on a terminal, in production too, where it is, on which database, for how long logs are kept and how to create the first key', async () => {
    const env = await createEnv(provider, { NODE_ENV: 'production', RETENTION_DAYS: '9' })
    expect(linesOf(await startOn(env, true))).toEqual([
      ...linesFor(env, 0),
      'No valid keys. Create one: connlog keys create --user ID',
    ])
    await runCommand(['keys', 'create', '--user', 'ada'], env)
    expect(linesOf(await startOn(env, true))).toEqual(linesFor(env, 1))
  })

  it('says the same in one line of its log where no terminal is', async () => {
    const env = await createEnv(provider, { NODE_ENV: 'production', RETENTION_DAYS: '9' })
    const service = startCommand(['serve'], env)
    const printed = await service.printed(/listens on \S+\n/)
    service.kill('SIGTERM')
    const { stderr } = await service.finished
    const address = /listens on (\S+)/.exec(printed)?.[1]
    const [line, ...more] = stderr
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .filter(({ msg }) => msg === 'listening')
    expect(more).toEqual([])
    expect(line).toEqual({
      level: 30,
      time: expect.any(String),
      msg: 'listening',
      address,
      graphql: `${address}/graphql`,
      rest: `${address}/api/v1/connections/logs`,
      database: parseDatabaseUrl(env.DATABASE_URL).display,
      retentionDays: 9,
      validKeys: 0,
      hint: 'No valid keys. Create one: connlog keys create --user ID',
    })
  })

  it('says how to get a key for the demo user as long as the database has the demo, and a key of anybody after that', async () => {
    const env = await createEnv(provider)
    expect(await startOn(env, false)).toMatch(/^Demo: 4,000 logs/m)
    const [, command = ''] =
      /^Create a key for the demo user: connlog (.*)$/m.exec(await startOn(env, false)) ?? []
    expect(command).toBe(`keys create --user ${DEMO_USER_ID}`)
    expect((await runCommand(command.split(' '), env)).stdout).toMatch(/^clk_/)
    await runCommand(['keys', 'create', '--user', 'ada'], env)
    await runCommand(['erase', '--user', DEMO_USER_ID], env)
    expect(await startOn(env, false)).toMatch(/^Create a key: connlog keys create --user ID$/m)
  })
})

it('calls itself as it can be run again from where it was started', () => {
  const command = (env: Record<string, string>) => ownCommand({ env })
  expect(command({})).toBe('connlog')
  expect(command({ npm_lifecycle_event: 'start', npm_package_name: 'connlog' })).toBe(
    'npm run --silent connlog --',
  )
  expect(command({ npm_lifecycle_event: 'npx', npm_package_name: 'connlog' })).toBe('npx connlog')
  expect(command({ npm_lifecycle_event: 'start', npm_package_name: 'shop' })).toBe('npx connlog')
})
