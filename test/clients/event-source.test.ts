import { expect, it, onTestFinished } from 'vitest'
import { open } from './src/event-source.ts'
import { Live } from './strings/src/operations.ts'
import type { LiveSubscription } from './strings/generated/graphql.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { describeFollower } from './support/follows.ts'
import { createUser } from './support/user.ts'

interface Answer {
  readonly data: LiveSubscription
}

describeFollower(
  'EventSource',
  (url, key) => ({
    follow: (after, next, failed) => {
      const source = open(url, key, Live.toString(), { after })
      source.addEventListener('next', ({ data }) =>
        next((JSON.parse(String(data)) as Answer).data.connectionLogRecorded),
      )
      source.addEventListener('error', failed)
      return () => source.close()
    },
    codeOf: (error) => (error as { code?: number }).code,
  }),
  // It sees no more of an answer than its status.
  { badCursor: 400, badKey: 401 },
)

it('comes back by itself after a break, to where it was', async () => {
  const user = await createUser('sqlite')
  const proxy = await startTcpProxy(Number(new URL(user.url).port))
  onTestFinished(() => proxy.stop())
  const url = user.url.replace(/:\d+\//, `:${proxy.port}/`)
  const source = open(url, user.key, Live.toString(), { after: await user.feedCursor() })
  onTestFinished(() => source.close())
  const accounts: unknown[] = []
  const seen = (count: number) =>
    new Promise<void>((resolve) => {
      source.addEventListener('next', () => {
        if (accounts.length === count) resolve()
      })
    })
  source.addEventListener('next', ({ data }) =>
    accounts.push((JSON.parse(String(data)) as Answer).data.connectionLogRecorded.log.accountId),
  )
  const one = seen(1)
  await user.record([{ accountId: 'a' }])
  await one
  const three = seen(3)
  proxy.resetAll()
  await user.record([{ accountId: 'b' }, { accountId: 'c' }])
  await three
  expect(accounts).toEqual(['a', 'b', 'c'])
})
