import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { startCommand } from '../support/command.ts'
import { PROVIDERS, breakDatabase, createTestDatabase } from '../support/databases.ts'
import { createTestTerminal } from '../support/terminal.ts'

const EVENT = { platform: 'reddit', eventType: 'connect_failed', connectionMethod: 'oauth' }
const linesOf = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')

/** Events without an id, each different, of the last seconds. */
const without = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    ...EVENT,
    createdAt: formatInstant(systemClock.now()),
    metadata: { index },
  }))

async function importText(app: TestApp, text: string, ...args: string[]) {
  const terminal = createTestTerminal({ DATABASE_URL: app.url })
  terminal.stdin.end(text)
  const code = await run(['import', '-', ...args], terminal)
  return { code, ...terminal.printed }
}

const total = async (app: TestApp) => (await app.connectionLogs.page({}, {})).pagination.total
const summary = (stored: number, there: number, rejected = 0) =>
  `${stored.toLocaleString('en-US')} stored, ${there.toLocaleString('en-US')} there already, ${rejected} rejected.\n`

describe.each(PROVIDERS)('connlog import into %s', (provider) => {
  it('stores lines without an id once, however often they are sent, and equal ones as often as they stand there', async () => {
    const app = await startTestApp(provider)
    const [first, second] = without(2)
    const equal = { ...EVENT, platform: 'tiktok' }
    const { platform, ...rest } = equal
    const text = linesOf([first, equal, second, equal, { ...rest, platform }, { ...equal, eventId: null }])
    expect(await importText(app, text)).toEqual({ code: 0, stdout: summary(6, 0), stderr: '' })
    expect(await importText(app, text)).toEqual({ code: 0, stdout: summary(0, 6), stderr: '' })
    // A file that has grown.
    expect((await importText(app, text + linesOf([equal]))).stdout).toBe(summary(1, 6))
    // The same lines as one document.
    const document = JSON.stringify([first, equal, second, equal], null, 2)
    expect((await importText(app, document)).stdout).toBe(summary(0, 4))
    // Another user's logs are other logs.
    expect((await importText(app, text, '--user', 'user-1')).stdout).toBe(summary(6, 0))
    const [log] = (await app.connectionLogs.page({ userId: ['user-1'], platform: ['tiktok'] }, {})).logs
    expect(log?.eventId).toMatch(/^line:[0-9a-f]{64}$/)
    expect(await total(app)).toBe(13)
  })

  it('leaves ids that lines have as they are; only imports give them', async () => {
    const app = await startTestApp(provider)
    const text = linesOf([
      { ...EVENT, eventId: 'attempt-1' },
      { ...EVENT, _id: 'late-1', createdAt: formatInstant(systemClock.now()) },
    ])
    expect((await importText(app, text)).stdout).toBe(summary(2, 0))
    const { logs } = await app.connectionLogs.page({}, {})
    expect(new Set(logs.map(({ eventId }) => eventId))).toEqual(new Set(['attempt-1', null]))
    const key = await app.key(null)
    const post = async () => {
      const headers = { 'content-type': 'application/x-ndjson' }
      const body = linesOf([EVENT])
      const response = await app.send(key, '/api/v1/connections/logs', { method: 'POST', headers, body })
      return ((await response.json()) as { accepted: number }).accepted
    }
    expect([await post(), await post()]).toEqual([1, 1])
  })

  it('rejects the last line of a file that was cut, and stores all others', async () => {
    const app = await startTestApp(provider)
    const text = linesOf(without(1_200))
    const cut = await importText(app, text.slice(0, -20))
    expect(cut).toEqual({
      code: 1,
      stdout: summary(1_199, 0, 1),
      stderr: 'line 1200: Expected the line to be JSON, got only its beginning.\n',
    })
    expect((await importText(app, text)).stdout).toBe(summary(1, 1_199))
  })

  it('keeps what it knows of the logs of another server, while a wrong field of a producer is an error', async () => {
    const app = await startTestApp(provider)
    const createdAt = formatInstant(systemClock.now())
    const foreign = { ...EVENT, _id: 'late-1', userid: 'u1', __v: 0, createdAt }
    const own = { ...EVENT, eventId: 'own-1', userid: 'u1', createdAt }
    const wrong = /^line 2: Expected a log to have no fields but .*, got the unknown field `userid`\.\n/
    const lines = await importText(app, linesOf([foreign, own]))
    expect(lines).toMatchObject({ code: 1, stdout: summary(1, 0, 1) })
    expect(lines.stderr).toMatch(wrong)
    expect(lines.stderr.replace(wrong, '')).toBe('Skipped 1 × userid, 1 × __v.\n')
    // In a page, it is another server's.
    const page = await importText(app, JSON.stringify({ logs: [foreign, own] }))
    expect(page).toEqual({ code: 0, stdout: summary(1, 1), stderr: 'Skipped 2 × userid, 1 × __v.\n' })
    expect(await importText(app, JSON.stringify({ logs: [foreign, own] }))).toEqual({
      code: 0,
      stdout: summary(0, 2),
      stderr: 'Skipped 2 × userid, 1 × __v.\n',
    })
  })

  it('prints its summary as one JSON object', async () => {
    const app = await startTestApp(provider)
    const { code, stdout } = await importText(
      app,
      linesOf([...without(2), { ...EVENT, _id: 'a' }]) + '{',
      '--json',
    )
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({
      accepted: 2,
      duplicates: 0,
      rejected: 2,
      expired: 0,
      skippedFields: {},
      skippedPlatforms: {},
      errors: [
        {
          error: expect.stringMatching(/^Expected `createdAt` to be an instant/),
          count: 1,
          logs: ['log "a"'],
        },
        { error: 'Expected the line to be JSON, got only its beginning.', count: 1, logs: ['line 4'] },
      ],
      failures: [],
      isComplete: true,
    })
  })

  it('says how far it came when it is stopped, and goes on the next time', async () => {
    const app = await startTestApp(provider)
    const text = linesOf(without(1_300))
    const terminal = createTestTerminal({ DATABASE_URL: app.url })
    terminal.stdin.write(text)
    const stopped = run(['import', '-'], terminal)
    while ((await total(app)) < 1_000) await systemClock.sleep(20)
    terminal.interrupt()
    expect(await stopped).toBe(1)
    const stored = await total(app)
    expect(terminal.printed).toEqual({
      stdout: '',
      stderr: `Stopped. So far ${stored.toLocaleString('en-US')} stored, 0 there already, 0 rejected. Run it again to go on.\n`,
    })
    expect((await importText(app, text)).stdout).toBe(summary(1_300 - stored, stored))
  })

  it('says how far it came when the database fails amid it', async () => {
    const app = await startTestApp(provider)
    const terminal = createTestTerminal({ DATABASE_URL: app.url })
    const failed = run(['import', '-'], terminal)
    terminal.stdin.write(linesOf(without(500)))
    while ((await total(app)) < 500) await systemClock.sleep(20)
    const mend = await breakDatabase(app.url)
    terminal.stdin.end(linesOf(without(501)))
    expect(await failed).toBe(1)
    expect(terminal.printed.stdout).toBe('')
    expect(terminal.printed.stderr.split('\n').at(-2)).toMatch(
      /^The database .* So far 500 stored, 0 there already, 0 rejected\. Run it again to go on\.$/,
    )
    mend()
  })

  it('has stored exactly the lines of a file after being killed amid it and run again', async () => {
    const app = await startTestApp(provider)
    const values = without(3_000)
    const lines = [...values, ...values.slice(0, 50)]
    const killed = startCommand(['import', '-'], { DATABASE_URL: app.url }, null)
    killed.send(linesOf(lines.slice(0, 2_222)))
    while ((await total(app)) === 0) await systemClock.sleep(20)
    killed.kill('SIGKILL')
    expect((await killed.finished).code).toBe(137)
    const before = await total(app)
    expect(before).toBeLessThan(lines.length)
    expect((await importText(app, linesOf(lines))).stdout).toBe(summary(lines.length - before, before))
    expect(await total(app)).toBe(lines.length)
  })
})

it('an import ends on SIGINT, also while it waits for input', async () => {
  const app = await startTestApp('sqlite')
  const started = startCommand(['import', '-'], { DATABASE_URL: app.url }, null)
  started.send(linesOf(without(501)))
  while ((await total(app)) < 501) await systemClock.sleep(20)
  started.kill('SIGINT')
  expect(await started.finished).toEqual({
    code: 1,
    stdout: '',
    stderr: 'Stopped. So far 501 stored, 0 there already, 0 rejected. Run it again to go on.\n',
  })
})

it.each(['-', 'file'])(
  'an import of %s that is stopped before it has begun stores nothing',
  async (source) => {
    const database = await createTestDatabase('sqlite')
    const file = join(dirname(database.url.replace('file:', '')), 'events.ndjson')
    writeFileSync(file, linesOf(without(700)))
    const terminal = createTestTerminal({ DATABASE_URL: database.url })
    terminal.interrupt()
    expect(await run(['import', source === '-' ? '-' : file], terminal)).toBe(1)
    expect(terminal.printed).toEqual({
      stdout: '',
      stderr: 'Stopped. So far 0 stored, 0 there already, 0 rejected. Run it again to go on.\n',
    })
    await database.drop()
  },
)

it('an import of a file shows how much of it is done', async () => {
  const database = await createTestDatabase('sqlite')
  const file = join(dirname(database.url.replace('file:', '')), 'events.ndjson')
  writeFileSync(file, linesOf(without(700)))
  const terminal = createTestTerminal({ DATABASE_URL: database.url }, { isTTY: true })
  expect(await run(['import', file], terminal)).toBe(0)
  const states = terminal.printed.stderr.split('\r').map((state) => state.trimEnd())
  expect(states.at(-1)).toMatch(/^700 logs, [\d,]+ a second, 100 %$/)
  await database.drop()
})
