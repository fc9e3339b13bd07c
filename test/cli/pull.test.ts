import { describe, expect, it } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { listen } from '../../src/http/listen.ts'
import { DAY_MS, SECOND_MS, systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { startCommand } from '../support/command.ts'
import { PROVIDERS } from '../support/databases.ts'
import { cutAmidBody, neverAnswers, startLateServer, status } from '../support/late-server.ts'
import { EVENT, KEY, idsOf, lateLogs, pullInto, storedIds } from '../support/pulling.ts'
import { createTestTerminal } from '../support/terminal.ts'

describe.each(PROVIDERS)('connlog pull into %s', (provider) => {
  it('stores every log once, however often it runs', async () => {
    const app = await startTestApp(provider)
    const server = await startLateServer(lateLogs(250))
    expect(await pullInto(app, server)).toEqual({
      code: 0,
      stdout: '250 stored, 0 there already, 0 rejected.\n',
      stderr: '',
    })
    expect(await storedIds(app)).toEqual(idsOf(server.logs))
    server.logs = [{ ...server.logs[0], _id: 'newer' }, ...server.logs]
    expect((await pullInto(app, server)).stdout).toBe('1 stored, 250 there already, 0 rejected.\n')
    expect(await storedIds(app)).toEqual(idsOf(server.logs))
  })

  it('misses nothing of a list that changes while the server misbehaves', async () => {
    const app = await startTestApp(provider)
    const server = await startLateServer(lateLogs(1_500))
    const atFirst = new Set(idsOf(server.logs))
    let request = 0
    server.onRequest = () => {
      request += 1
      if (request % 4 === 0) server.misbehave([status(503, 's3cret'), cutAmidBody][(request / 4) % 2]!)
      const arrived = lateLogs(7).map((log, index) => ({ ...log, _id: `front-${request}-${index}` }))
      const place = (request * 137) % 1_000
      const backdated = { ...server.logs[place], _id: `middle-${request}` }
      server.logs.splice(place, 0, backdated)
      server.logs.splice((request * 91) % 900, request % 3 === 0 ? 40 : 1)
      server.logs = [...arrived, ...server.logs].slice(0, -3)
    }
    const { code } = await pullInto(app, server)
    expect(code).toBe(0)
    const stored = new Set(await storedIds(app))
    const lasting = idsOf(server.logs).filter((id) => atFirst.has(id))
    expect(lasting.length).toBeGreaterThan(500)
    expect(lasting.filter((id) => !stored.has(id))).toEqual([])
  })

  it('names what it rejects, and stores the rest', async () => {
    const app = await startTestApp(provider)
    const [first, ...more] = lateLogs(150)
    const server = await startLateServer([
      { ...first!, platform: 'myspace' },
      ...more,
      { ...first!, _id: 'old\u001b[2J', createdAt: 'long ago' },
    ])
    const pulled = await pullInto(app, server)
    expect({ code: pulled.code, stdout: pulled.stdout }).toEqual({
      code: 1,
      stdout: '149 stored, 0 there already, 2 rejected.\n',
    })
    const [createdAt, platform, none] = pulled.stderr.split('\n')
    expect(platform).toBe(
      '1 log of the platform myspace was skipped; set EXTRA_PLATFORMS=myspace to store it.',
    )
    expect(createdAt).toMatch(
      /^log "old\\u001b\[2J": Expected `createdAt` to be an instant .*, got "long ago"\.$/,
    )
    expect(none).toBe('')
  })

  it('keeps what it knows of logs that have more, and reports once what it skipped', async () => {
    const app = await startTestApp(provider)
    const more = {
      updatedAt: '2026-11-20T12:00:00Z',
      __v: 0,
      context: { isBYOK: true, isWhiteLabel: false },
      error: { code: 190, message: 'x'.repeat(5_000), fbtraceId: 'A1' },
      durationMs: 12.5,
      metadata: { step: 1 },
    }
    const server = await startLateServer(lateLogs(1_204, more))
    server.logs = server.logs.map((log, index) =>
      index % 2 === 0 ? log : { ...log, createdAt: String(log['createdAt']).replace('Z', '+0000') },
    )
    const skipped =
      'Skipped 1,204 × updatedAt, 1,204 × __v, 1,204 × error.fbtraceId, 1,204 × context.isWhiteLabel.\n'
    expect(await pullInto(app, server)).toEqual({
      code: 0,
      stdout: '1,204 stored, 0 there already, 0 rejected.\n',
      stderr: skipped,
    })
    const [log] = (await app.connectionLogs.page({}, { limit: 1 })).logs
    expect(log).toMatchObject({
      id: 'late-000000',
      context: { isBYOK: true },
      error: { code: '190', message: 'x'.repeat(4_000) },
      durationMs: 13,
      metadata: { step: 1 },
    })
    // The same again is there already, and no conflict.
    expect(await pullInto(app, server)).toEqual({
      code: 0,
      stdout: '0 stored, 1,204 there already, 0 rejected.\n',
      stderr: skipped,
    })
  })

  it('counts what it cannot use by its reason, with an example, and stores the rest', async () => {
    const app = await startTestApp(provider)
    const logs = lateLogs(160)
    const spoil = (from: number, to: number, fields: object) => {
      for (let index = from; index < to; index += 1) logs[index] = { ...logs[index]!, ...fields }
    }
    spoil(0, 12, { platform: 'mastodon' })
    spoil(12, 24, { eventType: 'connected' })
    spoil(24, 25, { createdAt: undefined })
    spoil(25, 26, { platform: 'no name\u001b[2J' })
    const server = await startLateServer(logs)
    const pulled = await pullInto(app, server)
    expect(pulled).toMatchObject({ code: 1, stdout: '134 stored, 0 there already, 26 rejected.\n' })
    expect(pulled.stderr.split('\n')).toEqual([
      expect.stringMatching(
        /^log "late-000012", log "late-000013", .*, log "late-000021" and 2 more: Expected `eventType` to be one of .*, got "connected"\.$/,
      ),
      'log "late-000024": Expected `createdAt` to be an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z, got nothing.',
      '12 logs of the platform mastodon were skipped; set EXTRA_PLATFORMS=mastodon to store them.',
      '1 log of the platform no name\ufffd[2j was skipped; connlog does not know it.',
      '',
    ])
    const json = await pullInto(app, server, { json: true })
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({
      accepted: 0,
      duplicates: 134,
      rejected: 26,
      expired: 0,
      skippedFields: {},
      skippedPlatforms: { mastodon: 12, 'no name\ufffd[2j': 1 },
      errors: [
        { count: 12, logs: expect.arrayContaining(['log "late-000012"']) },
        { count: 1, logs: ['log "late-000024"'] },
      ],
      isComplete: true,
    })
    const extra = { EXTRA_PLATFORMS: 'mastodon', CONNLOG_PULL_KEY: KEY, RATE_LIMIT_PER_MINUTE: '0' }
    const terminal = createTestTerminal({ DATABASE_URL: app.url, ...extra })
    expect(await run(['pull', '--url', server.origin], terminal)).toBe(1)
    expect(terminal.printed.stdout).toBe('12 stored, 134 there already, 14 rejected.\n')
  })

  it('stores for one user, and rejects what is of another', async () => {
    const app = await startTestApp(provider)
    const server = await startLateServer([
      ...lateLogs(2, { userId: 'user-1' }),
      { ...lateLogs(3)[2]!, _id: 'other' },
    ])
    expect(await pullInto(app, server, { user: 'user-1' })).toEqual({
      code: 1,
      stdout: '2 stored, 0 there already, 1 rejected.\n',
      stderr: 'log "other": Expected `userId` to be the key\'s own user or absent, got "user-2".\n',
    })
  })

  it('passes over logs that expire on the way', async () => {
    const app = await startTestApp(provider)
    const old = { ...lateLogs(1)[0]!, _id: 'old', createdAt: formatInstant(systemClock.now() - 7 * DAY_MS) }
    const server = await startLateServer([...lateLogs(3), old])
    expect(await pullInto(app, server)).toEqual({
      code: 0,
      stdout: '3 stored, 0 there already, 0 rejected. 1 expired on the way.\n',
      stderr: '',
    })
  })

  it('says how far it came when it has to give up, and goes on the next time', async () => {
    const app = await startTestApp(provider)
    const server = await startLateServer(lateLogs(450))
    let requests = 0
    server.onRequest = () => {
      if ((requests += 1) > 2) server.misbehave(status(500, 's3cret'))
    }
    const gaveUp = await pullInto(app, server)
    expect({ code: gaveUp.code, stdout: gaveUp.stdout }).toEqual({ code: 1, stdout: '' })
    expect(gaveUp.stderr.trim().split('\n').at(-1)).toBe(
      'Gave up after 8 tries: the server answered with HTTP 500. 190 of about 450 logs were read: 190 stored, 0 there already, 0 rejected. Run it again to go on.',
    )
    server.onRequest = () => undefined
    expect((await pullInto(app, server)).stdout).toBe('260 stored, 190 there already, 0 rejected.\n')
  })

  it('takes over a running service, all of it', async () => {
    const other = PROVIDERS.find((name) => name !== provider) ?? provider
    const source = await startTestApp(other)
    const nowMs = systemClock.now()
    const sent = Array.from({ length: 230 }, (_, index) => ({
      ...EVENT,
      userId: index % 5 === 0 ? null : `user-${index % 3}`,
      profileId: `profile-${index % 7}`,
      error: { code: 'oauth_denied', message: `Failure ${index}`, rawResponse: 'x'.repeat(2_000) },
      metadata: { step: index, text: 'ünïcödé \u2028' },
      context: { isBYOK: index % 2 === 0 },
      durationMs: index,
      // Some at the same millisecond.
      createdAt: formatInstant(nowMs - Math.floor(index / 4) * SECOND_MS),
    }))
    await source.connectionLogs.record(sent.map((value) => ({ value, at: '' })))
    const service = await listen(source.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
    const key = await source.key(null, ['logs:read'])
    const target = await startTestApp(provider)
    const terminal = createTestTerminal({ DATABASE_URL: target.url, CONNLOG_PULL_KEY: key })
    expect(await run(['pull', '--url', service.address], terminal)).toBe(0)
    expect(terminal.printed).toEqual({ stdout: '230 stored, 0 there already, 0 rejected.\n', stderr: '' })
    const all = async (app: TestApp) => {
      const pages = [0, 100, 200].map((skip) => app.connectionLogs.page({}, { limit: 100, skip }))
      return (await Promise.all(pages)).flatMap(({ logs }) => logs)
    }
    expect(await all(target)).toEqual(await all(source))
    await service.stop()
  })
})

describe('connlog pull', () => {
  it('takes the key from the arguments or from its variable, the arguments first', async () => {
    const app = await startTestApp('sqlite')
    const server = await startLateServer(lateLogs(1))
    const keyUsed = async (args: string[], env: Record<string, string>) => {
      const terminal = createTestTerminal({ DATABASE_URL: app.url, ...env })
      const code = await run(['pull', '--url', server.origin, ...args], terminal)
      return { code, key: server.asked.splice(0).at(-1)?.key, stderr: terminal.printed.stderr }
    }
    expect(await keyUsed(['--key', 'a'], {})).toEqual({ code: 0, key: 'a', stderr: '' })
    expect(await keyUsed([], { CONNLOG_PULL_KEY: 'b' })).toEqual({ code: 0, key: 'b', stderr: '' })
    expect(await keyUsed(['--key', 'a'], { CONNLOG_PULL_KEY: 'b' })).toEqual({
      code: 0,
      key: 'a',
      stderr: '',
    })
    expect(await keyUsed([], { CONNLOG_PULL_KEY: '' })).toEqual({
      code: 2,
      key: undefined,
      stderr: 'Expected `--key KEY`, or the key in CONNLOG_PULL_KEY.\n',
    })
    for (const wrong of ['', 'Bearer s3cret', 's3cret\n', 'schlüssel'])
      expect(await keyUsed(['--key', wrong], { CONNLOG_PULL_KEY: 'b' })).toEqual({
        code: 2,
        key: undefined,
        stderr: 'Expected the key to be visible ASCII characters without spaces, got something else.\n',
      })
  })

  it.each([
    [[], 2, 'Required option `--url <base>` not specified.\n'],
    [
      ['--url', 'late.example', '--key', 'k'],
      2,
      'Expected `--url` to be the address of a server, such as https://getlate.dev, got "late.example".\n',
    ],
    [
      ['--url', 'http://127.0.0.1', '--key', 'k', '--days', '8'],
      2,
      'Expected `--days` to be a whole number from 1 to 7, the retention, got "8".\n',
    ],
    [
      ['--url', 'http://127.0.0.1', '--key', 'k', '--user', ''],
      2,
      'Expected `--user` to be text of 1 to 128 characters, without U+0000 or lone surrogates, got "".\n',
    ],
  ])('%j is refused in a sentence', async (args, code, stderr) => {
    const app = await startTestApp('sqlite')
    const terminal = createTestTerminal({ DATABASE_URL: app.url })
    expect(await run(['pull', ...args], terminal)).toBe(code)
    expect(terminal.printed).toEqual({ stdout: '', stderr })
  })

  it('asks for seven days, for fewer where fewer are kept, or for those that it is told', async () => {
    const app = await startTestApp('sqlite')
    const server = await startLateServer()
    const asked = async (args: string[], env: Record<string, string>) => {
      const terminal = createTestTerminal({ DATABASE_URL: app.url, ...env })
      expect(await run(['pull', '--url', server.origin, '--key', 'k', ...args], terminal)).toBe(0)
      expect(terminal.printed.stdout).toBe('0 stored, 0 there already, 0 rejected.\n')
      return server.asked.splice(0).map(({ path }) => new URL(path, server.origin).searchParams.get('days'))
    }
    expect(await asked([], {})).toEqual(['7'])
    expect(await asked([], { RETENTION_DAYS: '30' })).toEqual(['7'])
    expect(await asked([], { RETENTION_DAYS: '3' })).toEqual(['3'])
    expect(await asked(['--days', '30'], { RETENTION_DAYS: '30' })).toEqual(['30'])
  })

  it('tells a wait that is long, and how much of it is waited for', async () => {
    const app = await startTestApp('sqlite')
    const server = await startLateServer(lateLogs(1))
    server.misbehave(
      status(429, 's3cret', { 'retry-after': '1' }),
      status(429, 's3cret', { 'retry-after': '200' }),
      status(503, 's3cret', { 'retry-after': '7500' }),
    )
    // Up to a second more than what is asked for.
    expect((await pullInto(app, server)).stderr).toMatch(
      /^The server answered with HTTP 429\. Waiting 3 min 2[01] s\.\nThe server answered with HTTP 503\. Waiting 15 min( 1 s)? of the 2 h 5 min that it asks for\.\n$/,
    )
  })

  it('shows on a terminal how far it is', async () => {
    const app = await startTestApp('sqlite')
    const server = await startLateServer(lateLogs(150))
    const terminal = createTestTerminal({ DATABASE_URL: app.url }, { isTTY: true })
    expect(await run(['pull', '--url', server.origin, '--key', KEY], terminal)).toBe(0)
    const states = terminal.printed.stderr.split('\r').map((state) => state.trimEnd())
    expect(states.at(1)).toMatch(/^100 of about 150 logs, [\d,]+ a second, 66 %, \d+ s left$/)
    expect(states.at(-1)).toMatch(/^150 of about 150 logs, [\d,]+ a second, 100 %$/)
    expect(terminal.printed.stderr.endsWith('\n')).toBe(true)
  })

  it('stops when it is told to, and says how far it came', async () => {
    const app = await startTestApp('sqlite')
    const server = await startLateServer(lateLogs(450))
    let requests = 0
    const command = { interrupt: () => undefined as void }
    server.onRequest = () => {
      requests += 1
      if (requests !== 3) return
      server.misbehave(neverAnswers)
      command.interrupt()
    }
    const args = ['pull', '--url', server.origin, '--key', KEY]
    const terminal = createTestTerminal({ DATABASE_URL: app.url })
    command.interrupt = terminal.interrupt
    expect(await run(args, terminal)).toBe(1)
    const sentence =
      'Stopped. 190 of about 450 logs were read: 190 stored, 0 there already, 0 rejected. Run it again to go on.\n'
    expect(terminal.printed).toEqual({ stdout: '', stderr: sentence })
    // The same by a signal.
    requests = 0
    const started = startCommand(args, { DATABASE_URL: app.url })
    command.interrupt = () => started.kill('SIGINT')
    expect(await started.finished).toEqual({
      code: 1,
      stdout: '',
      stderr: sentence.replace('190 stored, 0 there', '0 stored, 190 there'),
    })
  })
})
