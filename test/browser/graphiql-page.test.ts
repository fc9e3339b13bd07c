import { createServer, type Server } from 'node:http'
import { createServerAdapter } from '@whatwg-node/server'
import { createGraphQLError, createSchema, createYoga, type Plugin } from 'graphql-yoga'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createGraphiql } from '../../src/http/graphiql.ts'
import { describeWithChromium } from '../support/chromium.ts'
import { HEADERS, QUERY, RESPONSE, eventually, isForeign, textOf } from '../support/graphiql-page.ts'

const DEFAULT_QUERY = `query Latest {
  connectionLogs {
    logs { id }
    pagination { total }
  }
}
`

function createToyServer(): Server {
  const yoga = createYoga({
    graphiql: false,
    logging: false,
    schema: createSchema({
      typeDefs: /* GraphQL */ `
        type Query {
          connectionLogs: ConnectionLogPage!
        }
        type ConnectionLogPage {
          logs: [ConnectionLog!]!
          pagination: OffsetPagination!
        }
        type ConnectionLog {
          id: ID!
        }
        type OffsetPagination {
          total: Int!
        }
        type Subscription {
          connectionLogRecorded: ConnectionLog!
        }
      `,
      resolvers: {
        Query: {
          connectionLogs: (_root, _args, { request }: { request: Request }) => ({
            logs: [{ id: `seen-by-${request.headers.get('authorization')?.slice('Bearer '.length)}` }],
            pagination: { total: 7 },
          }),
        },
        Subscription: {
          connectionLogRecorded: {
            async *subscribe() {
              yield { connectionLogRecorded: { id: 'live' } }
            },
          },
        },
      },
    }),
    plugins: [demandKey],
  })
  const graphiql = createGraphiql({
    endpoint: '/graphql',
    keyPath: '/graphiql/key',
    assetsPath: '/graphiql',
    title: 'Toy',
    defaultQuery: DEFAULT_QUERY,
  })
  const adapter = createServerAdapter((request: Request) => {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/graphiql/')) return graphiql.asset(request, pathname)
    const wantsPage = request.method === 'GET' && request.headers.get('accept')?.includes('text/html')
    return wantsPage ? graphiql.page(request) : yoga.fetch(request)
  })
  return createServer((request, response) => void adapter(request, response))
}

const demandKey: Plugin = {
  onContextBuilding({ context }) {
    if (context.request.headers.get('authorization')?.startsWith('Bearer clk_')) return
    throw createGraphQLError('Unauthorized', { extensions: { http: { status: 401 } } })
  },
}

const headersFor = (key: string) => `{\n  "Authorization": "Bearer ${key}"\n}`

/** Does not begin with a bracket, which Monaco would close a second time. */
const MINE = 'query Mine { connectionLogs { logs { mine: id } } }'

/** Everything that the page has left in the browser beyond this tab. */
const stored = (page: Page): Promise<string> =>
  page.evaluate('JSON.stringify([localStorage, document.cookie])')

const storedTabs = (page: Page): Promise<string> =>
  page.evaluate("localStorage.getItem('connlog/graphiql:tabState')")

async function replaceQuery(page: Page, query: string): Promise<void> {
  await page.locator(`${QUERY} .view-lines`).click()
  await page.keyboard.press('ControlOrMeta+A')
  await (query === '' ? page.keyboard.press('Delete') : page.keyboard.insertText(query))
}

describeWithChromium('GraphiQL in a browser', (openPage) => {
  let server: Server
  let origin: string

  beforeAll(async () => {
    server = createToyServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('The server has no port.')
    origin = `http://127.0.0.1:${address.port}`
  })
  afterAll(async () => {
    await new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  })

  it('opens on the key of its address, runs the default query and reaches no other host', async () => {
    const { page, requests, errors } = await openPage()
    await page.goto(`${origin}/graphql#key=clk_demo`)

    await eventually(() => textOf(page, QUERY)).toBe(DEFAULT_QUERY)
    await eventually(() => textOf(page, HEADERS)).toBe(headersFor('clk_demo'))
    expect(page.url()).toBe(`${origin}/graphql`)

    await page.getByLabel('Execute query').click()
    await eventually(() => textOf(page, RESPONSE)).toContain('"id": "seen-by-clk_demo"')

    await page.getByLabel('Show Documentation Explorer').click()
    const docs = page.locator('.graphiql-doc-explorer')
    await docs.getByText('Query', { exact: true }).click()
    await docs.getByText('connectionLogs').waitFor()

    expect(requests.filter((url) => isForeign(url, origin))).toEqual([])
    expect(errors).toEqual([])
  })

  it('marks what the schema does not know: the workers run', async () => {
    const { page, requests, errors } = await openPage()
    await page.goto(`${origin}/graphql?query=${encodeURIComponent('{ nobody }')}#key=clk_demo`)

    await eventually(() => textOf(page, QUERY)).toBe('{ nobody }')
    await page.locator(`${QUERY} .squiggly-error`).waitFor()

    const loaded = requests.map((url) => new URL(url).pathname.replace(/\.[0-9a-f]{16}\./, '.'))
    expect(loaded).toEqual(
      expect.arrayContaining([
        '/graphiql/editor-worker.js',
        '/graphiql/graphql-worker.js',
        '/graphiql/json-worker.js',
      ]),
    )
    expect(errors).toEqual([])
  })

  it('shows the events of a subscription', async () => {
    const { page, errors } = await openPage()
    await page.goto(
      `${origin}/graphql?query=${encodeURIComponent('subscription { connectionLogRecorded { id } }')}#key=clk_demo`,
    )
    await eventually(() => textOf(page, HEADERS)).toBe(headersFor('clk_demo'))
    await page.locator(`${QUERY} .view-lines`).click()
    await page.keyboard.press('ControlOrMeta+Enter')
    await eventually(() => textOf(page, RESPONSE)).toContain('"id": "live"')
    expect(errors).toEqual([])
  })

  it('keeps the last query but no key, and the next key holds at once', async () => {
    const { page, errors } = await openPage()
    await page.goto(`${origin}/graphql#key=clk_first`)
    await eventually(() => textOf(page, QUERY)).toBe(DEFAULT_QUERY)
    await replaceQuery(page, MINE)
    await page.getByRole('tab', { name: 'Mine' }).waitFor()
    await page.getByLabel('Execute query').click()
    await eventually(() => textOf(page, RESPONSE)).toContain('"mine": "seen-by-clk_first"')
    expect(page.url()).toBe(`${origin}/graphql`)
    await eventually(() => storedTabs(page)).toContain(MINE)
    expect(await stored(page)).not.toContain('clk_')

    // As if typed over the address of the open page, which loads nothing by itself.
    await page.evaluate("location.hash = '#key=clk_second'")
    await eventually(() => textOf(page, HEADERS)).toBe(headersFor('clk_second'))
    expect(await textOf(page, QUERY)).toBe(MINE)
    expect(await page.getByRole('tab').allTextContents()).toEqual(['Mine'])
    expect(page.url()).toBe(`${origin}/graphql`)
    await page.getByLabel('Execute query').click()
    await eventually(() => textOf(page, RESPONSE)).toContain('"mine": "seen-by-clk_second"')

    // In a new tab, and back in the restored one.
    await page.getByLabel('New tab').click()
    await eventually(() => textOf(page, QUERY)).toBe('')
    await eventually(() => textOf(page, HEADERS)).toBe(headersFor('clk_second'))
    await page.getByRole('tab').first().click()
    await eventually(() => textOf(page, QUERY)).toBe(MINE)
    await eventually(() => textOf(page, HEADERS)).toBe(headersFor('clk_second'))

    expect(await stored(page)).not.toContain('clk_')
    expect(errors).toEqual([])
  })

  it('comes back with the default query when the editor was left empty', async () => {
    const { page } = await openPage()
    await page.goto(`${origin}/graphql#key=clk_demo`)
    await eventually(() => textOf(page, QUERY)).toBe(DEFAULT_QUERY)
    await replaceQuery(page, 'x')
    await eventually(() => stored(page)).toContain('"connlog/graphiql:query":"x"')
    await replaceQuery(page, '')
    await eventually(() => stored(page)).not.toContain('"connlog/graphiql:query"')

    await page.reload()
    await eventually(() => textOf(page, QUERY)).toBe(DEFAULT_QUERY)
  })

  it('does not take up what another GraphiQL left on this host and port', async () => {
    const { page } = await openPage()
    await page.addInitScript("localStorage.setItem('graphiql:query', '{ theirs }')")
    await page.addInitScript("localStorage.setItem('graphiql:headers', '{}')")
    await page.goto(`${origin}/graphql#key=clk_demo`)
    await eventually(() => textOf(page, QUERY)).toBe(DEFAULT_QUERY)
    await eventually(() => textOf(page, HEADERS)).toBe(headersFor('clk_demo'))
  })

  it('without a key shows where to write one', async () => {
    const { page, requests } = await openPage()
    await page.goto(`${origin}/graphql`)
    await eventually(() => textOf(page, HEADERS)).toBe(headersFor('<your key>'))
    await eventually(() => textOf(page, QUERY)).toBe(DEFAULT_QUERY)
    await page.getByLabel('Execute query').click()
    await eventually(() => textOf(page, RESPONSE)).toContain('Unauthorized')
    expect(requests.filter((url) => isForeign(url, origin))).toEqual([])
  })
})
