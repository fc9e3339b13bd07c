import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { SWITCHES, describeWithChromium, findChromium } from '../support/chromium.ts'
import { HEADERS, eventually, textOf } from '../support/graphiql-page.ts'
import { listen } from '../../src/http/listen.ts'
import { systemClock } from '../../src/kernel/clock.ts'

/** Opens an address in a browser with a profile of its own, and returns what its history file holds once it is closed. */
async function historyAfter(address: string, key: string): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), 'connlog-profile-'))
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: findChromium() ?? '',
      args: SWITCHES,
    })
    const page = await context.newPage()
    await page.goto(address, { waitUntil: 'commit', timeout: 0 })
    await eventually(() => textOf(page, HEADERS)).toContain(`Bearer ${key}`)
    await page.goto('about:blank')
    await context.close()
    const files = await readdir(join(profile, 'Default'))
    const texts = files
      .filter((file) => file.startsWith('History'))
      .map((file) => readFile(join(profile, 'Default', file), 'latin1'))
    return (await Promise.all(texts)).join('\n')
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

describeWithChromium('the history of the browser', () => {
  it('holds no key after an address with a code was opened, as it does after one with a key', async () => {
    const app = await startTestApp('sqlite')
    const server = await listen(app.fetch, {
      port: 0,
      host: '127.0.0.1',
      keepAliveMs: 1_000,
      turnAway: app.turnAway,
      clock: systemClock,
    })
    try {
      const key = await app.key('u1')
      const withCode = await historyAfter(`${server.address}/graphql#code=${app.keyCodes.issue(key)}`, key)
      expect(withCode).toContain('/graphql')
      expect(withCode).not.toContain('clk_')
      expect(await historyAfter(`${server.address}/graphql#key=${key}`, key)).toContain(key)
    } finally {
      await server.stop()
      await app.stop()
    }
  })
})
