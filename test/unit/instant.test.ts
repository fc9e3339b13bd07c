import { describe, expect, it } from 'vitest'
import { formatShortInstant, instantExpected, parseInstant, toRfc3339 } from '../../src/kernel/instant.ts'

const read = (text: string) => {
  const ms = parseInstant(text)
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

describe('an instant of RFC 3339', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31t12:00:00z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.123456789z', '2026-01-31T12:00:00.123Z'],
    ['2026-01-31t12:00:00+01:00', '2026-01-31T11:00:00.000Z'],
    ['1990-12-31T23:59:60Z', '1990-12-31T23:59:59.999Z'],
    ['1990-12-31T15:59:60-08:00', '1990-12-31T23:59:59.999Z'],
    ['2026-06-30t23:59:60.5z', '2026-06-30T23:59:59.999Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('is read: %s', (text, instant) => {
    expect(read(text)).toBe(instant)
  })

  it.each([
    '2026-01-31T23:58:60Z',
    '2026-01-31T23:59:61Z',
    '2026-01-31T23:59:60+01:00',
    '2026-02-30T00:00:00Z',
    '2026-01-31 12:00:00Z',
    '2026-01-31T12:00:00',
    'T',
    '',
  ])('is something else: %s', (text) => {
    expect(read(text)).toBeUndefined()
    expect(instantExpected(text)).toBe(
      'an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z',
    )
  })

  it.each(['9999-12-31T23:59:59-05:00', '0000-06-01T00:00:00Z', '0001-01-01t00:00:00+00:01'])(
    'lies outside of the years that can be stored: %s',
    (text) => {
      expect(read(text)).toBeUndefined()
      expect(instantExpected(text)).toBe('an instant in the years 1 to 9999 of UTC')
    },
  )

  it('is written without a fraction where there is none', () => {
    expect(formatShortInstant(Date.UTC(2026, 0, 31))).toBe('2026-01-31T00:00:00Z')
    expect(formatShortInstant(Date.UTC(2026, 0, 31) + 5)).toBe('2026-01-31T00:00:00.005Z')
  })

  it.each([
    ['2026-01-31T12:00:00+0000', '2026-01-31T12:00:00+00:00'],
    ['2026-01-31T12:00:00.123-0730', '2026-01-31T12:00:00.123-07:30'],
    ['2026-01-31 12:00:00.123+00', '2026-01-31T12:00:00.123+00:00'],
    ['2026-01-31T12:00:00+01:00', '2026-01-31T12:00:00+01:00'],
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'],
    ['yesterday +0000', 'yesterday +0000'],
  ])('is rewritten from the notations of others: %s', (text, rewritten) => {
    expect(toRfc3339(text)).toBe(rewritten)
  })
})
