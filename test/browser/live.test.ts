import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OpenPage, describeWithChromium } from '../support/chromium.ts'
import { PROVIDERS } from '../support/databases.ts'
import { eventually, isForeign } from '../support/graphiql-page.ts'
import { type LiveExample, startLiveExample } from '../support/live-example.ts'

const SENTENCE = '#sentence'
const LIVE = 'Live'

/** A clock is stopped by a leap of so much, since it cannot be stopped at a time that is past. */
const LEAP_MS = 10_000

/** At most so long ago the page has heard of connlog. */
const HEARTBEAT_MS = 15_000

/** After so long a silence the page gives a connection up. */
const SILENCE_MS = 45_000

/** The accounts that the page shows, from the top, in one text. */
const accounts = async (page: Page): Promise<string> =>
  (await page.locator('#logs tr td:nth-child(5)').allInnerTexts()).join(' ')

const sentence = (page: Page): Promise<string> => page.locator(SENTENCE).innerText()

/** Numbers of successes, failures and disconnects. */
const counts = async (page: Page): Promise<string> =>
  (await page.locator('[id^=count-]').allInnerTexts()).join(' ')

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

/** Instants of a minute ago, in this order: two requests may come in one millisecond. */
const earlier = (order: number): string => new Date(Date.now() - 60_000 + order * 1_000).toISOString()

/** As the page is to show what was recorded in this order. */
const newestFirst = (recorded: readonly string[]): string => recorded.toReversed().join(' ')

/**
 * Opens the page and waits until it is live.
 * @param edit what of its script is written otherwise
 * @param isClockStopped whether its timers wait to be told how time goes on, once it is live
 */
async function open(
  openPage: OpenPage,
  live: LiveExample,
  edit: readonly [from: string, to: string][] = [],
  { isClockStopped = false } = {},
): Promise<Awaited<ReturnType<OpenPage>>> {
  const watched = await openPage()
  await watched.page.route(`${live.origin}/live.js`, async (route) => {
    const response = await route.fetch()
    let body = await response.text()
    for (const [from, to] of edit) {
      expect(body).toContain(from)
      body = body.replace(from, to)
    }
    await route.fulfill({ response, body })
  })
  if (isClockStopped) await watched.page.clock.install()
  await watched.page.goto(live.origin)
  await eventually(() => sentence(watched.page)).toBe(LIVE)
  if (!isClockStopped) return watched
  const now: number = await watched.page.evaluate('Date.now()')
  await watched.page.clock.pauseAt(now + LEAP_MS)
  return watched
}

describeWithChromium('the page of examples/live', (openPage) => {
  // What it shows does not depend on the database: feeds of both are compared elsewhere.
  describe.each(PROVIDERS.slice(0, 1))('on %s', (provider) => {
    let live: LiveExample
    beforeAll(async () => {
      live = await startLiveExample(provider)
    })
    afterAll(() => live.stop())

    it('shows what is stored, then what is recorded, counts it, and reaches no other host', async () => {
      const stored = names('stored-', 3)
      for (const [order, account] of stored.entries())
        await live.record(account, { createdAt: earlier(order) })
      const { page, requests, errors } = await open(openPage, live)
      await eventually(() => accounts(page)).toBe(newestFirst(stored))
      expect(await counts(page)).toBe('0 0 0')

      await live.record('new-0', { eventType: 'connect_failed', error: { code: 'oauth_denied' } })
      await live.record('new-1', { eventType: 'disconnect', platform: 'tiktok' })
      await live.record('new-2', { success: { username: 'ada' } })
      await eventually(() => accounts(page)).toBe(newestFirst([...stored, ...names('new-', 3)]))
      expect(await counts(page)).toBe('1 1 1')
      expect(await page.locator('#logs tr').nth(2).locator('td').allInnerTexts()).toEqual([
        expect.stringMatching(/\d/),
        'instagram',
        'connect failed',
        'u1',
        'new-0',
        'oauth_denied',
      ])
      expect(requests.filter((url) => isForeign(url, live.origin))).toEqual([])
      expect(errors).toEqual([])
    })

    it('shows markup as the text that it is', async () => {
      const { page, errors } = await open(openPage, live)
      const message = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
      await live.record('markup', { eventType: 'connect_failed', error: { code: '<b>', message } })
      const row = page.locator('#logs tr').first()
      await eventually(() => row.locator('td').last().innerText()).toBe(`<b> ${message}`)
      expect(await row.locator('img, script, b').count()).toBe(0)
      expect(await page.title()).toBe('Connection logs, live')
      expect(errors).toEqual([])
    })

    it('shows what the filters pick, of what is stored and of what comes', async () => {
      const stored = { platform: 'reddit', eventType: 'connect_failed', createdAt: earlier(0) }
      await live.record('reddit-0', stored)
      await live.record('reddit-1', { platform: 'reddit', createdAt: earlier(1) })
      const { page } = await open(openPage, live)
      await page.getByLabel('Platform').selectOption('reddit')
      await eventually(() => accounts(page)).toBe('reddit-1 reddit-0')
      await page.getByLabel('Status').selectOption('failed')
      await eventually(() => accounts(page)).toBe('reddit-0')
      await eventually(() => sentence(page)).toBe(LIVE)

      await live.record('reddit-2', { platform: 'reddit' })
      await live.record('other', { eventType: 'connect_failed' })
      await live.record('reddit-3', { platform: 'reddit', eventType: 'reconnect_failed' })
      await eventually(() => accounts(page)).toBe('reddit-3 reddit-0')
      expect(await counts(page)).toBe('0 1 0')
    })

    it('counts a log once, and shows it once, that is recorded between its cursor and its page', async () => {
      const watched = await openPage()
      const { page } = watched
      await page.route(`${live.origin}/graphql`, async (route) => {
        if (route.request().postData()?.includes('query Stored')) await live.record('between')
        await route.continue()
      })
      await page.goto(live.origin)
      await eventually(() => counts(page)).toBe('1 0 0')
      await live.record('after')
      await eventually(() => counts(page)).toBe('2 0 0')
      expect((await accounts(page)).split(' ').slice(0, 2)).toEqual(['after', 'between'])
      expect((await accounts(page)).split(' ').filter((account) => account === 'between')).toHaveLength(1)
    })

    it('shows everything once that is recorded while connlog is restarted and connections are cut', async () => {
      const { page } = await open(openPage, live)
      const before = await accounts(page)
      const recorded = names('storm-', 40)
      const record = async (from: number, to: number) => {
        for (const account of recorded.slice(from, to)) await live.record(account)
      }
      await record(0, 10)
      live.network.resetAll()
      await record(10, 20)
      await Promise.all([live.restart(), record(20, 30)])
      await record(30, 40)
      await live.record('last')
      await eventually(() => accounts(page)).toBe(`${newestFirst([...recorded, 'last'])} ${before}`.trim())
      expect(await counts(page)).toBe('41 0 0')
      expect(await sentence(page)).toBe(LIVE)
    })

    const spoilt: [what: string, edit: [string, string], shown: string][] = [
      ['all of it', ['', ''], 'd c b a'],
      ['less without a cursor', ['{ filter, after }, ', '{ filter }, '], 'd a'],
      ['some of it again with its first cursor', ['session.after = id\n', '\n'], 'd c b a a'],
    ]
    it.each(spoilt)('after a cut shows %s', async (what, edit, shown) => {
      const mark = (account: string) => `${what.replaceAll(' ', '-')}/${account}`
      const { page } = await open(openPage, live, [edit])
      const before = (await accounts(page)).length
      const added = async () => {
        const all = await accounts(page)
        return all.slice(0, all.length - before).trim()
      }
      await live.record(mark('a'))
      await eventually(added).toBe(mark('a'))

      await live.network.setMode('refuse')
      await eventually(() => sentence(page)).toMatch(/^Reconnecting: /)
      await live.record(mark('b'))
      await live.record(mark('c'))
      await live.network.setMode('pass')
      await eventually(() => sentence(page)).toBe(LIVE)
      await live.record(mark('d'))
      await eventually(added).toContain(mark('d'))
      expect(await added()).toBe(shown.split(' ').map(mark).join(' '))
    })

    it('keeps its place while it is paused', async () => {
      const { page } = await open(openPage, live)
      await page.getByRole('button', { name: 'Pause' }).press('Enter')
      await eventually(() => sentence(page)).toBe('Paused')
      await live.record('paused-0')
      await live.record('paused-1')
      const { page: other } = await open(openPage, live)
      expect(await accounts(other)).toContain('paused-1')
      expect(await accounts(page)).not.toContain('paused')
      await page.getByRole('button', { name: 'Resume' }).press('Enter')
      await eventually(() => counts(page)).toBe('2 0 0')
      expect((await accounts(page)).split(' ').slice(0, 2)).toEqual(['paused-1', 'paused-0'])
    })

    it('says how long it waits, longer each time, and waits no longer when told to', async () => {
      const { page } = await open(openPage, live, [], { isClockStopped: true })
      const countdown = () => page.locator('#countdown').innerText()
      await live.network.setMode('refuse')
      await eventually(countdown).toBe('Next try in 1 s')
      expect(await sentence(page)).toBe('Reconnecting: The connection broke.')
      await page.clock.runFor(1_000)
      await eventually(countdown).toBe('Next try in 2 s')
      expect(await sentence(page)).toBe('Reconnecting: connlog does not answer.')
      await page.clock.runFor(2_000)
      await eventually(countdown).toMatch(/^Next try in [34] s$/)

      await live.network.setMode('pass')
      await page.getByRole('button', { name: 'Reconnect now' }).press('Enter')
      await eventually(() => sentence(page)).toBe(LIVE)
      expect(await countdown()).toBe('')
    })

    it('comes back from a network that has gone silent', async () => {
      const { page } = await open(openPage, live, [], { isClockStopped: true })
      await live.network.setMode('blackhole')
      await live.record('in-silence')
      await page.clock.runFor(SILENCE_MS - LEAP_MS - HEARTBEAT_MS - 1_000)
      expect(await sentence(page)).toBe(LIVE)
      await page.clock.runFor(SILENCE_MS)
      await eventually(() => sentence(page)).toBe('Reconnecting: The connection broke.')
      await live.network.setMode('pass')
      await page.clock.resume()
      await eventually(() => counts(page)).toBe('1 0 0')
      expect((await accounts(page)).split(' ')[0]).toBe('in-silence')
    })

    it('keeps the last 100', async () => {
      const many = names('many-', 103)
      const { page } = await open(openPage, live)
      for (const account of many) await live.record(account)
      await eventually(() => accounts(page)).toBe(newestFirst(many.slice(3)))
      expect(await counts(page)).toBe('103 0 0')
    })

    it('fits a phone, dark or light, and stays a table', async () => {
      const { page } = await open(openPage, live)
      await page.setViewportSize({ width: 360, height: 740 })
      await live.record('a-long-account-of-a-phone-'.repeat(4))
      await eventually(() => accounts(page)).toContain('a-long-account-of-a-phone-')
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
      }
      expect(await page.getByRole('columnheader').count()).toBe(6)
      expect(await page.getByRole('row').first().getByRole('columnheader').allInnerTexts()).toEqual([
        'Time',
        'Platform',
        'Event',
        'User',
        'Account',
        'Details',
      ])
    })

    // The last one: the key is of no use after it.
    it('ends with the sentence when the key is revoked', async () => {
      const { page } = await open(openPage, live)
      await live.connlog('keys', 'revoke', live.keyId)
      await eventually(() => sentence(page)).toBe('Ended: Unauthorized')
      await page.getByRole('button', { name: 'Begin anew' }).click()
      await eventually(() => sentence(page)).toBe('Ended: Unauthorized')
    })
  })
})
