import { setMaxListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createAdmission } from '../../src/http/admission.ts'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const LOGS = '/api/v1/connections/logs'
const NDJSON = 'application/x-ndjson'
const LOG = '{"platform":"reddit","eventType":"disconnect","connectionMethod":"oauth"}'

type Fetch = TestApp['fetch']

/** Begins requests whose bodies never end. Resolves once the service waits for each of them. */
async function beSilent(
  fetch: Fetch,
  key: string,
  count: number,
  path = '/graphql',
  type = 'application/json',
) {
  const gone = new AbortController()
  setMaxListeners(0, gone.signal)
  const answers: Promise<Response>[] = []
  for (let n = 0; n < count; n += 1) {
    await new Promise<void>((resolve) => {
      const body = new ReadableStream(
        {
          start: (controller) =>
            gone.signal.addEventListener('abort', () => controller.error(gone.signal.reason)),
          pull: () => resolve(),
        },
        { highWaterMark: 0 },
      )
      const request = new Request(`http://connlog.test${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': type },
        body,
        duplex: 'half',
        signal: gone.signal,
      } as RequestInit)
      const answer = fetch(request)
      answers.push(answer)
      void answer.then(() => resolve())
    })
  }
  return {
    answers,
    leave: async () => {
      gone.abort()
      await Promise.all(answers)
    },
  }
}

const page = (fetch: Fetch, key: string) =>
  fetch(new Request(`http://connlog.test${LOGS}`, { headers: { authorization: `Bearer ${key}` } }))

describe.each(PROVIDERS)('clients that are silent amid their bodies, on %s', (provider) => {
  it.each([17, 300])('%i of one user leave the requests of another user answered', async (count) => {
    const clock = createTestClock(Date.now())
    const app = await startTestApp(provider, { clock })
    const [silent, other] = [await app.key('silent'), await app.key('other')]
    const clients = await beSilent(app.fetch, silent, count)
    for (let second = 0; second < 5; second += 1) {
      clock.advance(1_500)
      expect((await page(app.fetch, other)).status).toBe(200)
    }
    expect((await page(app.fetch, silent)).status).toBe(200)
    await clients.leave()
  })

  it('are bounded: the oldest of the user is given up, with the bound, its value and what came', async () => {
    const app = await startTestApp(provider, { env: { MAX_CONCURRENT_REQUESTS: '4' } })
    const key = await app.key('silent')
    const clients = await beSilent(app.fetch, key, 5)
    const first = (await clients.answers[0]) as Response
    expect([first.status, first.headers.get('connection'), await first.json()]).toEqual([
      429,
      'close',
      {
        errors: [
          {
            message:
              'Expected at most 4 request bodies that are still arriving of this user at a time, got 5. The oldest was given up. Send fewer at a time.',
            extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 },
          },
        ],
      },
    ])
    await clients.leave()
  })

  it('control: counted before their bodies have come, 17 of one user have all others refused', async () => {
    const clock = createTestClock(Date.now())
    const app = await startTestApp(provider, { clock })
    const admission = createAdmission({ most: 256, userPercent: 100, maxQueueMs: 1_000, clock })
    const naive: Fetch = async (request) => {
      const leave = admission.enter(null)
      try {
        return await app.fetch(request)
      } finally {
        leave()
      }
    }
    const clients = await beSilent(naive, await app.key('silent'), 17)
    clock.advance(1_500)
    await expect(page(naive, await app.key('other'))).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    await clients.leave()
  })
})

describe.each(PROVIDERS)('streams of lines that say nothing, on %s', (provider) => {
  const store = (app: TestApp, key: string) =>
    app.send(key, LOGS, { method: 'POST', headers: { 'content-type': NDJSON }, body: `${LOG}\n` })

  it('256 of one user leave those of another user accepted', async () => {
    const app = await startTestApp(provider)
    const [silent, other] = [await app.key('silent'), await app.key('other')]
    const clients = await beSilent(app.fetch, silent, 256, LOGS, NDJSON)
    expect(await (await store(app, other)).json()).toMatchObject({ accepted: 1 })
    const refused = await store(app, silent)
    expect([refused.status, await refused.json()]).toEqual([
      429,
      {
        error: 'Expected at most 64 requests of this user at a time, got 65. Wait for some of them to end.',
      },
    ])
    await clients.leave()
  })

  it('control: without shares they leave no place for others', async () => {
    const app = await startTestApp(provider, { env: { USER_SHARE_PERCENT: '100' } })
    const [silent, other] = [await app.key('silent'), await app.key('other')]
    const clients = await beSilent(app.fetch, silent, 256, LOGS, NDJSON)
    expect((await store(app, other)).status).toBe(503)
    await clients.leave()
  })
})
