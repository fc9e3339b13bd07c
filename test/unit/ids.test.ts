import { describe, expect, it } from 'vitest'
import { MINTED_ID_LENGTH, createIdMint, idTimeMs } from '../../src/kernel/ids.ts'
import { LATEST_MS, formatInstant, parseInstant } from '../../src/kernel/instant.ts'

describe('ids', () => {
  it('carry their instant, and sort as they were made', () => {
    const mint = createIdMint()
    const instants = [0, 1, 1_700_000_000_000, 1_700_000_000_000, 1_700_000_000_001, LATEST_MS]
    const ids = instants.map((ms) => mint(ms))
    expect(ids.map(idTimeMs)).toEqual(instants)
    expect([...ids].sort()).toEqual(ids)
    const sameMs = Array.from({ length: 10_000 }, () => mint(5))
    expect([...sameMs].sort()).toEqual(sameMs)
    expect(new Set(sameMs.map(({ length }) => length))).toEqual(new Set([MINTED_ID_LENGTH]))
  })

  it('are told from ids of others', () => {
    for (const id of [
      '',
      '675f1c0a9e2b5af0012ab34cd',
      '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
      'Z'.repeat(36),
    ])
      expect(idTimeMs(id)).toBe(undefined)
  })
})

describe('instants', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.1239Z', '2026-01-31T12:00:00.123Z'],
    ['2026-01-31T12:00:00+02:00', '2026-01-31T10:00:00.000Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ])('%s is read', (text, expected) => {
    expect(formatInstant(parseInstant(text) ?? Number.NaN)).toBe(expected)
  })

  it.each([
    '',
    '2026-01-31',
    '2026-01-31T12:00:00',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '1769860800000',
    ' 2026-01-31T12:00:00Z',
    '2026-01-31 12:00:00Z',
  ])('%s is refused', (text) => {
    expect(parseInstant(text)).toBe(undefined)
  })
})
