import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { createTestDatabase } from '../support/databases.ts'

function output(isTTY: boolean): PassThrough & { isTTY: boolean; text(): string } {
  const chunks: string[] = []
  const stream = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  return Object.assign(stream, { isTTY, text: () => chunks.join('') })
}

it.each([true, false])(
  'shows the progress of an import on a terminal alone (terminal: %s)',
  async (isTTY) => {
    const database = await createTestDatabase('sqlite')
    const env = { DATABASE_URL: database.url, LOG_LEVEL: 'silent' }
    const event = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
    const stdin = new PassThrough()
    stdin.end(Array.from({ length: 1_200 }, () => `${JSON.stringify(event)}\n`).join(''))
    const [stdout, stderr] = [output(false), output(isTTY)]
    const terminal = { env, stdin, stdout, stderr, stop: new AbortController().signal }
    expect(await run(['migrate'], terminal)).toBe(0)
    expect(await run(['import', '-'], terminal)).toBe(0)
    expect(stdout.text()).toBe(
      'Applied 0001_logs_and_keys.\nApplied 0002_counts.\nApplied 0003_retention.\n1,200 stored, 0 there already, 0 rejected.\n',
    )
    const counts = [...stderr.text().matchAll(/\r([\d,]+) logs, [\d,]+ a second/g)].map((match) => match[1])
    expect(counts).toEqual(isTTY ? ['500', '1,000', '1,200'] : [])
    await database.drop()
  },
)
