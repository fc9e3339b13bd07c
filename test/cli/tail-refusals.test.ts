import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { runCommand } from '../support/command.ts'
import { startTail } from '../support/tailing.ts'
import { undoneAfterEach } from '../support/undo.ts'

const HOST = '127.0.0.1'
const undo = undoneAfterEach()

/** @returns the address of a server that answers everything in one way */
async function serviceThat(status: number, headers: Record<string, string>, body: string): Promise<string> {
  const server = createServer((_, response) => void response.writeHead(status, headers).end(body))
  server.listen(0, HOST)
  await once(server, 'listening')
  undo(() => server.close())
  return `http://${HOST}:${(server.address() as AddressInfo).port}`
}

describe('connlog tail', () => {
  it.each([
    [['--key', 'k'], 2, 'Expected `--url URL` with `--key KEY`.\n'],
    [['--url', 'http://127.0.0.1:1'], 2, 'Expected `--key KEY`, or the key in CONNLOG_KEY.\n'],
    [
      ['--url', 'logs.example.com', '--key', 'k'],
      2,
      'Expected `--url` to be the address of a connlog service, such as https://logs.example.com, got "logs.example.com".\n',
    ],
    [
      ['--since', 'yesterday'],
      2,
      'Expected `--since` to be a cursor of the feed, an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z, or a duration before now such as 1h or 7d, got "yesterday".\n',
    ],
    [['--status', 'all'], 2, 'Expected `--status` to be one of success, failed, got "all".\n'],
  ])('refuses %j in a sentence', async (args, code, stderr) => {
    expect(await runCommand(['tail', ...args], {})).toEqual({ code, stdout: '', stderr })
  })

  it.each([
    [404, {}, 'no', /^There is no connlog service at http:\S+\/graphql: it answered with HTTP 404\.$/],
    [
      301,
      { location: 'https://elsewhere.example' },
      '',
      'The service redirects (HTTP 301). The key is not sent after it; give the address that the service is at.',
    ],
    [401, {}, '', 'The service does not know the key, or the key is no longer valid.'],
    [
      400,
      {},
      '{"errors":[{"message":"a\\u001b[2Jb","extensions":{"code":"BAD_USER_INPUT"}}]}',
      'a\uFFFD[2Jb',
    ],
  ] as const)('ends with a sentence for HTTP %d', async (status, headers, body, sentence) => {
    const ended = await startTail({ url: await serviceThat(status, headers, body), key: 's3cret' }).ended
    if (typeof sentence === 'string') expect(ended).toBe(sentence)
    else expect(ended).toMatch(sentence)
  })

  it.each([
    [503, 'text/plain', 'later', 'The service answered with HTTP 503. Trying until it succeeds.'],
    [
      200,
      'text/html',
      '<h1>Soon</h1>',
      'The service answered with what is no stream of events. Trying until it succeeds.',
    ],
    [
      200,
      'text/event-stream',
      `data: ${'x'.repeat(5_000_000)}`,
      'The service answered with an event longer than any log. Trying until it succeeds.',
    ],
  ])('tries again after HTTP %d as %s', async (status, type, body, sentence) => {
    const tailing = startTail({ url: await serviceThat(status, { 'content-type': type }, body), key: 'k' })
    await tailing.said(/./)
    await systemClock.sleep(100)
    expect(await tailing.stop()).toBe(0)
    expect(tailing.printed).toEqual({ stdout: '', stderr: `${sentence}\n` })
  })

  it('is described by --help', async () => {
    const { stdout } = await runCommand(['tail', '--help'], {})
    for (const option of [
      '--since <cursor|instant|duration>',
      '--json',
      '--url <address>',
      '--key <key>',
      '--platform <list>',
    ])
      expect(stdout).toContain(option)
  })
})
