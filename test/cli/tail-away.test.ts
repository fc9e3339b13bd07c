import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Listening, listen } from '../../src/http/listen.ts'
import { DAY_MS, systemClock } from '../../src/kernel/clock.ts'
import { graphqlAddress } from '../../src/remote/address.ts'
import { SILENCE_MS, createRemote } from '../../src/remote/client.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { record, startTail, startTailedService } from '../support/tailing.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { undoneAfterEach } from '../support/undo.ts'

const HOST = '127.0.0.1'
const undo = undoneAfterEach()

describe.each(PROVIDERS)('connlog tail of a service on %s that goes away', (provider) => {
  let app: TestApp
  let server: Listening
  let key: string
  let stop: () => Promise<void>
  beforeAll(async () => {
    ;({ app, server, key, stop } = await startTailedService(provider))
  })
  afterAll(() => stop())

  const cursor = () => app.connectionLogs.feedCursor()

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
})
