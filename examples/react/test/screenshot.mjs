// Writes docs/react.png: the built page before the made-up logs of a fresh connlog.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { startDemo, startPreview } from './running.mjs'

const { CHROMIUM_PATH = '/usr/bin/chromium' } = process.env
const PICTURE = fileURLToPath(new URL('../../../docs/react.png', import.meta.url))

const folder = mkdtempSync(join(tmpdir(), 'connlog-react-'))
const demo = await startDemo(`file:${join(folder, 'connlog.db')}`)
const { origin, hash } = new URL(demo.url)
const preview = await startPreview(origin)
const browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: ['--no-sandbox'] })
try {
  const page = await browser.newPage({
    viewport: { width: 1200, height: 760 },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
  })
  await page.goto(`${preview.url}/${hash}`)
  await page.locator('.live[data-state=live]').waitFor()
  await page.locator('[aria-label=Logs][aria-busy=false] tbody tr').first().waitFor()
  await page.locator('.overview[aria-busy=false]').waitFor()
  await page.screenshot({ path: PICTURE, animations: 'disabled' })
} finally {
  await browser.close()
  await preview.stop()
  await demo.stop()
  rmSync(folder, { recursive: true })
}
