import type { Page } from 'playwright-core'
import { expect } from 'vitest'

/** Where GraphiQL shows the query, the headers and the response. */
export const QUERY = '.graphiql-query-editor'
export const HEADERS = '.graphiql-editor-tool .graphiql-editor:not(.hidden)'
export const RESPONSE = '.graphiql-response'

/** What an editor of Monaco shows. It draws spaces as U+00A0 and places lines absolutely, in any order. */
export async function textOf(page: Page, editor: string): Promise<string> {
  const lines = await page.locator(`${editor} .view-line`).evaluateAll((elements) =>
    elements
      .map((line) => ({ top: Number.parseFloat(line.style.top), text: line.textContent }))
      .sort((a, b) => a.top - b.top)
      .map((line) => line.text),
  )
  return lines.join('\n').replaceAll('\u00a0', ' ')
}

/** Waits for what the browser shows to become right; the time is only how long a broken page holds up the run. */
export const eventually = (read: () => Promise<string>) => expect.poll(read, { timeout: 30_000 })

/** Whether a request left the origin that served the page. */
export const isForeign = (url: string, origin: string) =>
  !url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url)
