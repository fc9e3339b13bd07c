import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeWithChromium } from '../../../test/support/chromium.ts'
import { type Fixture, LOGS, startFixture } from './fixture.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A zone whose midnight is not that of UTC. */
const TIME_ZONE = 'Asia/Kolkata'

/** Waits for what the page shows to become right; the time is only how long a broken page holds up the run. */
const eventually = (read: () => Promise<unknown>) => expect.poll(read, { timeout: 30_000 })

const range = (page: Page) => page.locator('.range').innerText()
const liveState = (page: Page) => page.locator('.live').getAttribute('data-state')
const query = (page: Page) => new URL(page.url()).search

/** The cells of a column, from the top. @param column from 1 */
const column = (page: Page, column: number) =>
  page.locator(`[aria-label=Logs] tbody td:nth-child(${column})`).allInnerTexts()

/** How often the table shows each of these accounts. */
const timesShown = async (page: Page, accounts: readonly string[]) => {
  const shown = await column(page, 4)
  return accounts.map((account) => shown.filter((text) => text === account).length)
}

describeWithChromium('the page of examples/react', (openPage) => {
  let fixture: Fixture
  /** Recorded beside {@link LOGS} by earlier tests. */
  let recorded = 0

  beforeAll(async () => {
    fixture = await startFixture()
  })
  afterAll(() => fixture?.stop())
  beforeEach(async () => {
    await fixture.road.setMode('pass')
    await fixture.backyard.setMode('pass')
  })

  const total = () => LOGS + recorded
  const record = async (...accounts: string[]) => {
    for (const account of accounts) await fixture.record(account)
    recorded += accounts.length
  }

  /** Opens the page on a view and waits until it is live. */
  async function open(view = '', key = fixture.key, { isClockOurs = false } = {}) {
    const watched = await openPage()
    const { page } = watched
    if (isClockOurs) await page.clock.install()
    const session = await page.context().newCDPSession(page)
    await session.send('Emulation.setTimezoneOverride', { timezoneId: TIME_ZONE })
    await page.goto(`${fixture.origin}/${view}#key=${key}`)
    await eventually(() => liveState(page)).toBe('live')
    await page.locator('[aria-label=Logs][aria-busy=false]').waitFor()
    return watched
  }

  it('shows the first page, and asks nobody else', async () => {
    const { page, requests, errors } = await open()
    expect(await range(page)).toBe(`1–50 of ${LOGS}`)
    expect(await column(page, 4)).toEqual(
      Array.from({ length: 50 }, (_, index) =>
        index % 3 === 0 ? `account-${index}` : `Name ${index} <i> user${index}`,
      ),
    )
    const first = page.locator('[aria-label=Logs] tbody tr').first()
    expect((await first.locator('td').allInnerTexts()).slice(1)).toEqual([
      'Instagram',
      'Connect failed',
      'account-0',
      'u1',
      'oauth_denied OAuth error: access_denied',
      '1.5 s',
    ])
    const { connectionLogs } = (await fixture.ask('{ connectionLogs(limit: 1) { logs { createdAt } } }')) as {
      connectionLogs: { logs: { createdAt: string }[] }
    }
    const time = first.locator('time')
    expect(await time.getAttribute('title')).toBe(connectionLogs.logs[0]?.createdAt)
    const written = new Intl.DateTimeFormat('en-US', {
      timeZone: TIME_ZONE,
      month: 'short',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    })
    expect(await time.innerText()).toBe(written.format(new Date(connectionLogs.logs[0]?.createdAt ?? 0)))
    expect(
      requests.filter((url) => !url.startsWith(`${fixture.origin}/`) && !url.startsWith('data:')),
    ).toEqual([])
    expect(errors).toEqual([])
  })

  it('keeps the key in the tab: not in the address, nor for another tab', async () => {
    const { page, requests, errors } = await open('?days=3')
    expect(page.url()).toBe(`${fixture.origin}/?days=3`)
    expect(await page.evaluate('JSON.stringify([{ ...localStorage }, document.cookie])')).toBe('[{},""]')
    await page.reload()
    await eventually(() => liveState(page)).toBe('live')

    const other = await page.context().newPage()
    await other.goto(fixture.origin)
    await other.getByLabel('Key', { exact: true }).waitFor()
    expect(requests.filter((url) => url.includes('clk_'))).toEqual([])
    expect(errors).toEqual([])
  })

  it('takes a key that is typed, and says of a bad one what is wrong', async () => {
    const { page } = await openPage()
    await page.goto(fixture.origin)
    const field = page.getByLabel('Key', { exact: true })
    await field.fill('two words')
    await page.keyboard.press('Enter')
    const alert = page.getByRole('alert')
    await eventually(() => alert.innerText()).toBe('Expected a key, such as clk_…, without spaces.')

    await field.fill('clk_unknown')
    await page.keyboard.press('Enter')
    await eventually(() => alert.innerText()).toBe(
      'The service does not accept this key. It may be mistyped, expired or revoked.',
    )
    expect(await page.evaluate('sessionStorage.length')).toBe(0)

    await field.fill(fixture.key)
    await page.getByRole('button', { name: 'Show the logs' }).click()
    await eventually(() => range(page)).toBe(`1–50 of ${total()}`)
    await page.getByRole('button', { name: 'Change key' }).click()
    await field.waitFor()
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
  })

  it('asks for a key as soon as the one in use is revoked', async () => {
    const { createApiKey } = (await fixture.ask(
      'mutation { createApiKey(input: { service: true, scopes: [LOGS_READ] }) { key apiKey { id } } }',
    )) as { createApiKey: { key: string; apiKey: { id: string } } }
    const { page } = await open('', createApiKey.key)
    await fixture.ask('mutation($id: ID!) { revokeApiKey(id: $id) { apiKey { id } } }', {
      id: createApiKey.apiKey.id,
    })
    await page.getByLabel('Key', { exact: true }).waitFor()
    expect(await page.getByRole('alert').innerText()).toContain('revoked')
  })

  it('filters, keeps the filters in the address, and goes back by the browser’s button', async () => {
    const { page, errors } = await open()
    await page.getByLabel('Platform').selectOption('TikTok')
    await eventually(() => range(page)).toBe(`1–50 of ${LOGS / 2}`)
    expect(query(page)).toBe('?platform=tiktok')
    expect(new Set(await column(page, 2))).toEqual(new Set(['TikTok']))

    await page.getByLabel('Search').fill('user1')
    const found = Array.from({ length: LOGS }, (_, index) => index).filter(
      (index) => index % 2 === 1 && index % 3 !== 0 && String(index).startsWith('1'),
    )
    await eventually(() => range(page)).toBe(`1–${found.length} of ${found.length}`)
    expect(query(page)).toBe('?platform=tiktok&search=user1')
    expect(await column(page, 4)).toEqual(found.map((index) => `Name ${index} <i> user${index}`))

    await page.getByLabel('Status').selectOption('Failed')
    await eventually(() => page.locator('.empty').innerText()).toBe('No logs match.')
    expect(await range(page)).toBe('0 of 0')
    await page.goBack()
    await eventually(() => range(page)).toBe(`1–${found.length} of ${found.length}`)
    expect(await page.getByLabel('Status').inputValue()).toBe('')

    await page.getByRole('button', { name: 'Clear' }).click()
    await eventually(() => range(page)).toBe(`1–50 of ${total()}`)
    expect(query(page)).toBe('')
    expect(await page.getByLabel('Search').inputValue()).toBe('')
    expect(errors).toEqual([])
  })

  it('shows what a link says', async () => {
    const { page, errors } = await open(
      '?platform=instagram&eventType=connect_failed&status=failed&days=2&page=1',
    )
    const matching = Array.from({ length: 48 }, (_, index) => index).filter((index) => index % 6 === 0)
    await eventually(() => range(page)).toBe(`1–${matching.length} of ${matching.length}`)
    expect(await column(page, 4)).toEqual(matching.map((index) => `account-${index}`))
    expect(await page.getByLabel('Platform').inputValue()).toBe('INSTAGRAM')
    expect(await page.getByLabel('Event').inputValue()).toBe('CONNECT_FAILED')
    expect(await page.getByLabel('Time').inputValue()).toBe('2')
    expect(errors).toEqual([])
  })

  it('turns pages by keyboard', async () => {
    const { page, errors } = await open()
    const press = async (name: string) => {
      await page.getByRole('link', { name }).focus()
      await page.keyboard.press('Enter')
    }
    await press('Next page')
    await eventually(() => range(page)).toBe(`51–100 of ${total()}`)
    await eventually(() => column(page, 4)).toContain('account-51')
    expect(query(page)).toBe('?page=2')
    // The focus stays where the next turn is.
    await page.keyboard.press('Enter')
    await eventually(() => range(page)).toBe(`101–${total()} of ${total()}`)
    await press('Previous page')
    await eventually(() => range(page)).toBe(`51–100 of ${total()}`)
    await press('Last page')
    await eventually(() => range(page)).toBe(`101–${total()} of ${total()}`)
    expect(await page.getByRole('link', { name: 'Next page' }).getAttribute('aria-disabled')).toBe('true')
    await press('First page')
    await eventually(() => range(page)).toBe(`1–50 of ${total()}`)
    expect(query(page)).toBe('')
    expect(errors).toEqual([])
  })

  it('draws the days of the reader’s zone as connectionStats counts them', async () => {
    const { page, errors } = await open('?platform=instagram')
    const asked = (await fixture.ask(
      `query($timeZone: String) {
        connectionStats(filter: { platform: INSTAGRAM }, interval: DAY, timeZone: $timeZone) {
          total succeeded failed
          series { start succeeded failed }
        }
      }`,
      { timeZone: TIME_ZONE },
    )) as {
      connectionStats: { total: number; series: { start: string; succeeded: number; failed: number }[] }
    }
    const { series, ...totals } = asked.connectionStats
    await page.getByText('As a table').click()
    const rows = page.getByRole('table', { name: 'Attempts by day' }).locator('tbody tr')
    const shown = await rows.evaluateAll((rows) =>
      rows.map((row) => ({
        start: row.querySelector('time')?.dateTime,
        succeeded: Number(row.querySelectorAll('td')[0]?.textContent),
        failed: Number(row.querySelectorAll('td')[1]?.textContent),
      })),
    )
    expect(shown).toEqual(series)
    expect(series.reduce((sum, { failed }) => sum + failed, 0)).toBe(22)

    const drawn = await page.locator('.plot g').evaluateAll((days) =>
      days.map((day) => ({
        succeeded: Number(day.querySelector('.succeeded')?.getAttribute('height')),
        failed: Number(day.querySelector('.failed')?.getAttribute('height')),
      })),
    )
    expect(drawn).toEqual(series.map(({ succeeded, failed }) => ({ succeeded, failed })))
    const figures = await page.locator('.figures dd').allInnerTexts()
    expect([figures[0], figures[2], figures[3]]).toEqual(Object.values(totals).map(String))
    expect(errors).toEqual([])
  })

  it('shows no numbers of another filter while those of this one are on their way', async () => {
    const { page } = await open()
    const figures = () => page.locator('.figures dd').allInnerTexts()
    await eventually(async () => (await figures())[0]).toMatch(/^[\d,]+$/)
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    await page.route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('query Stats')) await held
      await route.continue()
    })
    await page.getByLabel('Platform').selectOption('Instagram')
    await eventually(async () => query(page)).toBe('?platform=instagram')
    await eventually(figures).toEqual(['–', '–', '–', '–'])
    release()
    await eventually(async () => (await figures())[0]).toMatch(/^[\d,]+$/)
  })

  it('says when the browser is offline', async () => {
    const { page } = await open()
    const pill = () => page.locator('.live').innerText()
    await page.context().setOffline(true)
    await eventually(pill).toMatch(/^Offline/)
    await page.context().setOffline(false)
    await eventually(() => liveState(page)).toBe('live')
  })

  it('shows what is recorded while it is open, once, and counts it', async () => {
    const { page, errors } = await open('?platform=instagram')
    const logs = page.locator('.figures dd').first()
    // They come after the page of logs.
    await eventually(() => logs.innerText()).toMatch(/^\d+$/)
    const before = Number(await logs.innerText())
    await fixture.record('of another filter', { platform: 'tiktok' })
    recorded += 1
    await record('while-open')
    await eventually(() => timesShown(page, ['while-open', 'of another filter'])).toEqual([1, 0])
    expect((await column(page, 4))[0]).toBe('while-open')
    await eventually(() => range(page)).toBe(`1–50 of ${LOGS / 2 + 1}`)
    await eventually(() => logs.innerText()).toBe(String(before + 1))
    await eventually(() => page.locator('main [role=status]').innerText()).toBe('1 new log')
    expect(await timesShown(page, ['while-open'])).toEqual([1])
    expect((await column(page, 4)).length).toBe(50)
    expect(errors).toEqual([])
  })

  it('leaves a later page as it is, and says how many are new', async () => {
    const { page, errors } = await open('?page=2')
    const rows = await column(page, 4)
    await record('later-1', 'later-2')
    const button = page.getByRole('button', { name: 'new logs: show' })
    await eventually(() => button.innerText()).toBe('2 new logs: show')
    await eventually(() => range(page)).toBe(`51–100 of ${total()}`)
    expect(await column(page, 4)).toEqual(rows)
    await button.click()
    await eventually(() => timesShown(page, ['later-1', 'later-2'])).toEqual([1, 1])
    expect(query(page)).toBe('')
    expect(await button.count()).toBe(0)
    expect(errors).toEqual([])
  })

  it('asks for the numbers again no more than once in two seconds, however many logs come', async () => {
    const { page } = await open()
    await page.clock.install()
    await page.clock.pauseAt(Date.now() + 60_000)
    let asked = 0
    page.on('request', (request) => {
      if (request.postData()?.includes('connectionStats')) asked += 1
    })
    const accounts = Array.from({ length: 12 }, (_, index) => `burst-${index}`)
    await record(...accounts)
    await eventually(() => timesShown(page, accounts)).toEqual(accounts.map(() => 1))
    expect(asked).toBe(0)
    await page.clock.runFor(2_000)
    await eventually(async () => asked).toBe(1)
    await eventually(() => range(page)).toBe(`1–50 of ${total()}`)
    await page.clock.runFor(10_000)
    expect(asked).toBe(1)
  })

  for (const network of ['road', 'backyard'] as const)
    it(`comes back after a cut and misses none: ${network}`, async () => {
      const { page } = await open('?page=2')
      await record(`${network}-before`)
      await eventually(() => page.locator('.unseen').innerText()).toBe('1 new log: show')
      await fixture[network].setMode('refuse')
      await eventually(() => liveState(page)).toBe('reconnecting')
      await record(`${network}-1`, `${network}-2`, `${network}-3`)
      await fixture[network].setMode('pass')
      await eventually(() => liveState(page)).toBe('live')
      await eventually(() => page.locator('.unseen').innerText()).toBe('4 new logs: show')
      await page.locator('.unseen').click()
      const accounts = ['before', '1', '2', '3'].map((name) => `${network}-${name}`)
      await eventually(() => timesShown(page, accounts)).toEqual([1, 1, 1, 1])
      await eventually(() => range(page)).toBe(`1–50 of ${total()}`)
    })

  it('comes back when connlog is started anew', async () => {
    const { page } = await open()
    await fixture.restart()
    await eventually(() => liveState(page)).toBe('live')
    await record('after-restart')
    await eventually(() => timesShown(page, ['after-restart'])).toEqual([1])
    await eventually(() => range(page)).toBe(`1–50 of ${total()}`)
  })

  it('gives up a connection of which it hears nothing, without being told that it is cut', async () => {
    const { page } = await open('', fixture.key, { isClockOurs: true })
    await fixture.road.setMode('blackhole')
    await record('unheard')
    await page.clock.runFor(46_000)
    await eventually(() => liveState(page)).toBe('reconnecting')
    await fixture.road.setMode('pass')
    await page.clock.runFor(2_000)
    await eventually(() => timesShown(page, ['unheard'])).toEqual([1])
    expect(await liveState(page)).toBe('live')
  })

  it('would miss some if it came back without its cursor', async () => {
    const { page } = await open('?page=2')
    await page.route('**/graphql', async (route) => {
      const { query, variables } = route.request().postDataJSON() as { query: string; variables: object }
      await route.continue({ postData: JSON.stringify({ query, variables: { ...variables, after: null } }) })
    })
    await fixture.road.setMode('refuse')
    await eventually(() => liveState(page)).toBe('reconnecting')
    await record('missed-1', 'missed-2')
    await fixture.road.setMode('pass')
    await eventually(() => liveState(page)).toBe('live')
    await record('seen')
    await eventually(() => page.locator('.unseen').innerText()).toBe('1 new log: show')
  })

  it('says what went wrong, and tries again', async () => {
    const { page } = await openPage()
    await fixture.backyard.setMode('refuse')
    await page.goto(`${fixture.origin}/#key=${fixture.key}`)
    const notice = page.locator('.notice p')
    await eventually(() => notice.innerText()).toMatch(/^The logs could not be read\. \S/)
    await fixture.backyard.setMode('pass')
    await page.getByRole('button', { name: 'Try again' }).click()
    await eventually(() => range(page)).toBe(`1–50 of ${total()}`)
    expect(await notice.count()).toBe(0)
  })

  it('repeats what the service says of a view, and knows a page that is not there', async () => {
    const { page, errors } = await openPage()
    await page.goto(`${fixture.origin}/?days=30#key=${fixture.key}`)
    await eventually(() => page.locator('.notice p').innerText()).toBe(
      'The logs could not be read. Expected `days` to be a whole number from 1 to 7, got 30.',
    )
    await page.goto(`${fixture.origin}/?page=99`)
    await eventually(() => page.locator('.empty').innerText()).toBe('There is no such page.')
    await page.getByRole('link', { name: 'First page' }).click()
    await eventually(() => range(page)).toBe(`1–50 of ${total()}`)
    expect(errors).toEqual([])
  })

  for (const colorScheme of ['light', 'dark'] as const)
    it(`can be read by everybody: ${colorScheme}`, async () => {
      const { page } = await openPage()
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.goto(fixture.origin)
      await page.getByLabel('Key', { exact: true }).waitFor()
      expect(await violations(page)).toEqual([])
      await page.goto(`${fixture.origin}/#key=${fixture.key}`)
      await eventually(() => liveState(page)).toBe('live')
      await page.locator('[aria-label=Logs][aria-busy=false]').waitFor()
      await page.getByText('As a table').click()
      expect(await violations(page)).toEqual([])
      const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor')
      expect(ground).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(16, 18, 20)')
    })
})

/** What axe finds wrong: labels, roles, contrast and the like. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`,
  )
}
