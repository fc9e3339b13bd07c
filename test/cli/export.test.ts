import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { DAY_MS, MINUTE_MS, systemClock } from '../../src/kernel/clock.ts'
import { MAIN, runCommand } from '../support/command.ts'
import { PROVIDERS, type TestDatabase, createTestDatabase } from '../support/databases.ts'

const EVENT = { platform: 'reddit', eventType: 'connect_failed', connectionMethod: 'oauth' }
const START = systemClock.now() - DAY_MS
const at = (minute: number) => formatInstant(START + minute * MINUTE_MS)
const lines = (values: readonly object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')

const FULL = {
  _id: '675f1c0a9e2b5af0012ab34cd',
  userId: 'user,1',
  profileId: 'p1',
  accountId: 'a,1',
  platform: 'instagram',
  eventType: 'connect_success',
  connectionMethod: 'invitation',
  success: {
    displayName: '=HYPERLINK("http://x","y")',
    username: '+1',
    profilePicture: '-2',
    permissions: ['read', 'write, too'],
    tokenExpiresAt: '2027-01-01T00:00:00Z',
    accountType: '@SUM(1)',
  },
  error: { code: '\tcode', message: 'two\r\nlines, "quoted"', rawResponse: '\nlate' },
  context: { hasCustomRedirectUrl: true, isHeadlessMode: false, isReconnection: true, isBYOK: false },
  durationMs: 5_230,
  metadata: { b: [1, null], a: 'ü🙂' },
  createdAt: at(0),
}
const OTHERS = Array.from({ length: 5 }, (_, index) => ({
  ...EVENT,
  eventId: `e${index}`,
  ...(index === 0 ? {} : { userId: `user-${index % 2}` }),
  error: { code: index < 3 ? 'a,b' : 'c', message: `The user ${index} denied it` },
  context: {},
  createdAt: at(index + 1),
}))

const HEADER =
  '_id,createdAt,userId,profileId,accountId,platform,eventType,connectionMethod,success.displayName,success.username,success.profilePicture,success.permissions,success.tokenExpiresAt,success.accountType,error.code,error.message,error.rawResponse,context.hasCustomRedirectUrl,context.isHeadlessMode,context.isReconnection,context.isBYOK,durationMs,metadata,eventId\r\n'

/** A terminal whose standard output is in the hands of a test. */
function terminalOf(
  url: string,
  stdout: PassThrough,
  { isTTY = false, stop = new AbortController().signal } = {},
) {
  const errors: string[] = []
  const stderr = new PassThrough().on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  const terminal = {
    env: { DATABASE_URL: url, LOG_LEVEL: 'silent' },
    stdin: new PassThrough(),
    stdout,
    stderr: Object.assign(stderr, { isTTY }),
    stop,
  }
  return { terminal, errors: () => errors.join('') }
}

/** Runs a command in this process, which is quicker than in one of its own. */
async function runHere(args: readonly string[], url: string, input = '') {
  const chunks: string[] = []
  const stdout = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  const { terminal, errors } = terminalOf(url, stdout)
  terminal.stdin.end(input)
  const code = await run(args, terminal)
  await systemClock.sleep(0)
  return { code, stdout: chunks.join(''), stderr: errors() }
}

const many = (count: number) =>
  lines(Array.from({ length: count }, (_, index) => ({ ...EVENT, durationMs: index, createdAt: at(0) })))

describe.each(PROVIDERS)('connlog export on %s', (provider) => {
  let database: TestDatabase
  let env: Record<string, string>

  beforeAll(async () => {
    database = await createTestDatabase(provider)
    env = { DATABASE_URL: database.url, LOG_LEVEL: 'error' }
    // Newest first, to see that the order is made.
    const imported = await runCommand(
      ['import', '-'],
      env,
      lines([...OTHERS].reverse().concat(FULL as never)),
    )
    expect(imported.stdout).toBe('6 stored, 0 there already, 0 rejected.\n')
  })
  afterAll(() => database.drop())

  it('writes every log as import takes it, oldest first, and says nothing else', async () => {
    const { code, stdout, stderr } = await runCommand(['export'], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const logs = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(logs[0]).toEqual({ ...FULL, createdAt: FULL.createdAt.replace('.000Z', 'Z') })
    expect(logs.slice(1).map(({ _id, ...log }) => log)).toEqual(
      OTHERS.map((log) => ({ ...log, createdAt: log.createdAt.replace('.000Z', 'Z') })),
    )
    expect(await runCommand(['import', '-'], env, stdout)).toEqual({
      code: 0,
      stdout: '0 stored, 6 there already, 0 rejected.\n',
      stderr: '',
    })
  })

  it('writes CSV as in RFC 4180, and no cell that a spreadsheet would take for a formula', async () => {
    const { code, stdout, stderr } = await runCommand(['export', '--format', 'csv'], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.startsWith(HEADER)).toBe(true)
    const rest = stdout.slice(HEADER.length)
    const full =
      `675f1c0a9e2b5af0012ab34cd,${at(0)},"user,1",p1,"a,1",instagram,connect_success,invitation,` +
      `"'=HYPERLINK(""http://x"",""y"")",'+1,'-2,"[""read"",""write, too""]",2027-01-01T00:00:00Z,'@SUM(1),` +
      `'\tcode,"two\r\nlines, ""quoted""","'\nlate",true,false,true,false,5230,"{""b"":[1,null],""a"":""ü🙂""}",\r\n`
    expect(rest.slice(0, full.length)).toBe(full)
    expect(rest.slice(full.length).split('\r\n')[0]).toMatch(
      new RegExp(
        `^[0-9a-f-]{36},${at(1)},,,,reddit,connect_failed,oauth,,,,,,,"a,b",The user 0 denied it,,,,,,,,e0$`,
      ),
    )
    expect(rest.slice(full.length).split('\r\n')).toHaveLength(6)
  })

  it.each<[args: string[], eventIds: (string | undefined)[]]>([
    [['--platform', 'instagram'], [undefined]],
    [['--platform', 'instagram, tiktok', '--platform', 'reddit', '--after', at(5)], ['e4']],
    [['--event-type', 'connect_success,disconnect'], [undefined]],
    [['--status', 'failed', '--before', at(2)], ['e0']],
    [
      ['--method', 'oauth', '--user', 'user-1'],
      ['e1', 'e3'],
    ],
    [['--user', 'user,1'], [undefined]],
    [
      ['--user', 'user-1', '--user', 'user-0', '--days', '2'],
      ['e1', 'e2', 'e3', 'e4'],
    ],
    [['--profile', 'p1', '--account', 'a,1'], [undefined]],
    [
      ['--error-code', 'a,b'],
      ['e0', 'e1', 'e2'],
    ],
    [['--error-code', 'a,b', '--error-code', 'c', '--search', 'DENI 3'], ['e3']],
    [['--user', 'nobody'], []],
  ])('takes %j', async (args, eventIds) => {
    const { code, stdout } = await runHere(['export', ...args], database.url)
    const found = stdout.split('\n').filter((line) => line !== '')
    expect({ code, found: found.map((line) => (JSON.parse(line) as { eventId?: string }).eventId) }).toEqual({
      code: 0,
      found: eventIds,
    })
  })

  it('writes the header alone where there are no logs', async () => {
    const args = ['export', '--user', 'nobody', '--format', 'csv']
    expect(await runHere(args, database.url)).toEqual({ code: 0, stdout: HEADER, stderr: '' })
  })

  it('shows how far it is on a terminal alone, and not between logs', async () => {
    for (const [isTTY, stdoutIsTTY, expected] of [
      [false, false, ''],
      [true, false, '\r6 logs, N a second\n6 logs exported.\n'],
      [true, true, '6 logs exported.\n'],
    ] as const) {
      const stdout = Object.assign(new PassThrough().resume(), { isTTY: stdoutIsTTY })
      const { terminal, errors } = terminalOf(database.url, stdout, { isTTY })
      expect(await run(['export'], terminal)).toBe(0)
      expect(
        errors()
          .replace(/^[^\n]*\r/, '\r')
          .replace(/[\d,]+ a second */, 'N a second'),
      ).toBe(expected)
    }
  })

  it('reads no further than a reader takes, and says what it lacks when it is told to stop', async () => {
    const large = await createTestDatabase(provider)
    await runHere(['import', '-'], large.url, many(3_000))
    const stop = new AbortController()
    const stdout = new PassThrough({ highWaterMark: 1_000 })
    const { terminal, errors } = terminalOf(large.url, stdout, { stop: stop.signal })
    const code = run(['export'], terminal)
    await once(stdout, 'readable')
    for (let turns = 0; turns < 50; turns += 1) await systemClock.sleep(2)
    const lines = String(stdout.read()).split('\n').length - 1
    expect(lines).toBe(500)
    stop.abort()
    stdout.resume()
    expect(await code).toBe(1)
    expect(errors()).toMatch(
      /^Told to stop\. The export ended after (0|500|1,000) logs and is not whole\.\n$/,
    )
    await large.drop()
  })

  it('ends quietly when its reader has seen enough', async () => {
    const large = await createTestDatabase(provider)
    await runHere(['import', '-'], large.url, many(3_000))
    const child = startExport(large.url, 'pipe')
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    child.stdout?.destroy()
    expect(await finished(child)).toEqual({ code: 0, stderr: '' })
    await large.drop()
  })

  it('ends when it is told to, though nobody reads what it has written', async () => {
    const large = await createTestDatabase(provider)
    await runHere(['import', '-'], large.url, many(8_000))
    const child = startExport(large.url, 'pipe')
    await once(child.stdout as NodeJS.ReadableStream, 'readable')
    child.kill('SIGTERM')
    const { code, stderr } = await finished(child)
    expect(stderr).toMatch(/^Told to stop\. The export ended after [\d,]+ logs and is not whole\.\n$/)
    expect(code).toBe(1)
    await large.drop()
  })

  it('says so when the disk is full', async () => {
    const child = startExport(database.url, openSync('/dev/full', 'w'))
    expect(await finished(child)).toEqual({
      code: 1,
      stderr: 'Could not write to standard output: the disk is full.\n',
    })
  })
})

describe('connlog export', () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await createTestDatabase('sqlite')
    await runCommand(['migrate'], { DATABASE_URL: database.url })
  })
  afterAll(() => database.drop())

  it.each([
    [
      ['--platform', 'reddit,myspace'],
      'Expected `--platform` to be one of tiktok, instagram, facebook, youtube, linkedin, twitter, threads, pinterest, reddit, bluesky, googlebusiness, telegram, snapchat, discord, whatsapp, got "myspace".\n',
    ],
    [['--event-type', ''], /^Expected `--event-type` to be one of connect_success, .*, got ""\.\n$/],
    [['--status', 'all'], 'Expected `--status` to be one of success, failed, got "all".\n'],
    [
      ['--method', 'OAUTH'],
      'Expected `--method` to be one of oauth, credentials, invitation, got "OAUTH".\n',
    ],
    [['--user', ''], /^Expected `--user\[0\]` to be text of 1 to 128 characters, .*, got ""\.\n$/],
    [['--account', 'x', '--account', 'x'.repeat(129)], /^Expected `--account\[1\]` to be text of 1 to 128/],
    [
      ['--after', 'yesterday'],
      'Expected `--after` to be an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z, or a duration before now such as 1h or 7d, got "yesterday".\n',
    ],
    [['--before', '2026-01-31'], /^Expected `--before` to be an instant with its offset/],
    [['--search', '!?'], 'Expected `--search` to be words with at least one letter or digit, got "!?".\n'],
    [['--days', '0'], 'Expected `--days` to be a whole number from 1 to 7, got "0".\n'],
    [['--days', '1.5'], 'Expected `--days` to be a whole number from 1 to 7, got "1.5".\n'],
    [['--format', 'xml'], 'Expected `--format` to be one of ndjson, csv, got "xml".\n'],
  ])('refuses %j in a sentence', async (args, sentence) => {
    const { code, stdout, stderr } = await runHere(['export', ...args], database.url)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    if (typeof sentence === 'string') expect(stderr).toBe(sentence)
    else expect(stderr).toMatch(sentence)
  })
})

it('fails with a sentence, and never ends as if it were whole, when Postgres goes away in the midst', async () => {
  const database = await createTestDatabase('postgres')
  await runHere(['import', '-'], database.url, many(1_500))
  const stdout = new PassThrough({ highWaterMark: 1_000 })
  const { terminal, errors } = terminalOf(database.url, stdout)
  const code = run(['export'], terminal)
  await once(stdout, 'readable')
  await database.drop()
  stdout.resume()
  expect(await code).toBe(1)
  expect(errors()).toBe(
    'The database cannot be reached or cannot take this now. Try again soon. The export ended after 500 logs and is not whole.\n',
  )
})

function startExport(url: string, stdout: 'pipe' | number) {
  const { PATH = '' } = process.env
  return spawn(process.execPath, [MAIN, 'export'], {
    env: { PATH, DATABASE_URL: url, LOG_LEVEL: 'error' },
    stdio: ['ignore', stdout, 'pipe'],
  })
}

async function finished(child: ReturnType<typeof startExport>) {
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
  const [code] = (await once(child, 'exit')) as [number | null]
  return { code, stderr }
}
