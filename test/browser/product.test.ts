import { afterAll, beforeAll, expect, it } from 'vitest'
import { STARTING_QUERY } from '../../src/connections/starting-query.ts'
import { describeWithChromium } from '../support/chromium.ts'
import { type Command, startCommand } from '../support/command.ts'
import { type TestDatabase, createTestDatabase } from '../support/databases.ts'
import { HEADERS, QUERY, RESPONSE, eventually, isForeign, textOf } from '../support/graphiql-page.ts'

describeWithChromium('connlog, as it is first started', (openPage) => {
  let database: TestDatabase
  let service: Command
  let address: string

  beforeAll(async () => {
    database = await createTestDatabase('sqlite')
    service = startCommand(['serve'], { DATABASE_URL: database.url, PORT: '0', LOG_LEVEL: 'error' })
    const printed = await service.printed(/GraphiQL: .*\n/)
    address = /GraphiQL: (\S+)/.exec(printed)?.[1] ?? ''
  })
  afterAll(async () => {
    service.kill('SIGTERM')
    await service.finished
    await database.drop()
  })

  it('prints an address that opens GraphiQL with the key and a query which shows logs, and reaches no other host', async () => {
    const { page, requests, errors } = await openPage()
    const { origin, hash } = new URL(address)
    expect(hash).toMatch(/^#code=[\w-]{32}$/)
    await page.goto(address)
    await eventually(() => textOf(page, QUERY)).toBe(STARTING_QUERY)
    await eventually(() => textOf(page, HEADERS)).toMatch(/Bearer clk_\w+"/)
    await eventually(
      async () => (await page.title()) && (await page.locator('.graphiql-tab').innerText()),
    ).toContain('RecentFailures')
    await page.locator('.graphiql-execute-button').click()
    await eventually(() => textOf(page, RESPONSE)).toContain('"createdAt": "20')
    await eventually(() => textOf(page, RESPONSE)).toMatch(
      /"platform": "[A-Z]+",\n\s+"eventType": "(RE)?CONNECT_FAILED"/,
    )
    expect(page.url()).toBe(`${origin}/graphql`)
    const headers = await textOf(page, HEADERS)
    await page.reload()
    await eventually(() => textOf(page, HEADERS)).toBe(headers)
    expect(await page.evaluate('JSON.stringify([localStorage, document.cookie])')).not.toContain('clk_')
    expect(requests.filter((url) => isForeign(url, origin))).toEqual([])
    expect(errors).toEqual([])
  })
})
