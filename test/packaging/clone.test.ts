import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT, createClone } from '../support/clone.ts'
import { type Running, output, run } from './installed.ts'

/** The commands of a page that are for a shell, from the block that holds a text on. */
function commandsOf(path: string, text: string): string {
  const page = readFileSync(join(ROOT, path), 'utf8')
  const block = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].find(([, code = '']) => code.includes(text))
  return block?.[1] ?? ''
}

describe('a clone, by the commands of README.md', () => {
  let clone: string
  let service: Running
  const start = async () => (service = await run(clone, { PORT: '0' }, 'npm', 'start'))
  /** Runs commands in the clone, against the service that was started there. */
  const shell = (commands: string) =>
    output(clone, {}, 'bash', '-ec', commands.replaceAll('http://127.0.0.1:4000', service.url))

  let remove: () => void
  beforeAll(async () => {
    clone = createClone({ isBuilt: true }, (undo) => (remove = undo))
    await start()
  })
  afterAll(async () => {
    await service?.stop()
    remove()
  })

  it('records an event once, and the example of an OAuth callback beside it', async () => {
    const commands = `${commandsOf('README.md', 'keys create')}\n${commandsOf('README.md', '"eventId"')}`
    expect(shell(commands)).toMatch(/^\{"accepted":1,"duplicates":0,"rejected":0,/)
    expect(shell(commands)).toMatch(/^\{"accepted":0,"duplicates":1,"rejected":0,/)

    const key = shell('npx connlog keys create --user user-1').trim()
    const env = { CONNLOG_KEY: key, CONNLOG_URL: service.url, PORT: '0' }
    const callback = await run(clone, env, 'node', 'examples/oauth-callback/server.js')
    try {
      const calls = commandsOf('examples/oauth-callback/README.md', 'state=')
      expect(shell(calls.replaceAll('http://127.0.0.1:3000', callback.url))).toBe(
        'Not connected\nConnected @ada\n',
      )
    } finally {
      await callback.stop()
    }
    expect(callback.printed()).not.toContain('Not recorded')
  })

  it('prints at its second start the command that creates a key for the demo user', async () => {
    await service.stop()
    await start()
    // It says where it listens first.
    await expect
      .poll(() => service.printed(), { timeout: 60_000 })
      .toMatch(/^Create a key for the demo user: .*\n/m)
    const [, command = ''] = /^Create a key for the demo user: (.*)$/m.exec(service.printed()) ?? []
    const key = output(clone, {}, 'bash', '-ec', command).trim()
    const answer = await fetch(`${service.url}/api/v1/connections/logs`, {
      headers: { authorization: `Bearer ${key}` },
    })
    const { pagination } = (await answer.json()) as { pagination: { total: number } }
    expect(pagination.total).toBeGreaterThan(1_000)
  })
})
