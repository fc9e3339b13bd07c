import { expect, it } from 'vitest'
import { backoffMs } from '../../src/kernel/backoff.ts'
import { askedWaitMs } from '../../src/late/patience.ts'

/** 2026-11-26T12:00:00Z, by our clock. */
const NOW_MS = Date.parse('2026-11-26T12:00:00Z')
const NOW_S = NOW_MS / 1_000
/** A server whose clock is ten minutes behind ours. */
const BEHIND = 'Thu, 26 Nov 2026 11:50:00 GMT'

it.each<[string, number, Record<string, string>, number | undefined]>([
  ['nothing', 200, {}, undefined],
  ['nothing of a refusal', 503, {}, undefined],
  ['seconds', 429, { 'retry-after': '7' }, 7_000],
  ['seconds, of a server that is overloaded', 503, { 'retry-after': '7' }, 7_000],
  ['an instant', 429, { 'retry-after': 'Thu, 26 Nov 2026 12:00:09 GMT' }, 9_000],
  [
    'an instant by its own clock',
    429,
    { 'retry-after': 'Thu, 26 Nov 2026 11:50:09 GMT', date: BEHIND },
    9_000,
  ],
  ['an instant that is over', 429, { 'retry-after': 'Thu, 26 Nov 2026 11:00:00 GMT' }, 0],
  ['what nobody can read', 429, { 'retry-after': 'soon' }, undefined],
  [
    'the reset where Retry-After cannot be read',
    429,
    { 'retry-after': 'soon', 'x-ratelimit-reset': `${NOW_S + 4}` },
    4_000,
  ],
  ['Retry-After before the reset', 429, { 'retry-after': '2', 'x-ratelimit-reset': `${NOW_S + 4}` }, 2_000],
  ['the reset of a spent limit', 429, { 'x-ratelimit-reset': `${NOW_S + 4}` }, 4_000],
  ['the reset by its own clock', 429, { 'x-ratelimit-reset': `${NOW_S - 596}`, date: BEHIND }, 4_000],
  ['a reset that is over', 429, { 'x-ratelimit-reset': `${NOW_S - 1}` }, undefined],
  [
    'the last of a limit',
    200,
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${NOW_S + 30}` },
    30_000,
  ],
  ['more of a limit', 200, { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': `${NOW_S + 30}` }, undefined],
  ['the last of a limit without a reset', 200, { 'x-ratelimit-remaining': '0' }, undefined],
  ['Retry-After of a good answer', 200, { 'retry-after': '7' }, undefined],
])('reads what a server asks for: %s', (_, status, headers, expected) => {
  expect(askedWaitMs(new Response(null, { status, headers }), NOW_MS)).toBe(expected)
})

it('waits twice as long after each try, up to a minute, and between half of it and all', () => {
  const tries = [1, 2, 3, 4, 5, 6, 7, 8]
  expect(tries.map((n) => backoffMs(n, 1))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
  ])
  expect(tries.map((n) => backoffMs(n, 0))).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})
