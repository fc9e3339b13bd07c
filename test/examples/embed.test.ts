import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { request, sendRaw } from '../support/raw-http.ts'

const ROOT = new URL('../../', import.meta.url).pathname
const run = promisify(execFile)

interface LogPage {
  readonly logs: readonly { _id: string; durationMs: number; createdAt: string; [field: string]: unknown }[]
  readonly pagination: { readonly total: number }
}

describe('the server of examples/embed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-embed-'))
  const env = { PATH: process.env['PATH'], DATABASE_URL: `file:${join(folder, 'product.db')}`, PORT: '0' }
  let server: ChildProcess
  let origin: string
  let key: string

  beforeAll(async () => {
    for (const name of ['server.js', 'package.json', 'tsconfig.json'])
      copyFileSync(join(ROOT, 'examples/embed', name), join(folder, name))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(ROOT, join(folder, 'node_modules/connlog'))
    symlinkSync(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'))

    server = spawn(process.execPath, ['server.js'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    origin = await readOrigin(server)
    const main = join(ROOT, 'dist/main.js')
    key = (await run(process.execPath, [main, 'keys', 'create', '--service'], { env })).stdout.trim()
  })

  afterAll(() => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  /** Begins to connect an account, as a user's browser would, and returns the state that goes to the platform. */
  async function connect(platform: string): Promise<string> {
    const response = await fetch(`${origin}/connect/${platform}`, { redirect: 'manual' })
    const consent = new URL(response.headers.get('location') ?? '')
    expect([response.status, consent.host]).toEqual([302, `${platform}.test`])
    return consent.searchParams.get('state') ?? ''
  }

  async function callBack(parameters: Record<string, string>): Promise<[status: number, text: string]> {
    const response = await fetch(`${origin}/oauth/callback?${new URLSearchParams(parameters)}`)
    return [response.status, await response.text()]
  }

  it('goes on after a request for what is no address', async () => {
    const [answer] = await sendRaw(origin, request('GET //[ HTTP/1.1', 'Host: x'))
    expect(answer?.status).toBe(404)
    expect((await fetch(origin)).status).toBe(200)
  })

  async function logsOf(platform: string): Promise<LogPage> {
    const response = await fetch(`${origin}/api/v1/connections/logs?platform=${platform}`, {
      headers: { authorization: `Bearer ${key}` },
    })
    return (await response.json()) as LogPage
  }

  it('is typed as the package says', async () => {
    const tsc = join(ROOT, 'node_modules/.bin/tsc')
    const { stdout } = await run(tsc, [], { cwd: folder }).catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  })

  it('answers for the product what is not of connlog', async () => {
    const answers = await Promise.all(['/', '/health', '/graphql/'].map((path) => fetch(origin + path)))
    expect(await Promise.all(answers.map(async (answer) => [answer.status, await answer.text()]))).toEqual([
      [200, 'The product'],
      [404, 'Not found'],
      [404, 'Not found'],
    ])
  })

  it('records the attempt that a user denied, once', async () => {
    const state = await connect('instagram')
    const denial = { error: 'access_denied', error_description: 'The user said no', state }
    expect(await callBack(denial)).toEqual([200, 'Not connected'])
    expect(await callBack(denial)).toEqual([400, 'This attempt to connect an account is not known, or over.'])

    const { logs, pagination } = await logsOf('instagram')
    expect(pagination).toEqual({ total: 1, limit: 50, skip: 0, pages: 1, hasMore: false })
    const [log] = logs
    expect(log).toEqual({
      _id: log?._id,
      userId: 'user-1',
      profileId: 'profile-1',
      platform: 'instagram',
      eventType: 'connect_failed',
      connectionMethod: 'oauth',
      error: { code: 'oauth_denied', message: 'The user said no' },
      context: {},
      durationMs: log?.durationMs,
      createdAt: log?.createdAt,
    })
    expect(Number.isInteger(log?.durationMs)).toBe(true)
  })

  it('records the account that a user connected, under the state of the attempt', async () => {
    const state = await connect('tiktok')
    expect(await callBack({ code: 'c1', state })).toEqual([200, 'Connected @ada'])

    const query =
      '{ connectionLogs(filter: { platform: TIKTOK }) { logs { eventId status accountId success { username } } } }'
    const response = await fetch(`${origin}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    })
    expect(await response.json()).toEqual({
      data: {
        connectionLogs: {
          logs: [
            {
              eventId: state,
              status: 'SUCCESS',
              accountId: 'account-of-c1',
              success: { username: 'ada' },
            },
          ],
        },
      },
    })
  })

  it('asks for a key, as connlog does', async () => {
    const response = await fetch(`${origin}/api/v1/connections/logs`)
    expect([response.status, await response.text()]).toEqual([401, '{"error":"Unauthorized"}'])
  })

  it('ends by itself when told to stop', async () => {
    const exit = once(server, 'exit')
    server.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
  })
})

async function readOrigin(server: ChildProcess): Promise<string> {
  for await (const line of createInterface(server.stdout!)) {
    const [, origin] = /^Listening on (http:\S+)$/.exec(line) ?? []
    if (origin !== undefined) return origin
  }
  throw new Error('The server ended before it listened.')
}
