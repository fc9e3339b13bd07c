import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import * as parts from '@graphql-yoga/render-graphiql/graphiql'
import { describe, expect, it } from 'vitest'
import { createGraphiql } from '../../src/http/graphiql.ts'

const ORIGIN = 'http://127.0.0.1:4000'

const graphiql = createGraphiql({
  endpoint: '/graphql',
  keyPath: '/exchange',
  assetsPath: '/graphiql',
  title: 'Logs & <b>more</b>',
  defaultQuery: '{ viewer { key } } # "quoted" & <script>',
})

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  graphiql.asset(new Request(`${ORIGIN}${path}`, { method, headers }), path)

const readPage = async () => (await graphiql.page(new Request(`${ORIGIN}/graphql`))).text()

const htmlOf = (text: string) =>
  text.replace(/&#(\d+);/g, (_entity, code: string) => String.fromCharCode(Number(code)))

/** Every path that the page names: its own links and scripts, and the workers handed to the boot script. */
async function assetPaths(): Promise<string[]> {
  return [...htmlOf(await readPage()).matchAll(/"(graphiql\/[^"]+)"/g)].map((match) => `/${match[1]!}`)
}

async function pathOf(stem: string): Promise<string> {
  return (await assetPaths()).find((path) => path.startsWith(`/graphiql/${stem}.`) && !path.endsWith('.css'))!
}

describe('the GraphiQL page', () => {
  it('names no other host, and every asset it names is there', async () => {
    const page = await readPage()
    expect(page).not.toMatch(/https?:|\/\/[a-z0-9]/i)

    const paths = await assetPaths()
    expect(paths.map((path) => path.replace(/\.[0-9a-f]{16}\./, '.'))).toEqual([
      '/graphiql/favicon.ico',
      '/graphiql/graphiql.css',
      '/graphiql/graphiql.js',
      '/graphiql/boot.js',
      '/graphiql/editor-worker.js',
      '/graphiql/json-worker.js',
      '/graphiql/graphql-worker.js',
    ])
    const answers = await Promise.all(paths.map((path) => get(path)))
    expect(answers.map((answer) => answer.status)).toEqual(paths.map(() => 200))
  })

  it('is sent with a policy that allows its own origin only, and is never stored', async () => {
    const { status, headers } = await graphiql.page(new Request(`${ORIGIN}/graphql`))
    expect(status).toBe(200)
    expect(Object.fromEntries(headers)).toEqual({
      'content-type': 'text/html; charset=utf-8',
      'content-length': String((await readPage()).length),
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; " +
        "style-src 'self' 'unsafe-inline'; font-src data:; img-src 'self' data:; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
  })

  it('has no inline script, and takes title and query for text', async () => {
    const page = await readPage()
    expect(page.match(/<script[^>]*>/g)).toEqual([
      expect.stringMatching(/^<script defer src="graphiql\/graphiql\.\w+\.js">$/),
      expect.stringMatching(/^<script defer src="graphiql\/boot\.\w+\.js">$/),
    ])
    expect(page).toContain('<title>Logs &#38; &#60;b&#62;more&#60;/b&#62;</title>')

    const options: unknown = JSON.parse(htmlOf(/data-options="([^"]*)"/.exec(page)![1]!))
    expect(options).toMatchObject({
      endpoint: 'graphql',
      keyPath: 'exchange',
      title: 'Logs &#38; &#60;b&#62;more&#60;/b&#62;',
      defaultQuery: '{ viewer { key } } # "quoted" & <script>',
    })
  })

  it('answers HEAD with the same headers and no body', async () => {
    const head = await graphiql.page(new Request(`${ORIGIN}/graphql`, { method: 'HEAD' }))
    expect(head.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await head.text()).toBe('')
  })
})

describe('the assets of GraphiQL', () => {
  const sources = [
    ['graphiql', parts.js, 'text/javascript; charset=utf-8'],
    ['editor-worker', parts.editorWorkerService, 'text/javascript; charset=utf-8'],
    ['json-worker', parts.jsonWorker, 'text/javascript; charset=utf-8'],
    ['graphql-worker', parts.graphqlWorker, 'text/javascript; charset=utf-8'],
  ] as const

  it.each(sources)('%s decompresses to the bytes of the package', async (stem, source, type) => {
    const path = await pathOf(stem)
    const original = Buffer.from(source)
    const decoders = { br: brotliDecompressSync, gzip: gunzipSync }

    for (const [encoding, decode] of Object.entries(decoders)) {
      const answer = await get(path, { 'accept-encoding': encoding })
      const body = Buffer.from(await answer.arrayBuffer())
      expect(answer.headers.get('content-encoding')).toBe(encoding)
      expect(answer.headers.get('content-length')).toBe(String(body.length))
      expect(answer.headers.get('content-type')).toBe(type)
      expect(answer.headers.get('vary')).toBe('Accept-Encoding')
      expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      expect(body.length).toBeLessThan(original.length / 3)
      expect(decode(body).equals(original)).toBe(true)
    }

    const plain = await get(path)
    expect(plain.headers.get('content-encoding')).toBe(null)
    expect(Buffer.from(await plain.arrayBuffer()).equals(original)).toBe(true)
  })

  it('sends the icon as an icon', async () => {
    const answer = await get(await pathOf('favicon'))
    expect(answer.headers.get('content-type')).toBe('image/x-icon')
    expect([...new Uint8Array(await answer.arrayBuffer()).subarray(0, 4)]).toEqual([0, 0, 1, 0])
  })

  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1.0, br;q=0', 'gzip'],
    ['GZIP', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *;q=0.5', 'gzip'],
    ['zstd', null],
    ['identity', null],
    ['', null],
  ])('Accept-Encoding "%s" gets %s', async (accept, encoding) => {
    const answer = await get(await pathOf('boot'), { 'accept-encoding': accept })
    expect(answer.headers.get('content-encoding')).toBe(encoding)
  })

  it('answers 304 to a client that has the same bytes in the same encoding', async () => {
    const path = await pathOf('boot')
    const etag = (await get(path, { 'accept-encoding': 'br' })).headers.get('etag')!

    for (const held of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await get(path, { 'accept-encoding': 'br', 'if-none-match': held })
      expect(answer.status).toBe(304)
      expect(answer.headers.get('etag')).toBe(etag)
      expect(await answer.text()).toBe('')
    }
    for (const held of ['"other"', '']) {
      expect((await get(path, { 'accept-encoding': 'br', 'if-none-match': held })).status).toBe(200)
    }
    expect((await get(path, { 'accept-encoding': 'gzip', 'if-none-match': etag })).status).toBe(200)
  })

  it('answers HEAD with the headers of GET and no body', async () => {
    const path = await pathOf('graphiql')
    const whole = await get(path, { 'accept-encoding': 'br' })
    const head = await get(path, { 'accept-encoding': 'br' }, 'HEAD')
    expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(whole.headers))
    expect(await head.text()).toBe('')
  })

  it.each([
    '/graphiql',
    '/graphiql/',
    '/graphiql/graphiql.js',
    '/graphiql/graphiql.0000000000000000.js',
    '/graphiql/../package.json',
    '/graphiql/%2e%2e/package.json',
    '/graphiql/..%2fpackage.json',
    '/graphiql/..%5c..%5cpackage.json',
    '/graphiql//etc/passwd',
    '/graphiql/boot.js%00',
    '/graphiql/__proto__',
  ])('%s is not there', async (path) => {
    const answer = await get(path)
    expect(answer.status).toBe(404)
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  it('keeps its names from one start to the next', async () => {
    const again = createGraphiql({
      endpoint: '/graphql',
      keyPath: '/exchange',
      assetsPath: '/graphiql',
      title: '',
      defaultQuery: '',
    })
    for (const path of await assetPaths()) {
      const request = new Request(`${ORIGIN}${path}`, { method: 'HEAD' })
      expect((await again.asset(request, path)).status).toBe(200)
    }
  })
})
