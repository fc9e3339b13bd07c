import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { followOn } from '../../src/cli/tail/follow-on.ts'
import { localSource } from '../../src/cli/tail/local.ts'
import type { LogSource } from '../../src/cli/tail/log-source.ts'
import { remoteSource } from '../../src/cli/tail/remote.ts'
import type { TailOptions } from '../../src/cli/tail/tail.ts'
import { type Listening, listen } from '../../src/http/listen.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { graphqlAddress } from '../../src/remote/address.ts'
import { SILENCE_MS, createRemote } from '../../src/remote/client.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { briskClock } from '../support/brisk-clock.ts'
import { createTestClock } from '../support/clock.ts'
import { MAIN, runCommand } from '../support/command.ts'
import { PROVIDERS } from '../support/databases.ts'
import { startTail } from '../support/tailing.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { undoneAfterEach } from '../support/undo.ts'

const EVENT = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
const HOST = '127.0.0.1'

/** Every field there is. */
const FULL = {
  userId: 'user-1',
  profileId: 'profile-1',
  accountId: 'account-1',
  eventId: 'event-1',
  platform: 'googlebusiness',
  eventType: 'reconnect_success',
  connectionMethod: 'invitation',
  success: {
    displayName: 'Acme Studio',
    username: 'acme',
    profilePicture: 'https://pictures.example/acme.png',
    permissions: ['read', 'write'],
    tokenExpiresAt: '2027-01-01T00:00:00Z',
    accountType: 'business',
  },
  error: { code: 'none', message: 'two\nlines', rawResponse: '{}' },
  context: { hasCustomRedirectUrl: true, isHeadlessMode: false, isReconnection: true, isBYOK: false },
  durationMs: 5_230,
  metadata: { b: [1, null], a: 'ü🙂', none: null },
}

const sent = (values: readonly object[]) => values.map((value) => ({ value, at: '' }))
const record = async (app: TestApp, ...values: object[]) =>
  (await app.connectionLogs.record(sent(values.map((value) => ({ ...EVENT, ...value }))))).map(
    ({ log }) => log.id,
  )

const undo = undoneAfterEach()

describe.each(PROVIDERS)('connlog tail on %s', (provider) => {
  let app: TestApp
  let server: Listening
  let key: string
  beforeAll(async () => {
    app = keep(await startTestApp(provider, { env: { STREAM_HEARTBEAT_SECONDS: '1' } }))
    server = await listen(app.fetch, { port: 0, host: HOST, clock: systemClock })
    key = await app.key(null, ['logs:read'])
  })
  afterAll(async () => {
    app.endStreams()
    await server.stop()
    await app.stop()
  })

  const cursor = () => app.connectionLogs.feedCursor()

  /** The database, or the service over a socket. */
  const ways: Record<string, (options: TailOptions) => [TailOptions, Record<string, string>]> = {
    'of the database': (options) => [options, { DATABASE_URL: app.url }],
    'of a service': (options) => [{ ...options, url: server.address }, { CONNLOG_KEY: key }],
  }

  describe.each(Object.entries(ways))('%s', (_, optionsOf) => {
    it('prints what is recorded as export writes it, and goes on from where it ended', async () => {
      const since = await cursor()
      const tailing = startTail(...optionsOf({ since }))
      const ids = await record(app, { ...FULL, eventId: `full-${_}` }, { error: {} }, {})
      const logs = await tailing.logs(3)
      expect(logs.map(({ _id }) => _id)).toEqual(ids)
      expect(await tailing.stop()).toBe(0)
      const exported = (await runCommand(['export'], { DATABASE_URL: app.url })).stdout.split('\n')
      expect(tailing.printed.stdout.split('\n').slice(0, -1)).toEqual(
        ids.map((id) => exported.find((line) => line.includes(id))),
      )
      const imported = await runCommand(['import', '-'], { DATABASE_URL: app.url }, tailing.printed.stdout)
      expect(imported.stdout).toBe('0 stored, 3 there already, 0 rejected.\n')

      const [, next = ''] = /^Go on from here with --since (\S+)\n$/.exec(tailing.printed.stderr) ?? []
      const more = await record(app, {}, {})
      const again = startTail(...optionsOf({ since: next }))
      expect((await again.logs(2)).map(({ _id }) => _id)).toEqual(more)
      expect(await again.stop()).toBe(0)
    })

    it('begins at this moment, and shows what the filter leaves', async () => {
      await record(app, { accountId: 'before', platform: 'tiktok' })
      const tailing = startTail(...optionsOf({ platform: ['tiktok'], status: 'failed', user: ['u1', 'u2'] }))
      const wanted = { platform: 'tiktok', eventType: 'connect_failed', userId: 'u1' }
      // Until it has begun, which nothing tells.
      while (tailing.printed.stdout === '') {
        await record(app, { ...wanted, accountId: 'begun' })
        await systemClock.sleep(50)
      }
      const after = await record(app, { ...wanted, userId: 'u3' }, { ...wanted, platform: 'reddit' }, wanted)
      for (let count = 1; ; count += 1) {
        const logs = await tailing.logs(count)
        expect(logs.map(({ accountId }) => accountId)).not.toContain('before')
        if (logs.at(-1)?.['accountId'] === 'begun') continue
        expect(logs.at(-1)?.['_id']).toBe(after[2])
        break
      }
      expect(await tailing.stop()).toBe(0)
    })

    it('begins with what is kept since an instant, oldest first, more than a page of it', async () => {
      const nowMs = systemClock.now()
      const old = await record(
        app,
        ...Array.from({ length: 620 }, (__, index) => ({
          accountId: 'kept',
          createdAt: formatInstant(nowMs - HOUR_MS + Math.floor(index / 3)),
        })),
      )
      await record(app, { accountId: 'kept', createdAt: formatInstant(nowMs - HOUR_MS - 1) })
      const tailing = startTail(...optionsOf({ account: ['kept'], since: formatInstant(nowMs - HOUR_MS) }))
      await tailing.logs(620)
      // Late, for a time that has been passed: it was not there, so it is new.
      const late = await record(app, { accountId: 'kept', createdAt: formatInstant(nowMs - 2 * HOUR_MS) })
      const seen = (await tailing.logs(621)).map(({ _id }) => _id)
      expect(new Set(seen.slice(0, 620))).toEqual(new Set(old))
      expect(seen.slice(620)).toEqual(late)
      const instants = (await tailing.logs(620))
        .slice(0, 620)
        .map(({ createdAt }) => Date.parse(String(createdAt)))
      expect(instants).toEqual(instants.toSorted((a, b) => a - b))
      expect(await tailing.stop()).toBe(0)
      await runCommand(['erase', '--account', 'kept'], { DATABASE_URL: app.url })
    })

    it('refuses a cursor that is none', async () => {
      const { ended } = startTail(...optionsOf({ since: 'made.up' }))
      expect(await ended).toBe(
        'Expected `--since` to be a cursor that this feed gave to a key of the same reach, got "made.up".',
      )
    })
  })

  /** A source as the command makes it. */
  function sourceOf(name: 'local' | 'remote', accountId: string): [LogSource, AbortController] {
    const stop = new AbortController()
    undo(() => stop.abort())
    const own = { clock: briskClock, stop: stop.signal }
    const filter = { accountId: [accountId] }
    if (name === 'local') return [localSource(app.connectionLogs, { ...own, filter }), stop]
    const address = graphqlAddress(server.address, 'url')
    return [remoteSource(createRemote({ ...own, address, key, userAgent: 'test', fetch }), filter), stop]
  }

  it.each(['local', 'remote'] as const)(
    'has each log once where some come while it begins, from the %s source; other ways repeat or miss some',
    async (name) => {
      const accountId = `overlap-${name}`
      const [source, stop] = sourceOf(name, accountId)
      const all: string[] = await record(app, { accountId }, { accountId })
      const since = formatInstant(systemClock.now() - MINUTE_MS)
      /** Logs come after the cursor was taken and before what is kept is read, and between its reading and the feed. */
      const busy: LogSource = {
        ...source,
        cursor: async () => {
          const taken = await source.cursor()
          all.push(...(await record(app, { accountId }, { accountId }, { accountId })))
          return taken
        },
        stored: async function* (ms) {
          yield* source.stored(ms)
          all.push(...(await record(app, { accountId })))
        },
      }
      const seen: string[] = []
      const following = followOn(
        busy,
        { is: 'instant', ms: Date.parse(since) },
        { cursor: undefined, hasMissed: false },
        {
          clock: briskClock,
          stop: stop.signal,
          say: () => undefined,
          random: Math.random,
          put: async (logs) => void seen.push(...logs.map(({ id }) => id)),
        },
      ).catch((error: unknown) => error)
      while (seen.length < 6) await systemClock.sleep(5)
      all.push(...(await record(app, { accountId })))
      while (seen.length < all.length) await systemClock.sleep(5)
      stop.abort()
      expect(await following).toBe(stop.signal.reason)
      expect(seen).toEqual(all)

      /** All that is kept, and what the feed gives behind a cursor, until the last log. */
      const naively = async (isCursorFirst: boolean) => {
        const [source] = sourceOf(name, accountId)
        const taken = isCursorFirst ? await source.cursor() : undefined
        all.push(...(await record(app, { accountId })))
        const ids: string[] = []
        for await (const logs of source.stored(Date.parse(since))) ids.push(...logs.map(({ id }) => id))
        all.push(...(await record(app, { accountId })))
        const feed = source.follow(taken ?? (await source.cursor()))
        const [last] = await record(app, { accountId })
        all.push(last ?? '')
        for await (const { log } of feed) {
          if (log) ids.push(log.id)
          if (log?.id === last) break
        }
        return ids
      }
      const repeated = await naively(true)
      expect(repeated.length).toBeGreaterThan(all.length)
      expect(new Set(repeated)).toEqual(new Set(all))
      const missing = await naively(false)
      expect(missing.length).toBeLessThan(all.length)
    },
  )

  it('comes back by itself, says so once, and misses nothing', async () => {
    const proxy = await startTcpProxy(Number(new URL(server.address).port))
    undo(proxy.stop)
    const since = await cursor()
    const tailing = startTail({ url: `http://${HOST}:${proxy.port}/`, key, since })
    const ids = await record(app, {})
    await tailing.logs(1)
    await proxy.setMode('refuse')
    ids.push(...(await record(app, {}, {})))
    await tailing.said(/Trying until it succeeds/)
    await systemClock.sleep(200)
    await proxy.setMode('pass')
    await tailing.logs(3)
    ids.push(...(await record(app, {})))
    expect((await tailing.logs(4)).map(({ _id }) => _id)).toEqual(ids)
    expect(await tailing.stop()).toBe(0)
    expect(tailing.printed.stderr).toMatch(
      /^The service could not be reached, or broke off: E[A-Z]+\. Trying until it succeeds\.\nIt answers again\.\nGo on from here with --since \S+\n$/,
    )
  })

  it('gives up a service of which nothing is heard any more', async () => {
    const proxy = await startTcpProxy(Number(new URL(server.address).port))
    undo(proxy.stop)
    const stop = new AbortController()
    undo(() => stop.abort())
    const remote = createRemote({
      // Two heartbeats, here.
      clock: {
        ...systemClock,
        sleep: (ms, signal) => systemClock.sleep(ms === SILENCE_MS ? 2_000 : ms, signal),
      },
      stop: stop.signal,
      address: graphqlAddress(`http://${HOST}:${proxy.port}`, 'url'),
      key,
      userAgent: 'test',
      fetch,
    })
    const heard = remote.subscribe('subscription { connectionLogRecorded { log { id } } }', {})
    expect((await heard.next()).value).toMatchObject({ data: undefined })
    await proxy.setMode('blackhole')
    const silence = async () => {
      while (!(await heard.next()).done);
    }
    await expect(silence()).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      message: 'The service said nothing for 150 seconds.',
    })
  })

  it('says what it missed where it was away for longer than logs are kept, goes on, and ends with 1', async () => {
    const clock = createTestClock(systemClock.now())
    const brief = await startTestApp(provider, { clock })
    const own = await listen(brief.fetch, { port: 0, host: HOST, clock: systemClock })
    const proxy = await startTcpProxy(Number(new URL(own.address).port))
    undo(own.stop, () => brief.endStreams(), proxy.stop)
    const since = await brief.connectionLogs.feedCursor()
    const options = {
      url: `http://${HOST}:${proxy.port}`,
      key: await brief.key(null),
    }
    const tailing = startTail({ ...options, since })
    await record(brief, {})
    await tailing.logs(1)
    await proxy.setMode('refuse')
    await record(brief, {})
    await tailing.said(/Trying/)
    clock.advance(8 * DAY_MS)
    await proxy.setMode('pass')
    await tailing.said(/Going on from now/)
    while (brief.feed.figures().readers === 0) await systemClock.sleep(5)
    const [id] = await record(brief, {})
    expect((await tailing.logs(2))[1]?.['_id']).toBe(id)
    expect(await tailing.stop()).toBe(1)
    expect(tailing.printed.stderr).toMatch(
      /\nWhat was recorded from (\S+Z) to now is missing: .* `connlog export --after \1` has what is kept\. Going on from now\.\nIt answers again\.\nGo on from here with --since \S+\n$/,
    )
    // A cursor that was given is another thing: who gave it is to know.
    expect(await startTail({ ...options, since }).ended).toBe(
      'Expected `--since` to be a cursor within the retention, got one behind which logs have expired. Read what is there, and begin anew without it.',
    )
  })

  it('ends with a sentence when its key is revoked, and where a key does not reach', async () => {
    const user = await app.key('u1', ['logs:read'])
    const since = (await app.gql(user, '{ connectionLogFeedCursor }')).data.connectionLogFeedCursor as string
    const tailing = startTail({ url: server.address, key: user, since })
    await record(app, { userId: 'u2' }, { userId: 'u1' })
    expect((await tailing.logs(1)).map(({ userId }) => userId)).toEqual(['u1'])
    await app.keys.revoke(user.split('_')[1] ?? '')
    const [sentence, goOn] = String(await tailing.ended).split('\n')
    expect(sentence).toBe('The service does not know the key, or the key is no longer valid.')
    expect(goOn).toMatch(/^Go on from here with --since \S+$/)
    expect(await startTail({ url: server.address, key: user }).ended).toBe(sentence)
    const other = await app.key('u1', ['logs:read'])
    expect(await startTail({ url: server.address, key: other, user: ['u2'] }).ended).toBe(
      'Expected `--user` to come with a service key, got the key of a user.',
    )
    const writer = await app.key('u1', ['logs:write'])
    expect(await startTail({ url: server.address, key: writer }).ended).toBe(
      'Expected a key with the scope `logs:read`, got one with logs:write.',
    )
  })

  it('shows lines to people: coloured by outcome, cut to the terminal, with nothing that moves the cursor', async () => {
    const since = await cursor()
    const createdAt = formatInstant(systemClock.now() - MINUTE_MS)
    const at = createdAt.replace(/\.\d+/, '')
    const shown = async (columns: number | undefined, env: Record<string, string> = {}, json = false) => {
      const options = { since, json, user: ['lines'] }
      const terminal = { isTTY: true, ...(columns === undefined ? {} : { columns }) }
      const tailing = startTail(options, { DATABASE_URL: app.url, ...env }, terminal)
      while (tailing.printed.stdout.split('\n').length < 4) await systemClock.sleep(5)
      await tailing.stop()
      return tailing.printed.stdout.split('\n').slice(0, -1)
    }
    const user = { userId: 'lines', createdAt }
    const ids = await record(
      app,
      {
        ...user,
        eventType: 'connect_failed',
        error: { code: 'oauth_denied', message: 'no\r\n\u001b[2J\u202Eway 漢字漢字' },
      },
      {
        ...user,
        eventType: 'connect_success',
        accountId: 'a',
        profileId: 'p',
        success: { username: 'acme' },
      },
      user,
    )
    expect(await shown(undefined, { NO_COLOR: '1' })).toEqual([
      `${at} reddit    connect_failed    user lines oauth_denied: no \uFFFD[2J\uFFFDway 漢字漢字`,
      `${at} reddit    connect_success   user lines, account a, profile p (acme)`,
      `${at} reddit    disconnect        user lines`,
    ])
    expect(await shown(84)).toEqual([
      `\u001b[2m${at}\u001b[22m reddit    \u001b[31mconnect_failed   \u001b[39m user lines oauth_denied: no \uFFFD[2J\uFFFDw…`,
      `\u001b[2m${at}\u001b[22m reddit    \u001b[32mconnect_success  \u001b[39m user lines, account a, profile p (…`,
      `\u001b[2m${at}\u001b[22m reddit    \u001b[33mdisconnect       \u001b[39m user lines`,
    ])
    const json = await shown(20, {}, true)
    expect(json.map((line) => (JSON.parse(line) as { _id: string })._id)).toEqual(ids)
  })

  it('is stopped by a signal with 0, and ends quietly when its reader has seen enough', async () => {
    const { PATH = '' } = process.env
    const start = async () => {
      const since = await cursor()
      const child = spawn(process.execPath, [MAIN, 'tail', '--since', since], {
        env: { PATH, DATABASE_URL: app.url, LOG_LEVEL: 'error' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let stderr = ''
      child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
      const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }))
      await record(app, {})
      await once(child.stdout, 'data')
      return { child, ended }
    }
    const stopped = await start()
    stopped.child.kill('SIGINT')
    const { code, stderr } = await stopped.ended
    expect(code).toBe(0)
    expect(stderr).toMatch(/^Go on from here with --since \S+\n$/)

    const left = await start()
    left.child.stdout.destroy()
    // A broken pipe is noticed when something is written into it.
    while (left.child.exitCode === null) {
      await record(app, {})
      await systemClock.sleep(50)
    }
    expect(await left.ended).toEqual({ code: 0, stderr: '' })
  })
})

describe('connlog tail', () => {
  it.each([
    [['--key', 'k'], 2, 'Expected `--url URL` with `--key KEY`.\n'],
    [['--url', 'http://127.0.0.1:1'], 2, 'Expected `--key KEY`, or the key in CONNLOG_KEY.\n'],
    [
      ['--url', 'logs.example.com', '--key', 'k'],
      1,
      'Expected `--url` to be the address of a connlog service, such as https://logs.example.com, got "logs.example.com".\n',
    ],
    [
      ['--since', 'yesterday'],
      1,
      'Expected `--since` to be a cursor of the feed, or an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z, got "yesterday".\n',
    ],
    [['--status', 'all'], 1, 'Expected `--status` to be one of success, failed, got "all".\n'],
  ])('refuses %j in a sentence', async (args, code, stderr) => {
    expect(await runCommand(['tail', ...args], {})).toEqual({ code, stdout: '', stderr })
  })

  it.each([
    [404, {}, 'no', /^There is no connlog service at http:\S+\/graphql: it answered with HTTP 404\.$/],
    [
      301,
      { location: 'https://elsewhere.example' },
      '',
      'The service redirects (HTTP 301). The key is not sent after it; give the address that the service is at.',
    ],
    [401, {}, '', 'The service does not know the key, or the key is no longer valid.'],
    [
      400,
      {},
      '{"errors":[{"message":"a\\u001b[2Jb","extensions":{"code":"BAD_USER_INPUT"}}]}',
      'a\uFFFD[2Jb',
    ],
  ] as const)('ends with a sentence for HTTP %d', async (status, headers, body, sentence) => {
    const server = createServer((_, response) => void response.writeHead(status, headers).end(body))
    server.listen(0, HOST)
    await once(server, 'listening')
    undo(() => server.close())
    const { port } = server.address() as AddressInfo
    const ended = await startTail({ url: `http://${HOST}:${port}`, key: 's3cret' }).ended
    if (typeof sentence === 'string') expect(ended).toBe(sentence)
    else expect(ended).toMatch(sentence)
  })

  it.each([
    [503, 'text/plain', 'later', 'The service answered with HTTP 503. Trying until it succeeds.'],
    [
      200,
      'text/html',
      '<h1>Soon</h1>',
      'The service answered with what is no stream of events. Trying until it succeeds.',
    ],
    [
      200,
      'text/event-stream',
      `data: ${'x'.repeat(5_000_000)}`,
      'The service answered with an event longer than any log. Trying until it succeeds.',
    ],
  ])('tries again after HTTP %d as %s', async (status, type, body, sentence) => {
    const server = createServer(
      (_, response) => void response.writeHead(status, { 'content-type': type }).end(body),
    )
    server.listen(0, HOST)
    await once(server, 'listening')
    undo(() => server.close())
    const { port } = server.address() as AddressInfo
    const tailing = startTail({ url: `http://${HOST}:${port}`, key: 'k' })
    await tailing.said(/./)
    await systemClock.sleep(100)
    expect(await tailing.stop()).toBe(0)
    expect(tailing.printed).toEqual({ stdout: '', stderr: `${sentence}\n` })
  })

  it('is described by --help', async () => {
    const { stdout } = await runCommand(['tail', '--help'], {})
    for (const option of [
      '--since <cursor|instant>',
      '--json',
      '--url <address>',
      '--key <key>',
      '--platform <list>',
    ])
      expect(stdout).toContain(option)
  })
})
