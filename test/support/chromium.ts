import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** The switches keep the browser from calling hosts of its own accord. */
export const SWITCHES = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A page and what was seen of it since it was opened. */
export interface WatchedPage {
  page: Page
  /** The address of every request, in order. */
  requests: string[]
  /** Errors on the console, errors that nothing caught, and requests that failed. */
  errors: string[]
}

/** Opens a page of a fresh profile; it is closed when its test ends. */
export type OpenPage = () => Promise<WatchedPage>

/** Where Chromium is: `CHROMIUM_PATH`, taken at its word, or one of the usual places. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env.CHROMIUM_PATH ?? PLACES.find((path) => existsSync(path))
}

/**
 * A suite that needs a browser. Where there is none it is skipped, and says so; with `CI` set it fails instead,
 * since there nobody would notice.
 */
export function describeWithChromium(name: string, suite: (openPage: OpenPage) => void): void {
  const executablePath = findChromium()
  if (executablePath === undefined) {
    const reason = 'needs Chromium: install it, or set CHROMIUM_PATH'
    describe(name, () => {
      // Skipped by name, since not everybody who runs the tests has a browser; a machine that counts the results has to,
      // and fails below.
      if (!process.env.CI) return it.skip(reason)
      it(reason, () => {
        throw new Error(`No Chromium at ${PLACES.join(', ')}, and CHROMIUM_PATH is not set.`)
      })
    })
    return
  }

  describe(name, () => {
    let browser: Browser

    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: SWITCHES })
    })
    afterEach(async () => {
      for (const context of browser.contexts()) await context.close()
    })
    afterAll(() => browser.close())

    suite(async () => {
      const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
      return watch(await context.newPage())
    })
  })
}

function watch(page: Page): WatchedPage {
  const requests: string[] = []
  const errors: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText
    // What the page itself gave up, by being left or reloaded or by ending a stream, has not failed.
    if (reason !== 'net::ERR_ABORTED') errors.push(`${request.url()}: ${reason}`)
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  return { page, requests, errors }
}
