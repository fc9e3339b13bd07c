import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const PAGE = '{ connectionLogs(limit: 1) { pagination { total } } }'
const GREEDY_REQUESTS = 40

/** One place for all reads of requests. */
const ONE_PLACE = { sqlite: { SQLITE_READERS: '1' }, postgres: { POOL_SIZE: '2' } }

describe.each(PROVIDERS)('reads of several users on %s', (provider) => {
  it.each([
    ['another user, who does not wait for all of that', 'other', true],
    ['the same user with another key, who does', 'greedy', false],
  ])('one user asks for much, and then comes %s', async (_, user, comesSoon) => {
    const app = await startTestApp(provider, { env: ONE_PLACE[provider] })
    const [greedy, late] = [await app.key('greedy'), await app.key(user)]
    // Keys are looked up at their first use.
    for (const key of [greedy, late]) await app.gql(key, PAGE)
    const answered: string[] = []
    const ask = async (key: string, name: string) => {
      expect((await app.gql(key, PAGE)).errors).toBeUndefined()
      answered.push(name)
    }
    const first = Array.from({ length: GREEDY_REQUESTS }, () => ask(greedy, 'greedy'))
    await Promise.all([...first, ask(late, 'late')])
    const place = answered.indexOf('late')
    if (comesSoon) expect(place).toBeLessThan(GREEDY_REQUESTS / 2)
    else expect(place).toBeGreaterThan(GREEDY_REQUESTS / 2)
  })
})
