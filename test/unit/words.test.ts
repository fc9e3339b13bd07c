import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MAX_WORD_LENGTH, wordsOf, wordsOfLog } from '../../src/connections/words.ts'

/** What a word is, written down a second time. */
const naiveWords = (text: string) => [
  ...new Set(
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+/gu),
  ),
]

it('texts of ASCII are cut as all others are', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'binary' })), (text) => {
      expect(wordsOf(text)).toEqual(naiveWords(text))
    }),
    { numRuns: 5_000 },
  )
})

it('long words are cut, between characters', () => {
  const long = 'x'.repeat(MAX_WORD_LENGTH + 1)
  const astral = '\u{20000}'.repeat(MAX_WORD_LENGTH + 1)
  expect(wordsOfLog({ error: { message: `${long} ${astral}` }, success: null })).toEqual([
    'x'.repeat(MAX_WORD_LENGTH),
    '\u{20000}'.repeat(MAX_WORD_LENGTH),
  ])
})
