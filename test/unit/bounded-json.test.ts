import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundedJson } from '../../src/kernel/bounded-json.ts'
import { NEVER_YIELDS } from '../../src/kernel/yield-if-long.ts'

const MEBIBYTE = 1_048_576

/** Counts how often others could have had a turn. */
function createCounter() {
  const counter = { turns: 0, yieldIfLong: async () => void (counter.turns += 1) }
  return counter
}

async function joined(...given: Parameters<typeof boundedJson>): Promise<string | undefined> {
  const text = await boundedJson(...given)
  if (text) expect(Buffer.byteLength(text.pieces.join(''))).toBe(text.bytes)
  return text?.pieces.join('')
}

describe('JSON up to a number of bytes', () => {
  it('is what JSON.stringify writes, over 1,000 random values', async () => {
    const strange = fc.constantFrom<unknown>(
      undefined,
      new Date(0),
      new Date(Number.NaN),
      Number.NaN,
      -0,
      () => 1,
    )
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }),
      fc.array(fc.oneof(strange, fc.dictionary(fc.string(), strange))),
      fc.object({ withNullPrototype: true, withDate: true, maxDepth: 4 }),
    )
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const expected = JSON.stringify(value)
        const bytes = Buffer.byteLength(expected)
        expect(await joined(value, bytes, NEVER_YIELDS)).toBe(expected)
        expect(await boundedJson(value, bytes - 1, NEVER_YIELDS)).toBe(undefined)
      }),
      { numRuns: 1_000, seed: 20_261_201 },
    )
  })

  it('counts bytes and not characters', async () => {
    for (const text of [
      'é'.repeat(1_000),
      '😀'.repeat(1_000),
      '\u0001'.repeat(1_000),
      '\ud800'.repeat(1_000),
    ]) {
      const bytes = Buffer.byteLength(JSON.stringify([text]))
      expect(bytes).toBeGreaterThan(text.length)
      expect(await boundedJson([text], bytes - 1, NEVER_YIELDS)).toBe(undefined)
      expect(await joined([text], bytes, NEVER_YIELDS)).toBe(JSON.stringify([text]))
    }
  })

  it('lets others have a turn between pieces', async () => {
    const counter = createCounter()
    const list = Array.from({ length: 4_000 }, (_, n) => ({ n, text: 'x'.repeat(1_000) }))
    expect(await joined(list, 8 * MEBIBYTE, counter.yieldIfLong)).toBe(JSON.stringify(list))
    expect(counter.turns).toBeGreaterThan(5)
  })

  it('stops at the first piece too many, where JSON.stringify goes on to the end', async () => {
    const shared = { text: 'x'.repeat(100_000) }
    let reads = 0
    const list = Array.from({ length: 100 }, () => ({ toJSON: () => ((reads += 1), shared) }))
    expect(await boundedJson(list, MEBIBYTE, NEVER_YIELDS)).toBe(undefined)
    expect(reads).toBeLessThan(20)
    reads = 0
    JSON.stringify(list)
    expect(reads).toBe(100)
  })
})
