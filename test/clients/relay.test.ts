import { expect, it } from 'vitest'
import { codeOf, createEnvironment } from './src/relay/environment.ts'
import { follow, loadAll, readConnection, readFailures, readLog, record } from './src/relay/Logs.ts'
import { describeClient } from './support/behaves.ts'
import { describeFollower } from './support/follows.ts'
import { createUser } from './support/user.ts'

describeClient('Relay', (url, key) => {
  const environment = createEnvironment(url, key)
  return {
    failures: async (platform, limit, skip) =>
      (await readFailures(environment, { platform: [platform], limit, skip }))!.connectionLogs,
    all: (first) => loadAll(environment, first),
    record: async (input) => (await record(environment, input)).recordConnectionLog.created,
    codeOf,
  }
})

describeFollower('Relay', (url, key) => {
  const environment = createEnvironment(url, key)
  return {
    follow: (after, next, failed) => {
      let end = (): void => undefined
      const begin = async () => {
        // What is recorded goes into a connection that is there already.
        await loadAll(environment, 10)
        end = follow(environment, after, (response) => next(response.connectionLogRecorded), failed).dispose
      }
      begin().catch(failed)
      return () => end()
    },
    codeOf,
  }
})

it('fetches a log again by its id, and nothing by the id of another user', async () => {
  const [user, other] = [await createUser('sqlite'), await createUser('sqlite')]
  await user.record([{ accountId: 'a' }])
  const environment = createEnvironment(user.url, user.key)
  const [log] = await loadAll(environment, 1)
  expect(await readLog(environment, log!.id)).toEqual({
    node: { __typename: 'ConnectionLog', id: log!.id, accountId: 'a', metadata: null },
  })
  expect(await readLog(createEnvironment(other.url, other.key), log!.id)).toEqual({ node: null })
})

it("puts what is recorded on top of the store's connection, each log once", async () => {
  const user = await createUser('sqlite')
  await user.record([{ accountId: 'a' }, { accountId: 'b' }, { accountId: 'c' }])
  const environment = createEnvironment(user.url, user.key)
  const start = await user.feedCursor()
  await loadAll(environment, 2)
  await new Promise<void>((resolve, reject) => {
    let seen = 0
    const { dispose } = follow(
      environment,
      start,
      () => {
        seen += 1
        if (seen === 2) queueMicrotask(() => (dispose(), resolve()))
      },
      reject,
    )
    void user.record([{ accountId: 'd' }, { accountId: 'e' }])
  })
  expect(readConnection(environment, 2).edges.map(({ node }) => node.accountId)).toEqual([
    'e',
    'd',
    'c',
    'b',
    'a',
  ])
})
