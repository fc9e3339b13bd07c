import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { followOn } from '../../src/cli/tail/follow-on.ts'
import { localSource } from '../../src/cli/tail/local.ts'
import type { LogSource } from '../../src/cli/tail/log-source.ts'
import { remoteSource } from '../../src/cli/tail/remote.ts'
import type { TailOptions } from '../../src/cli/tail/tail.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import type { Listening } from '../../src/http/listen.ts'
import { HOUR_MS, MINUTE_MS, systemClock } from '../../src/kernel/clock.ts'
import { parseDatabaseUrl } from '../../src/kernel/database-url.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { type FeedMark, placeBefore } from '../../src/logs/feed-mark.ts'
import { createFeedSource } from '../../src/logs/feed-source.ts'
import { graphqlAddress } from '../../src/remote/address.ts'
import { createRemote } from '../../src/remote/client.ts'
import type { TestApp } from '../support/app.ts'
import { briskClock } from '../support/brisk-clock.ts'
import { MAIN, runCommand } from '../support/command.ts'
import { PROVIDERS } from '../support/databases.ts'
import { record, startTail, startTailedService } from '../support/tailing.ts'
import { undoneAfterEach } from '../support/undo.ts'

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

const undo = undoneAfterEach()

describe.each(PROVIDERS)('connlog tail on %s', (provider) => {
  let app: TestApp
  let server: Listening
  let key: string
  let stop: () => Promise<void>
  beforeAll(async () => {
    ;({ app, server, key, stop } = await startTailedService(provider))
  })
  afterAll(() => stop())

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
      const [before] = await record(app, { accountId: 'kept', createdAt: formatInstant(nowMs - HOUR_MS - 1) })
      await isSettled(app, before)
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
      let missing = await naively(false)
      // A transaction elsewhere on the same Postgres may keep the cursor back, and so what is missing in the feed.
      for (let tries = 0; missing.length >= all.length && tries < 10; tries += 1)
        missing = await naively(false)
      expect(missing.length).toBeLessThan(all.length)
    },
  )

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
      `${at} reddit         ✗ connect_failed   oauth_denied no \uFFFD[2J\uFFFDway 漢字漢字  user lines`,
      `${at} reddit         ✓ connect_success  acme  acct a  user lines  profile p`,
      `${at} reddit         - disconnect         user lines`,
    ])
    const time = at.slice(11, 19)
    expect(await shown(80)).toEqual([
      `\u001b[2m${time}\u001b[22m reddit         \u001b[31m✗ connect_failed  \u001b[39m \u001b[31moauth_denied\u001b[39m no \uFFFD[2J\uFFFDway…  user lines`,
      `\u001b[2m${time}\u001b[22m reddit         \u001b[32m✓ connect_success \u001b[39m acme  acct a  user lines  profile p`,
      `\u001b[2m${time}\u001b[22m reddit         \u001b[33m- disconnect      \u001b[39m   user lines`,
    ])
    const json = await shown(20, {}, true)
    expect(json.map((line) => (JSON.parse(line) as { _id: string })._id)).toEqual(ids)
  })

  it('says on a terminal what it follows, without the password of the database', async () => {
    for (const [options, env, followed] of [
      [{}, { DATABASE_URL: app.url }, parseDatabaseUrl(app.url).display],
      [{ url: server.address }, { CONNLOG_KEY: key }, `${server.address}/graphql`],
    ] as const) {
      const tailing = startTail(options, env, { isTTY: true })
      await tailing.said(/Following/)
      await tailing.stop()
      expect(tailing.printed.stderr.split('\n')[0]).toBe(`Following ${followed}. Ctrl-C to stop.`)
    }
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

/** Until the feed has gone by a log, which transactions of other tests on the same Postgres may keep it from. */
async function isSettled(app: TestApp, id: string | undefined): Promise<void> {
  const source = createFeedSource(app.database, connectionLogKind, systemClock)
  for (let mark: FeedMark = { place: placeBefore(0n), sinceMs: 0 }; ;) {
    const { events, next, isAll } = await source.read(undefined, mark, 500)
    if (events.some(({ log }) => log.id === id)) return
    mark = next
    if (isAll) await systemClock.sleep(5)
  }
}
