import { expect, it } from 'vitest'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { sentOf } from '../support/sent.ts'

it.each(PROVIDERS)('who goes away over a socket is served no more, on %s', async (provider) => {
  const app = await startTestApp(provider)
  const server = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
  const authorization = `Bearer ${await app.key('u1')}`
  const query = 'subscription { connectionLogRecorded { log { accountId } } }'
  for (const accept of ['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0']) {
    const leaving = new AbortController()
    const response = await fetch(`${server.address}/graphql?${new URLSearchParams({ query })}`, {
      headers: { authorization, accept },
      signal: leaving.signal,
    })
    expect(response.headers.get('content-type')).toContain(accept.split(';')[0])
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = (await reader.read()).value ?? ''
    expect(app.feed.figures().readers).toBe(1)
    await app.connectionLogs.record([sentOf('a')])
    while (!text.includes('"accountId":"a"')) text += (await reader.read()).value
    leaving.abort()
    while (app.feed.figures().readers > 0) await systemClock.sleep(5)
  }
  await server.stop()
})
