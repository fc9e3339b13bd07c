import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { describeWithChromium } from '../support/chromium.ts'
import { RESPONSE, eventually, textOf } from '../support/graphiql-page.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { ROOT, type Running, install, output, run, serveIn } from './installed.ts'

const PAGE = 'docs/getting-started.md'

/** The handler that the page tells to save, listening on a free port. */
function handlerOfPage(): string {
  const code = /^```js\n([\s\S]*?)^```$/m.exec(readFileSync(join(ROOT, PAGE), 'utf8'))?.[1] ?? ''
  expect(code.split('\n').length).toBeLessThan(30)
  expect(code).toContain('.listen(3000)')
  return code.replace(
    '.listen(3000)',
    ".listen(0, '127.0.0.1', function () { console.log(`http://127.0.0.1:${this.address().port}`) })",
  )
}

describe(`the way of ${PAGE}, from an empty folder, on Postgres`, () => {
  let folder: string
  let postgres: PostgresServer
  let service: Running
  let callback: Running
  let key: string
  beforeAll(async () => {
    folder = install(inject('tarball'))
    postgres = await startPostgres()
    const env = { DATABASE_URL: postgres.url, PORT: '0' }
    service = await serveIn(folder, env)
    key = output(folder, env, 'npx', 'connlog', 'keys', 'create', '--user', 'user-1').trim()
    const handler = handlerOfPage().replace('http://127.0.0.1:4000', service.url)
    writeFileSync(join(folder, 'callback.mjs'), handler)
    callback = await run(folder, { CONNLOG_KEY: key }, 'node', 'callback.mjs')
  })
  afterAll(async () => {
    await callback?.stop()
    await service?.stop()
    await postgres?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const comeBack = async (parameters: string) =>
    (await fetch(`${callback.url}/callback?${parameters}`)).text()

  it('makes a demo, and records what the callback has met, each attempt once', async () => {
    expect(service.printed()).toMatch(/^Demo: [\d,]+ logs/m)
    expect([
      await comeBack('state=attempt-1&error=access_denied'),
      await comeBack('state=attempt-2&code=4/P7q7W91'),
      await comeBack('state=attempt-2&code=4/P7q7W91'),
    ]).toEqual(['Not connected\n', 'Connected\n', 'Connected\n'])
    const headers = { authorization: `Bearer ${key}` }
    const answer = await fetch(`${service.url}/api/v1/connections/logs`, { headers })
    const { logs, pagination } = (await answer.json()) as {
      logs: { eventType: string; userId: string }[]
      pagination: { total: number }
    }
    expect(logs.map(({ eventType, userId }) => [eventType, userId])).toEqual([
      ['connect_success', 'user-1'],
      ['connect_failed', 'user-1'],
    ])
    expect(pagination.total).toBe(2)
  })

  describeWithChromium('in a browser', (openPage) => {
    it('shows in GraphiQL what was recorded', async () => {
      const { page } = await openPage()
      const query = '{ connectionLogs { pagination { total } logs { eventType accountId } } }'
      await page.goto(`${service.url}/graphql?query=${encodeURIComponent(query)}#key=${key}`)
      await page.getByRole('button', { name: /execute query/i }).click()
      await eventually(() => textOf(page, RESPONSE)).toContain('CONNECT_SUCCESS')
      expect(await textOf(page, RESPONSE)).toContain('"total": 2')
    })
  })
})
