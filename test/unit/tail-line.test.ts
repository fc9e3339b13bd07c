import stringWidth from 'string-width'
import { expect, it } from 'vitest'
import { lineOf } from '../../src/cli/tail/line.ts'
import { createLines } from '../../src/cli/tail/lines.ts'
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

const plain = (log: Partial<ConnectionLog>, columns?: number) =>
  lineOf({ ...LOG, ...log }, { columns, isColoured: false })

const FAILED: Partial<ConnectionLog> = {
  userId: '66b2f4d19c3e5a7f10d84b2e',
  accountId: '6afb907b0d210cc7cb55099c',
  platform: 'tiktok',
  eventType: 'reconnect_failed',
  error: { code: 'rate_limited', message: 'Too many requests to the platform, try again later' },
}

it('is no wider than the terminal, whatever it is written in', () => {
  const logs = [
    LOG,
    { ...FAILED, error: { code: 'x' } },
    FAILED,
    { ...LOG, accountId: '👩‍👩‍👧'.repeat(20), userId: '漢'.repeat(20) },
  ]
  for (const log of logs) {
    for (let columns = 1; columns < 250; columns += 1)
      expect(stringWidth(plain(log, columns))).toBeLessThanOrEqual(columns)
  }
})

it('shows time, platform, event, code and the beginning of the message first on 80 columns', () => {
  expect(plain(FAILED, 80)).toBe(
    '21:53:33 tiktok         ✗ reconnect_failed rate_limited Too many…  acct …55099c',
  )
  expect(plain({}, 80)).toBe(
    '21:53:33 googlebusiness ✗ connect_failed   denied Доступ запрещён 漢字漢字 👩‍👩‍👧 ü…',
  )
  expect(plain({ ...FAILED, error: { code: 'token_exchange_failed', message: 'invalid_grant' } }, 80)).toBe(
    '21:53:33 tiktok         ✗ reconnect_failed token_exchange_failed invalid_grant',
  )
})

it('shortens ids to their ends where there is no room for them', () => {
  const error = { code: 'too_many' }
  expect(plain({ ...FAILED, error }, 80)).toBe(
    '21:53:33 tiktok         ✗ reconnect_failed too_many   acct …55099c  user …4b2e',
  )
  expect(plain({ ...FAILED, error, accountId: 'acct-1', userId: 'ada', profileId: 'p1' }, 90)).toBe(
    '21:53:33 tiktok         ✗ reconnect_failed too_many   acct acct-1  user ada  profile p1',
  )
})

it('shows the date, the message and the ids in full on a terminal that is wide enough, and where nothing says how wide it is', () => {
  const whole =
    '2026-11-26T21:53:33Z tiktok         ✗ reconnect_failed rate_limited Too many requests to the platform, try again later  acct 6afb907b0d210cc7cb55099c  user 66b2f4d19c3e5a7f10d84b2e'
  expect(plain(FAILED, whole.length)).toBe(whole)
  expect(plain(FAILED)).toBe(whole)
})

it('shows who was connected on a success, and marks a disconnect as neither', () => {
  expect(
    plain({ ...FAILED, eventType: 'connect_success', error: null, success: { username: 'ada' } }, 80),
  ).toBe('21:53:33 tiktok         ✓ connect_success  ada  acct …55099c  user …4b2e')
  expect(plain({ ...FAILED, eventType: 'disconnect', error: null }, 80)).toBe(
    '21:53:33 tiktok         - disconnect         acct …55099c  user …4b2e',
  )
})

it('is coloured by outcome', () => {
  const log = { ...LOG, error: { code: 'denied' } }
  expect(lineOf(log, { columns: 80, isColoured: true })).toBe(
    '\u001B[2m21:53:33\u001B[22m googlebusiness \u001B[31m✗ connect_failed  \u001B[39m \u001B[31mdenied\u001B[39m',
  )
})

it('says the day before the first log of another day where lines have no room for it', () => {
  const at = (createdAt: number) => ({ ...LOG, platform: 'x' as never, error: null, createdAt })
  const lines = createLines(Date.UTC(2026, 10, 27))
  const shown = [Date.UTC(2026, 10, 27, 1), Date.UTC(2026, 10, 26, 2), Date.UTC(2026, 10, 26, 3)]
    .map((ms) => lines(at(ms), { columns: 80, isColoured: false }))
    .join('')
  expect(shown).toBe(
    [
      '01:00:00 x              ✗ connect_failed',
      '2026-11-26',
      '02:00:00 x              ✗ connect_failed',
      '03:00:00 x              ✗ connect_failed',
      '',
    ].join('\n'),
  )
  expect(createLines(0)(at(Date.UTC(2026, 10, 27)), { columns: 200, isColoured: false })).toMatch(
    /^2026-11-27T/,
  )
})
