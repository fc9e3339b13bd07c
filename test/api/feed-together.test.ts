import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { readEvents } from '../support/follower.ts'
import { sentOf } from '../support/sent.ts'

const LOGS = 60
const USERS = ['u1', 'u2']

interface Asked {
  readonly key: string
  readonly filter?: string
  readonly fields?: string
}

describe.each(PROVIDERS)('many who follow together, on %s', (provider) => {
  let app: TestApp
  beforeAll(async () => {
    app = keep(await startTestApp(provider))
  })
  afterAll(() => app.stop())

  /** Subscribes and takes so many logs. Events are kept with the number of the piece in which they came. */
  async function subscribe({ key, filter = '', fields = 'accountId' }: Asked, count: number, after?: string) {
    const args = [filter && `filter: ${filter}`, after && `after: "${after}"`].filter(Boolean).join(', ')
    const query = `subscription { connectionLogRecorded${args && `(${args})`} { cursor log { ${fields} } } }`
    const response = await app.send(key, '/graphql', {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let pieces = 0
    async function* chunks() {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        pieces += 1
        yield value
      }
    }
    const events = readEvents(chunks())
    const taken = (async () => {
      const logs: Record<string, string>[] = []
      const cursors: string[] = []
      while (logs.length < count) {
        const { value } = await events.next()
        const event = value?.data?.data?.connectionLogRecorded
        if (!event) continue
        logs.push(event.log)
        cursors.push(event.cursor)
        expect(value?.id).toBe(event.cursor)
      }
      await reader.cancel()
      return { logs, cursors, pieces }
    })()
    return { taken }
  }

  it('get what each asked for and may see, in order, and cursors of their own to go on from', async () => {
    const [one, two, all] = [await app.key('u1'), await app.key('u2'), await app.key(null)]
    const asked: [Asked, (account: string) => boolean][] = [
      [{ key: one }, (account) => account.startsWith('u1')],
      [{ key: one }, (account) => account.startsWith('u1')],
      [{ key: one, fields: 'accountId platform' }, (account) => account.startsWith('u1')],
      [{ key: two }, (account) => account.startsWith('u2')],
      [{ key: all }, () => true],
      [{ key: all }, () => true],
      [{ key: all, filter: '{ platform: TIKTOK }' }, (account) => Number(account.slice(3)) % 3 === 0],
      [{ key: all, filter: '{ userId: "u2" }' }, (account) => account.startsWith('u2')],
    ]
    const accounts = Array.from({ length: LOGS }, (_, n) => `${USERS[n % 2]}.${n}`)
    const expected = asked.map(([, isMine]) => accounts.filter(isMine))
    const streams = await Promise.all(
      asked.map(([what], index) => subscribe(what, expected[index]?.length ?? 0)),
    )
    for (const [n, account] of accounts.entries()) {
      const platform = n % 3 === 0 ? 'tiktok' : 'reddit'
      await app.connectionLogs.record([sentOf(account, { userId: account.slice(0, 2), platform })])
    }
    const taken = await Promise.all(streams.map((stream) => stream.taken))
    expect(taken.map(({ logs }) => logs.map(({ accountId }) => accountId))).toEqual(expected)
    expect(taken[2]?.logs[1]).toEqual({ accountId: 'u1.2', platform: 'REDDIT' })
    expect(taken[0]?.logs[1]).toEqual({ accountId: 'u1.2' })
    // Two subscriptions of one user may get different cursors for an event: each encryption has its own nonce. Both work, as
    // the loop below shows.
    expect(taken[0]?.cursors.filter((cursor) => taken[4]?.cursors.includes(cursor))).toEqual([])
    for (const [index, { cursors }] of taken.entries()) {
      const what = asked[index]?.[0]
      const rest = expected[index]?.slice(5) ?? []
      if (!what) throw new TypeError('nothing was asked')
      const again = await (await subscribe(what, rest.length, cursors[4])).taken
      expect(again.logs.map(({ accountId }) => accountId)).toEqual(rest)
    }
  })

  it('get in few pieces what is there already, each event with its own cursor', async () => {
    const key = await app.key('u3')
    const { data } = await app.gql(key, '{ connectionLogFeedCursor }')
    const accounts = Array.from({ length: LOGS }, (_, n) => `a${n}`)
    for (const account of accounts) await app.connectionLogs.record([sentOf(account, { userId: 'u3' })])
    const { logs, cursors, pieces } = await (
      await subscribe({ key }, LOGS, data.connectionLogFeedCursor)
    ).taken
    expect(logs.map(({ accountId }) => accountId)).toEqual(accounts)
    expect(new Set(cursors).size).toBe(LOGS)
    expect(pieces).toBeLessThan(LOGS / 4)
  })
})
