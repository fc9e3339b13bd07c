import stringWidth from 'string-width'
import { expect, it } from 'vitest'
import { lineOf } from '../../src/cli/tail/line.ts'
import type { ConnectionLog } from '../../src/connections/event.ts'

const LOG: ConnectionLog = {
  id: 'id',
  userId: null,
  profileId: null,
  accountId: null,
  eventId: null,
  platform: 'googlebusiness',
  eventType: 'connect_failed',
  connectionMethod: 'oauth',
  success: null,
  error: { code: 'denied', message: 'Доступ запрещён 漢字漢字 👩‍👩‍👧 ünïcödé' },
  context: {},
  durationMs: null,
  metadata: null,
  createdAt: Date.UTC(2026, 10, 26, 21, 53, 33, 999),
}

const WHOLE =
  '2026-11-26T21:53:33Z googlebusiness connect_failed    no user denied: Доступ запрещён 漢字漢字 👩‍👩‍👧 ünïcödé'

it('is as wide as the terminal at most, whatever it is written in, and whole where it has room', () => {
  const width = stringWidth(WHOLE)
  expect(lineOf(LOG, { columns: undefined, isColoured: false })).toBe(WHOLE)
  expect(lineOf(LOG, { columns: width, isColoured: false })).toBe(WHOLE)
  for (let columns = 1; columns < width; columns += 1) {
    const line = lineOf(LOG, { columns, isColoured: false })
    expect(line.endsWith('…')).toBe(true)
    expect(WHOLE.startsWith(line.slice(0, -1))).toBe(true)
    // A wide character that has no room leaves a column.
    expect([columns, columns - 1]).toContain(stringWidth(line))
  }
})
