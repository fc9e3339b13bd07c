import { describe, expect, inject, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { runCommand, startCommand } from '../support/command.ts'
import { PROVIDERS, createTestDatabase } from '../support/databases.ts'
import { startNaiveService, startService } from '../support/service.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { FLAWLESS, type Outcome, type Verdict, figures } from './history.ts'
import { createLoad } from './load.ts'
import { bodyOf, sentEvent } from './producer.ts'
import { report, seededRandom } from './seed.ts'
import { findDamage, prepareDatabase, rowsOf } from './stored.ts'

const { cycles, longestMs } = inject('faults')
const undo = undoneAfterEach()

describe.each(PROVIDERS)('the service killed with SIGKILL while it takes logs, on %s', (provider) => {
  it(`loses nothing, stores nothing twice and nothing in part, in ${cycles} cycles`, async () => {
    const random = seededRandom(`kill, ${provider}`)
    const database = await createTestDatabase(provider)
    undo(database.drop)
    const key = await prepareDatabase(database.url)
    let service = await startService(database.url)
    undo(() => service.kill())
    const load = createLoad({ random, key, port: () => service.port })
    undo(load.end)

    let verdict: Verdict | undefined
    for (let cycle = 1; cycle <= cycles; cycle += 1) {
      load.start()
      await systemClock.sleep(random.whole(20, longestMs))
      const stopped = load.stop()
      await service.kill()
      await stopped
      // What was left behind is first opened by the next service, and read while that is at it.
      service = await startService(database.url)
      verdict = await load.verdict(database.url)
      expect(verdict, `cycle ${cycle}`).toMatchObject(FLAWLESS)
    }
    await load.settle()
    verdict = await load.verdict(database.url)
    report(`kill, ${provider}: ${cycles} cycles, ${figures(verdict)}`)
    expect(verdict).toMatchObject(FLAWLESS)
    expect(verdict.acknowledged).toBeGreaterThan(cycles)
    expect(load.words.get('cut')).toBeGreaterThan(0)
    expect([...load.failures]).toEqual([])
    expect((await service.stop()).code).toBe(0)
    expect(await findDamage(database.url)).toEqual([])
  })
})

describe.each(PROVIDERS)('`connlog import` killed beside a service that takes logs, on %s', (provider) => {
  const kills = Math.ceil(cycles / 10)
  it(`can be run again until all is there, once: ${kills} kills`, async () => {
    const random = seededRandom(`kill import, ${provider}`)
    const database = await createTestDatabase(provider)
    undo(database.drop)
    const env = { DATABASE_URL: database.url, LOG_LEVEL: 'error' }
    const key = await prepareDatabase(database.url)
    const service = await startService(database.url)
    undo(service.kill)
    const load = createLoad({ random, key, port: () => service.port })
    undo(load.end)
    const lines = Array.from({ length: kills * 1_500 + 1_000 }, (_, index) =>
      sentEvent('tenant-a', `line-${index}`, index),
    )
    const input = lines.map((line) => JSON.stringify(bodyOf(line))).join('\n')
    const noteLines = (outcome: Outcome) =>
      load.history.push(...lines.map((line) => ({ events: [line], outcome })))

    const imported = async () => {
      const [found] = await rowsOf<{ lines: number | string }>(
        database.url,
        "SELECT count(*) AS lines FROM connection_logs WHERE account_id LIKE 'line-%'",
      )
      return Number(found?.lines)
    }

    load.start()
    noteLines('unknown')
    for (let kill = 1; kill <= kills; kill += 1) {
      const known = await imported()
      const command = startCommand(['import', '-'], env, input)
      undo(() => command.kill('SIGKILL'))
      const finished = command.finished.then(() => 'finished' as const)
      // Once it has stored something new.
      while ((await imported()) === known) {
        if ((await Promise.race([finished, systemClock.sleep(20)])) === 'finished') break
      }
      await systemClock.sleep(random.whole(0, 400))
      command.kill('SIGKILL')
      await command.finished
    }
    await load.stop()
    const before = (await load.verdict(database.url)).stored
    const finished = await runCommand(['import', '-'], env, input)
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    noteLines('ok')
    const verdict = await load.verdict(database.url)
    report(
      `kill import, ${provider}: ${kills} cycles, ${verdict.stored - before} lines left to the last, ${figures(verdict)}`,
    )
    expect(verdict).toMatchObject(FLAWLESS)
    expect(await findDamage(database.url)).toEqual([])
  })
})

describe('control: services that break a promise, killed in the same way', () => {
  it.each([
    ['early', 'acknowledges before COMMIT', 'lost'],
    ['forgetful', 'remembers no event ids', 'duplicated'],
    ['piecemeal', 'commits batches event by event', 'torn'],
  ] as const)('%s: one that %s is found out', async (flaw, _, found) => {
    const random = seededRandom(`kill, ${flaw} control`)
    const database = await createTestDatabase('sqlite')
    undo(database.drop)
    const file = database.url.slice('file:'.length)
    let service = await startNaiveService(file, flaw)
    undo(() => service.kill())
    const load = createLoad({ random, key: '', port: () => service.port, doors: ['rest', 'rest-list'] })
    undo(load.end)
    let verdict: Verdict | undefined
    let cycle = 0
    while (cycle < cycles && !verdict?.[found].length) {
      load.start()
      await systemClock.sleep(random.whole(100, 300))
      const stopped = load.stop()
      await service.kill()
      await stopped
      service = await startNaiveService(file, flaw)
      verdict = await load.verdict(database.url)
      cycle += 1
    }
    report(`kill, ${flaw} control: ${cycle} cycles, ${verdict && figures(verdict)}`)
    expect(verdict?.[found].length).toBeGreaterThan(0)
  })
})
