import { describe, expect, it } from 'vitest'
import { createProgress, duration } from '../../src/cli/progress.ts'
import { run } from '../../src/cli/run.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/databases.ts'
import { createTestTerminal } from '../support/terminal.ts'

function onTerminal(isTTY = true) {
  const terminal = createTestTerminal({}, { isTTY })
  const clock = createTestClock(1_000_000)
  return { terminal, clock, progress: createProgress(terminal, clock) }
}

describe('progress', () => {
  it('tells what is done and how quickly, and with a known end how long is left', () => {
    const { terminal, clock, progress } = onTerminal()
    clock.advance(2_000)
    progress.show({ done: 3_000 })
    clock.advance(2_000)
    progress.show({ done: 8_000, part: 0.25 })
    clock.advance(4_000)
    progress.show({ done: 16_000, total: 32_001, part: 0.4999 })
    progress.end()
    expect(terminal.printed.stderr.split('\r')).toEqual([
      '',
      '3,000 logs, 1,500 a second',
      '8,000 logs, 2,000 a second, 25 %, 12 s left',
      '16,000 of about 32,001 logs, 2,000 a second, 49 %, 9 s left',
      '16,000 of about 32,001 logs, 2,000 a second, 49 %, 9 s left\n',
    ])
  })

  it('is drawn four times a second at most, and once more at the end', () => {
    const { terminal, clock, progress } = onTerminal()
    for (let done = 1; done <= 100; done += 1) {
      clock.advance(10)
      progress.show({ done })
    }
    progress.end()
    progress.end()
    const drawn = terminal.printed.stderr.match(/\r(\d+) logs/g)
    expect(drawn).toEqual(['\r1 logs', '\r26 logs', '\r51 logs', '\r76 logs', '\r100 logs'])
  })

  it('covers what it wrote before, and keeps what is said above it', () => {
    const { terminal, clock, progress } = onTerminal()
    clock.advance(1_000)
    progress.show({ done: 10 })
    progress.say('Waiting.')
    expect(terminal.printed.stderr).toBe(
      '\r10 logs, 10 a second\rWaiting.            \n\r10 logs, 10 a second',
    )
  })

  it('is nothing where there is no terminal, but what is said is said', () => {
    const { terminal, progress } = onTerminal(false)
    progress.show({ done: 10 })
    progress.say('Waiting.')
    progress.end()
    expect(terminal.printed).toEqual({ stdout: '', stderr: 'Waiting.\n' })
  })

  it.each([true, false])('of an import is shown on a terminal alone (terminal: %s)', async (isTTY) => {
    const database = await createTestDatabase('sqlite')
    const event = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
    const terminal = createTestTerminal({ DATABASE_URL: database.url }, { isTTY })
    terminal.stdin.end(Array.from({ length: 1_200 }, () => `${JSON.stringify(event)}\n`).join(''))
    expect(await run(['import', '-'], terminal)).toBe(0)
    expect(terminal.printed.stdout).toBe('1,200 stored, 0 there already, 0 rejected.\n')
    const states = terminal.printed.stderr.split('\r')
    if (isTTY) expect(states.at(-1)).toMatch(/^1,200 logs, [\d,]+ a second *\n$/)
    else expect(states).toEqual([''])
    await database.drop()
  })
})

it.each([
  [0, '0 s'],
  [1, '1 s'],
  [59_000, '59 s'],
  [60_000, '1 min'],
  [200_000, '3 min 20 s'],
  [3_600_000, '1 h'],
  [7_500_000, '2 h 5 min'],
  [86_400_000, '24 h'],
])('%i ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})
