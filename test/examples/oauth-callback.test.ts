import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { run } from '../packaging/installed.ts'
import { PROVIDERS } from '../support/databases.ts'
import { request, sendRaw } from '../support/raw-http.ts'
import { serviceWithKey } from '../support/service-with-key.ts'

const FOLDER = join(import.meta.dirname, '../../examples/oauth-callback')

describe('the server of examples/oauth-callback', () => {
  const steps: (() => unknown)[] = []
  afterEach(async () => {
    for (const step of steps.splice(0).reverse()) await step()
  })

  async function startCallback(url: string, key: string) {
    const env = { CONNLOG_URL: url, CONNLOG_KEY: key, PORT: '0' }
    const server = await run(FOLDER, env, process.execPath, 'server.js')
    steps.push(server.stop)
    const comeBack = async (parameters: string) =>
      (await fetch(`${server.url}/oauth/callback?${parameters}`)).text()
    return { url: server.url, printed: server.printed, comeBack }
  }

  it('goes on after a request for what is no address', async () => {
    const { url, comeBack } = await startCallback('http://127.0.0.1:9', 'none')
    const [answer] = await sendRaw(url, request('GET //[ HTTP/1.1', 'Host: x'))
    expect(answer?.status).toBe(404)
    expect(await comeBack('state=a&code=c0de')).toBe('Connected @ada\n')
  })

  it.each(PROVIDERS)('records a success and a failure, each once, on %s', async (provider) => {
    const { service, key } = await serviceWithKey((...more) => void steps.push(...more), provider)
    const url = `http://127.0.0.1:${service.port}`
    const { comeBack } = await startCallback(url, key)
    const stored = async () => {
      const headers = { authorization: `Bearer ${key}` }
      const answer = await fetch(`${url}/api/v1/connections/logs`, { headers })
      const { logs } = (await answer.json()) as { logs: { eventType: string; error?: unknown }[] }
      return logs
        .map(({ eventType, error }) => ({ eventType, error }))
        .sort((a, b) => a.eventType.localeCompare(b.eventType))
    }
    expect([
      await comeBack('state=a&code=c0de'),
      await comeBack('state=a&code=c0de'),
      await comeBack('state=b&error=access_denied'),
    ]).toEqual(['Connected @ada\n', 'Connected @ada\n', 'Not connected\n'])
    const expected = [
      { eventType: 'connect_failed', error: { code: 'oauth_denied', message: 'access_denied' } },
      { eventType: 'connect_success' },
    ]
    await expect.poll(stored).toEqual(expected)
  })

  it('answers the user, and logs the reason, where connlog is silent or refuses', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    steps.push(() => silent.close())
    const unheard = await startCallback(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, 'none')
    expect(await unheard.comeBack('state=a&code=c0de')).toBe('Connected @ada\n')
    await expect.poll(unheard.printed).toContain('Not recorded: TimeoutError')

    const { service } = await serviceWithKey((...more) => void steps.push(...more), 'sqlite')
    const refused = await startCallback(`http://127.0.0.1:${service.port}`, 'none')
    expect(await refused.comeBack('state=a&error=access_denied')).toBe('Not connected\n')
    await expect.poll(refused.printed).toContain('Not recorded: 401 {"error":"Unauthorized"}')
  })
})
