import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DAY_MS, SECOND_MS } from '../../src/kernel/clock.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { type Follower, follow } from '../support/follower.ts'
import { sentOf } from '../support/sent.ts'

const NOW = Date.UTC(2026, 10, 20, 12)

const record = (app: TestApp, accountId: string, more: object = {}) =>
  app.connectionLogs.record([sentOf(accountId, more)])

const cursorIn = (event: Awaited<ReturnType<Follower['next']>>): string =>
  event?.data.data.connectionLogRecorded.cursor

describe.each(PROVIDERS)('connectionLogRecorded on %s', (provider) => {
  let app: TestApp
  let user: string
  let other: string
  let service: string
  beforeAll(async () => {
    app = keep(await startTestApp(provider, { env: { STREAM_HEARTBEAT_SECONDS: '1' } }))
    user = await app.key('u1')
    other = await app.key('u2')
    service = await app.key(null)
  })
  afterAll(() => app.stop())

  it('begins at this moment, and gives what is recorded from then on, in order', async () => {
    await record(app, 'before')
    const follower = await follow(app, user)
    expect(follower.response.status).toBe(200)
    expect(follower.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    for (const account of ['a', 'b', 'c']) await record(app, account)
    expect([await follower.nextLog(), await follower.nextLog(), await follower.nextLog()]).toEqual([
      'a',
      'b',
      'c',
    ])
    await follower.close()
  })

  it('goes on after a cursor, from `after` or from Last-Event-ID, whoever of the two is the newer', async () => {
    const { data } = await app.gql(user, '{ connectionLogFeedCursor }')
    const start: string = data.connectionLogFeedCursor
    for (const account of ['d', 'e', 'f']) await record(app, account)
    const first = await follow(app, user, { args: `(after: "${start}")` })
    const event = await first.next()
    expect(event?.data.data.connectionLogRecorded.log.accountId).toBe('d')
    expect(event?.id).toBe(cursorIn(event))
    const cursor = cursorIn(event)
    await first.close()

    const second = await follow(app, user, {
      args: `(after: "${start}")`,
      lastEventId: cursor,
      method: 'GET',
    })
    expect([await second.nextLog(), await second.nextLog()]).toEqual(['e', 'f'])
    await record(app, 'g')
    expect(await second.nextLog()).toBe('g')
    await second.close()
  })

  it('shows a key what it may see, of that what the filter asks for, and no more', async () => {
    const { data } = await app.gql(service, '{ connectionLogFeedCursor }')
    const after = `after: "${data.connectionLogFeedCursor}"`
    await record(app, 'h')
    await record(app, 'i', { userId: 'u2' })
    await record(app, 'j', { userId: undefined, platform: 'tiktok' })
    await record(app, 'k', {
      eventType: 'connect_failed',
      error: { code: 'oauth_denied', message: 'They said no' },
    })
    await record(app, 'l', { userId: 'u2', platform: 'threads' })
    const seen = async (args: string, count: number) => {
      const follower = await follow(app, service, { args })
      const accounts: string[] = []
      while (accounts.length < count) accounts.push(await follower.nextLog())
      await follower.close()
      return accounts
    }
    expect(await seen(`(${after})`, 5)).toEqual(['h', 'i', 'j', 'k', 'l'])
    expect(await seen(`(${after}, filter: { userId: "u2" })`, 2)).toEqual(['i', 'l'])
    expect(await seen(`(${after}, filter: { status: FAILED, search: "said" })`, 1)).toEqual(['k'])
    expect(await seen(`(${after}, filter: { platform: [TIKTOK, THREADS] })`, 2)).toEqual(['j', 'l'])

    const follower = await follow(app, other)
    await record(app, 'm')
    await record(app, 'n', { userId: 'u2' })
    expect(await follower.nextLog()).toBe('n')
    await follower.close()
  })

  it.each(['GET', 'POST'] as const)(
    'refuses cursors that are made up, of others, or of other lists, by %s',
    async (method) => {
      const cursorOf = async (key: string, field: string) => {
        const { data } = await app.gql(key, `{ ${field} }`)
        return JSON.stringify(data).match(/"([\w-]{60,})"/)?.[1] ?? ''
      }
      const own = await cursorOf(user, 'connectionLogFeedCursor')
      const wrong = [
        'abc',
        `${own}A`,
        `A${own}`,
        own.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
        await cursorOf(other, 'connectionLogFeedCursor'),
        await cursorOf(service, 'connectionLogFeedCursor'),
        await cursorOf(user, 'connectionLogsByCursor(first: 1) { pageInfo { endCursor } }'),
      ]
      for (const cursor of wrong) {
        const { response, next } = await follow(app, user, { lastEventId: cursor, method })
        if (method === 'POST') {
          const event = await next()
          expect(event?.data.errors[0].extensions.code, cursor).toBe('BAD_USER_INPUT')
          expect(event?.data.errors[0].message).toMatch(
            /^Expected `Last-Event-ID` to be a cursor that this feed gave/,
          )
          expect((await next())?.event).toBe('complete')
        } else {
          expect(response.status, cursor).toBe(400)
          expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
        }
      }
    },
  )

  it('says that it is alive, and how far it has come where nothing matched', async () => {
    const follower = await follow(app, user, { args: '(filter: { platform: SNAPCHAT })' })
    const first = (await follower.nextBlock())?.id
    await record(app, 'o')
    // The first may have been on its way already.
    for (let n = 0; n < 4 && follower.lastId() === first; n += 1) await follower.nextBlock()
    const resumed = await follow(app, user, { lastEventId: follower.lastId() })
    await record(app, 'p')
    expect(await resumed.nextLog()).toBe('p')
    await Promise.all([follower.close(), resumed.close()])
  })

  it('needs the scope, and an Accept that takes a stream', async () => {
    const writer = await app.key('u1', ['logs:write'])
    const refused = await follow(app, writer)
    expect((await refused.next())?.data.errors[0].extensions.code).toBe('FORBIDDEN')
    expect((await app.gql(writer, '{ connectionLogFeedCursor }')).errors?.[0]?.extensions.code).toBe(
      'FORBIDDEN',
    )
    const unread = await app.send(user, '/graphql?query=subscription{connectionLogRecorded{cursor}}', {
      headers: { accept: 'application/json' },
    })
    expect(unread.status).toBe(406)
    expect(await unread.json()).toMatchObject({
      errors: [
        {
          message:
            'Expected the header `accept` to take text/event-stream, as subscriptions are answered, got "application/json".',
        },
      ],
    })
    const mine = await follow(app, user, { args: '(filter: { userId: "u1" })' })
    expect((await mine.next())?.data.errors[0].extensions.code).toBe('FORBIDDEN')
  })

  it('ends when the key is revoked, and when it expires', async () => {
    const [revoked, brief] = [
      await app.key('u1'),
      (await app.keys.create({ userId: 'u1', scopes: ['logs:read'], lifetimeMs: SECOND_MS })).key,
    ]
    const followers = [await follow(app, revoked), await follow(app, brief)]
    await app.keys.revoke(revoked.split('_')[1] ?? '')
    for (const { next } of followers) {
      expect((await next())?.data.errors).toMatchObject([
        { message: 'Unauthorized', extensions: { code: 'UNAUTHENTICATED' } },
      ])
      expect((await next())?.event).toBe('complete')
      expect(await next()).toBeUndefined()
    }
    for (const key of [revoked, brief]) expect((await follow(app, key)).response.status).toBe(401)
  })

  it('leaves nothing behind when clients go', async () => {
    const followers = await Promise.all(Array.from({ length: 20 }, () => follow(app, service)))
    expect(app.feed.figures().readers).toBe(20)
    await Promise.all(followers.map(({ close }) => close()))
    expect(app.feed.figures()).toMatchObject({ readers: 0 })
  })

  it('ends all at shutdown, each with the cursor to come back with, and takes no more', async () => {
    const own = await startTestApp(provider)
    const key = await own.key(null)
    const [idle, busy] = [await follow(own, key), await follow(own, key)]
    await record(own, 'a')
    expect(await busy.nextLog()).toBe('a')
    own.endStreams()
    const seconds: number[] = []
    for (const follower of [idle, busy]) {
      let event = await follower.nextBlock()
      while (event?.retry === undefined) event = await follower.nextBlock()
      const last = await follower.next()
      const { code, retryAfterSeconds, cursor } = last?.data.errors[0].extensions ?? {}
      expect([code, event.retry, cursor]).toEqual([
        'SERVICE_UNAVAILABLE',
        String(retryAfterSeconds * 1_000),
        follower.lastId(),
      ])
      seconds.push(retryAfterSeconds)
      expect((await follower.next())?.event).toBe('complete')
      expect(await follower.next()).toBeUndefined()
    }
    expect(seconds.every((one) => one >= 1 && one <= 5)).toBe(true)
    expect((await (await follow(own, key)).next())?.data.errors[0].extensions.code).toBe(
      'SERVICE_UNAVAILABLE',
    )
  })

  it('takes so many of a key, and so many in all', async () => {
    const own = await startTestApp(provider, {
      env: { STREAMS: '3', STREAMS_PER_KEY: '2', USER_SHARE_PERCENT: '100' },
    })
    const [key, second] = [await own.key('u1'), await own.key('u2')]
    const codeOf = async ({ next }: Follower) => (await next())?.data.errors[0].extensions.code
    const followers = [await follow(own, key), await follow(own, key)]
    expect(await codeOf(await follow(own, key))).toBe('RATE_LIMITED')
    followers.push(await follow(own, second))
    expect(await codeOf(await follow(own, second))).toBe('SERVICE_UNAVAILABLE')
    await followers[0]?.close()
    followers.push(await follow(own, key))
    await record(own, 'a')
    expect(await followers.at(-1)?.nextLog()).toBe('a')
    await Promise.all(followers.map(({ close }) => close()))
  })

  it('takes a quarter of all from one user, with however many keys, and then still those of others', async () => {
    const own = await startTestApp(provider, { env: { STREAMS: '8' } })
    const followers = [await follow(own, await own.key('u1')), await follow(own, await own.key('u1'))]
    const refused = await (await follow(own, await own.key('u1'))).next()
    expect(refused?.data.errors[0]).toMatchObject({
      message: 'Expected at most 2 subscriptions of this user at a time, got 3. End one first.',
      extensions: { code: 'RATE_LIMITED' },
    })
    const other = await follow(own, await own.key('u2'))
    followers.push(other)
    // It begins with its cursor and no error.
    expect(await other.nextBlock()).toMatchObject({ id: expect.any(String) })
    await record(own, 'a')
    expect(await followers[0]?.nextLog()).toBe('a')
    await Promise.all(followers.map(({ close }) => close()))
  })

  it('serves nothing that has expired meanwhile, and says when logs may have', async () => {
    const clock = createTestClock(NOW)
    const own = await startTestApp(provider, { clock })
    const key = await own.key('u1')
    const { data } = await own.gql(key, '{ connectionLogFeedCursor }')
    const start: string = data.connectionLogFeedCursor
    const at = (ms: number) => ({ createdAt: new Date(ms).toISOString() })
    await record(own, 'old', at(NOW - 6 * DAY_MS))
    await record(own, 'new', at(NOW))
    clock.advance(DAY_MS - 1)
    const before = await follow(own, key, { lastEventId: start })
    expect([await before.nextLog(), await before.nextLog()]).toEqual(['old', 'new'])
    clock.advance(1)
    const after = await follow(own, key, { lastEventId: start })
    expect(await after.nextLog()).toBe('new')
    const late = after.lastId()
    await Promise.all([before.close(), after.close()])

    clock.set(NOW + 7 * DAY_MS)
    const expired = await follow(own, key, { lastEventId: start })
    expect((await expired.next())?.data.errors).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }])
    expect((await follow(own, key, { lastEventId: start, method: 'GET' })).response.status).toBe(410)
    // Of a mark that is younger it is not known that logs behind it have expired.
    const idle = await follow(own, key)
    await record(own, 'next', at(clock.now()))
    expect(await idle.nextLog()).toBe('next')
    const resumed = await follow(own, key, { lastEventId: idle.lastId() })
    await record(own, 'last', at(clock.now()))
    expect(await resumed.nextLog()).toBe('last')
    expect(late).not.toBe(idle.lastId())
    await Promise.all([idle.close(), resumed.close()])
  })
})
