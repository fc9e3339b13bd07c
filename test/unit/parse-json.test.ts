import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnsafeNumber, parseJson, parseNumber } from '../../src/kernel/parse-json.ts'

const KEPT: readonly (readonly [text: string, value: number])[] = [
  ['0', 0],
  ['-0', -0],
  ['0.1', 0.1],
  ['1.50', 1.5],
  ['1e2', 100],
  ['1.5E+2', 150],
  ['0.10000000000000000000', 0.1],
  ['0.30000000000000004', 0.1 + 0.2],
  ['5e-324', 5e-324],
  ['0e999', 0],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ['-9007199254740991', -Number.MAX_SAFE_INTEGER],
  ['9.00719925474099100e15', Number.MAX_SAFE_INTEGER],
]
const UNSAFE = [
  '9007199254740992',
  '9007199254740993',
  '-9007199254740993',
  '17841405793187218345',
  '0.1234567890123456789',
  '123456789.123456789',
  '1e400',
  '-1e400',
  '1e-400',
  '1e21',
  '100000000000000000000.5',
]
/** Where a number may stand in JSON. */
const PLACES = [
  (number: string) => number,
  (number: string) => ` \n${number}\t`,
  (number: string) => `[${number}]`,
  (number: string) => `[1, ${number} ,"x"]`,
  (number: string) => `{"a":${number}}`,
  (number: string) => `{"a\\"":"\\\\","b": [{"__proto__":${number}}]}`,
]

/** Every number in a value, in order. */
function numbersOf(value: unknown): unknown[] {
  if (value instanceof UnsafeNumber || typeof value === 'number') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([, inner]) => numbersOf(inner))
}

describe('JSON with numbers', () => {
  it.each(KEPT)('is read as JSON.parse reads it where no digit is lost: %s', (text, value) => {
    for (const place of PLACES) {
      expect(parseJson(place(text))).toEqual(JSON.parse(place(text)))
      expect(numbersOf(parseJson(place(text)))).toContainEqual(value)
    }
    expect(parseNumber(text)).toBe(value)
  })

  it.each(UNSAFE)('keeps the digits of a number that a double would change: %s', (text) => {
    for (const place of PLACES)
      expect(numbersOf(parseJson(place(text)))).toContainEqual(new UnsafeNumber(text))
    expect(parseNumber(text)).toEqual(new UnsafeNumber(text))
  })

  it('leaves digits in texts and keys as they are', () => {
    const value = { '9007199254740993': ['9007199254740993', ': 9007199254740993', '\\" 1e400', '"[1e400'] }
    expect(parseJson(JSON.stringify(value))).toEqual(value)
    expect(parseJson(`[${JSON.stringify(value)},1e400]`)).toEqual([value, new UnsafeNumber('1e400')])
  })

  it.each([
    '{12345678901234567890:1}',
    '[1e400x]',
    '[01e400]',
    '[12345678901234567890,]',
    '"1e400',
    '[1e400',
  ])('throws what JSON.parse throws for text that is no JSON: %s', (text) => {
    const thrown = (parse: (text: string) => unknown): unknown => {
      try {
        return parse(text)
      } catch (error) {
        return error
      }
    }
    expect(thrown(parseJson)).toBeInstanceOf(SyntaxError)
    expect(thrown(parseJson)).toEqual(thrown(JSON.parse))
  })

  it('is what JSON.parse makes of it, whatever JSON it is, but for numbers beyond the safe ones', () => {
    const isUnsafe = (value: unknown) =>
      typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        const marked: unknown = JSON.parse(text, (_, value: unknown) =>
          isUnsafe(value) ? { digits: JSON.stringify(value) } : value,
        )
        expect(JSON.parse(JSON.stringify(parseJson(text), (_, value: unknown) => value))).toEqual(
          JSON.parse(JSON.stringify(marked), (_, value: unknown) =>
            typeof value === 'object' && value !== null && 'digits' in value ? value.digits : value,
          ),
        )
      }),
    )
  })

  it('may be as deep as it likes', () => {
    const depth = 200_000
    const value = parseJson(`${'['.repeat(depth)}1e400${']'.repeat(depth)}`)
    let inner = value
    while (Array.isArray(inner)) [inner] = inner as unknown[]
    expect(inner).toEqual(new UnsafeNumber('1e400'))
  })
})
