import { describe, expect, it } from 'vitest'
import { parseMetadata } from '../../src/connections/metadata.ts'

const parsed = (value: unknown) => parseMetadata(value, 'metadata', undefined)
const sentence = (value: unknown): string => {
  try {
    return JSON.stringify(parsed(value))
  } catch (error) {
    return (error as Error).message
  }
}

class Point {
  readonly x = 1
}

describe('metadata of a program', () => {
  it('is kept as JSON.stringify writes it', () => {
    const kept = {
      at: new Date(Date.UTC(2026, 0, 31)),
      ip: undefined,
      none: null,
      list: [undefined, 1, [new Date(0)]],
      point: new Point(),
      money: { toJSON: () => ({ amount: 5, at: new Date(0), gone: undefined }) },
      bytes: Buffer.from('ab'),
      'a b': { toJSON: 5 },
      bare: Object.assign(Object.create(null) as object, { a: -1.5 }),
    }
    expect(parsed(kept)).toEqual(JSON.parse(JSON.stringify(kept)))
    expect(parsed({ toJSON: () => ({ a: 1 }) })).toEqual({ a: 1 })
    expect(parsed({ ip: undefined })).toEqual({})
    expect(Object.keys(parsed(JSON.parse('{"__proto__":{"a":1}}')))).toEqual(['__proto__'])
  })

  it.each([
    ['a function', { f: () => 1 }, 'Expected `metadata.f` to be a value that JSON has, got a function.'],
    ['a symbol', { a: [Symbol('x')] }, 'Expected `metadata.a[0]` to be a value that JSON has, got a symbol.'],
    ['a bigint', { a: { n: 5n } }, 'Expected `metadata.a.n` to be a value that JSON has, got a bigint.'],
    ['NaN', { n: Number.NaN }, 'Expected `metadata.n` to be a finite number, got NaN.'],
    ['an infinity', { n: -Infinity }, 'Expected `metadata.n` to be a finite number, got -Infinity.'],
    [
      'an integer that may have lost digits',
      { ig_id: Number('17841405793187218345') },
      'Expected `metadata.ig_id` to be a number that keeps its digits (whole ones up to 9007199254740991) or text, got a number that does not.',
    ],
    ['a map', { m: new Map([[1, 2]]) }, 'Expected `metadata.m` to be a value that JSON has, got a Map.'],
    [
      'an error',
      { e: new TypeError('x') },
      'Expected `metadata.e` to be a value that JSON has, got a TypeError.',
    ],
    [
      'a promise',
      { p: Promise.resolve(1) },
      'Expected `metadata.p` to be a value that JSON has, got a Promise.',
    ],
    ['a boxed text', { s: Object('x') }, 'Expected `metadata.s` to be a value that JSON has, got a String.'],
    [
      'an invalid date',
      { at: new Date(Number.NaN) },
      'Expected `metadata.at` to be a value that JSON has, got an invalid date.',
    ],
    ['U+0000', { a: 's3cret\0' }, 'Expected `metadata.a` to be text without U+0000, got one at character 7.'],
    [
      'half of a character',
      { a: ['🙂\udc00'] },
      'Expected `metadata.a[0]` to be text without lone surrogates, got one at character 3.',
    ],
    [
      'U+0000 in a key',
      { a: { 's3cret\0': 1 } },
      'Expected each key of `metadata.a` to be text without U+0000, got one at character 7.',
    ],
    [
      'too much of it',
      { a: 'x'.repeat(16_384) },
      'Expected `metadata` to be an object of at most 16384 bytes as JSON, got a larger one.',
    ],
    ['a list', [1], 'Expected `metadata` to be a JSON object, got a list of 1.'],
  ])('is rejected with its own sentence for %s', (_, value, expected) => {
    expect(sentence(value)).toBe(expected)
  })

  it('is rejected for its depth where it is circular', () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    expect(sentence(circular)).toBe(
      'Expected `metadata` to be an object nested at most 10 deep, got a deeper one.',
    )
  })

  it('is not walked to its end where it is far too large', () => {
    let looked = 0
    const entry = {
      get value() {
        looked += 1
        return 'x'.repeat(1_000)
      },
    }
    expect(sentence({ entries: Array.from({ length: 100_000 }, () => entry) })).toBe(
      'Expected `metadata` to be an object of at most 16384 bytes as JSON, got a larger one.',
    )
    expect(looked).toBe(17)
  })
})
