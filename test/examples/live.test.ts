import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startNode } from '../support/command.ts'
import { type LiveExample, startLiveExample } from '../support/live-example.ts'

const ROOT = new URL('../../', import.meta.url).pathname
const FOLDER = join(ROOT, 'examples/live')
const SUBSCRIPTION = 'subscription { connectionLogRecorded { cursor } }'

describe('the server of examples/live', () => {
  let live: LiveExample
  beforeAll(async () => {
    live = await startLiveExample('sqlite', { STREAMS_PER_KEY: '1' })
  })
  afterAll(() => live.stop())

  const post = (query: string, init: RequestInit = {}) =>
    fetch(`${live.origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
      ...init,
    })

  /** Status and body of a request under another name of this host. */
  const askAs = (host: string): Promise<[status: number | undefined, body: string]> =>
    new Promise((resolve, reject) => {
      request(live.origin, { headers: { host } }, (response) => {
        let body = ''
        response.on('data', (chunk: Buffer) => void (body += chunk.toString()))
        response.on('end', () => resolve([response.statusCode, body]))
      })
        .on('error', reject)
        .end()
    })

  it('is typed, and so is the script of its page', async () => {
    const tsc = join(ROOT, 'node_modules/.bin/tsc')
    const { stdout } = await promisify(execFile)(tsc, ['-p', FOLDER]).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout).toBe('')
  })

  it('does not start without a key', async () => {
    const { code, stderr } = await startNode([join(FOLDER, 'server.js')], {}).finished
    expect([code, stderr]).toEqual([1, 'Set CONNLOG_KEY to a key with the scope logs:read.\n'])
  })

  it('serves its page and its script, without the key, and lets nothing else run', async () => {
    const [page, script] = await Promise.all(['/', '/live.js'].map((path) => fetch(live.origin + path)))
    const html = readFileSync(join(FOLDER, 'index.html'), 'utf8')
    expect(await page!.text()).toBe(html)
    expect(await script!.text()).toBe(readFileSync(join(FOLDER, 'live.js'), 'utf8'))
    const style = /<style>([^]*)<\/style>/.exec(html)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    for (const { headers } of [page!, script!]) {
      expect(headers.get('content-security-policy')).toBe(
        `default-src 'none'; script-src 'self'; style-src 'sha256-${hash}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'`,
      )
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  it('has nothing else', async () => {
    const paths = ['/server.js', '/../package.json', '/api/v1/connections/logs', '/metrics', '/graphql/']
    const answers = await Promise.all(paths.map((path) => fetch(live.origin + path)))
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404])
    const asked = await fetch(`${live.origin}/graphql?query={viewer{keyId}}`)
    expect([asked.status, asked.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('adds the key to what it passes on, and can do what the key can', async () => {
    const read = await post('{ viewer { scopes userId } }')
    expect(await read.json()).toEqual({ data: { viewer: { scopes: ['LOGS_READ'], userId: null } } })
    const written = await post(
      'mutation { recordConnectionLog(input: { userId: "u1", platform: REDDIT, eventType: DISCONNECT, connectionMethod: OAUTH }) { created } }',
    )
    const { errors } = (await written.json()) as { errors: { extensions: { code: string } }[] }
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN'])
  })

  it('asks with its own key, whatever key it is sent', async () => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer clk_other' }
    const response = await post('{ viewer { keyId } }', { headers })
    expect(await response.json()).toEqual({ data: { viewer: { keyId: live.keyId } } })
  })

  it('answers under its own names alone', async () => {
    const { port } = new URL(live.origin)
    expect((await askAs(`localhost:${port}`))[0]).toBe(200)
    for (const host of ['rebound.test', `rebound.test:${port}`, '127.0.0.1'])
      expect(await askAs(host)).toEqual([421, '{"errors":[{"message":"This server has another name."}]}'])
  })

  it('takes no more than a page sends', async () => {
    const response = await post(`{ viewer { ${' '.repeat(20_000)} keyId } }`)
    expect([response.status, await response.text()]).toEqual([
      413,
      '{"errors":[{"message":"Expected at most 16384 bytes."}]}',
    ])
  })

  it('ends the stream at connlog when the page goes', async () => {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
    for (const _ of [1, 2, 3]) {
      const leaving = new AbortController()
      // With one stream a key, a second is refused for as long as the first is there.
      await expect
        .poll(async () => {
          const response = await post(SUBSCRIPTION, { headers, signal: leaving.signal })
          const { value } = await response.body!.getReader().read()
          const first = new TextDecoder().decode(value)
          return (
            response.headers.get('content-type')?.startsWith('text/event-stream') && first.includes('id: ')
          )
        })
        .toBe(true)
      leaving.abort()
    }
  })

  it('says so where connlog does not answer', async () => {
    await live.network.setMode('refuse')
    const response = await post('{ viewer { keyId } }')
    expect([response.status, await response.text()]).toEqual([
      503,
      '{"errors":[{"message":"connlog does not answer."}]}',
    ])
    await live.network.setMode('pass')
  })

  it('ends by itself when told to stop, be there a stream or not', async () => {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
    const { body } = await post(SUBSCRIPTION, { headers })
    live.server.kill('SIGTERM')
    const { code, stderr } = await live.server.finished
    expect([code, stderr]).toEqual([0, ''])
    await expect(body!.getReader().closed).rejects.toThrow('terminated')
  })
})
