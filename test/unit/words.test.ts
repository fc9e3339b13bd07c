import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_WORD_LENGTH, fold, wordsOf, wordsOfLog } from '../../src/connections/words.ts'
import { FULL_CASE_FOLDINGS, foldedByCharacter, standardFolding } from '../support/case-folding.ts'

/** Every character that this version of Unicode has. */
const CHARACTERS = Array.from({ length: 0x11_0000 }, (_, code) => String.fromCodePoint(code)).filter(
  (character) => /[^\p{Cn}\p{Cs}\p{Co}]/u.test(character),
)

const forms = new Map<string, string>()
/** {@link fold}, which takes its time for all of them. */
const formOf = (character: string): string => {
  const known = forms.get(character)
  if (known !== undefined) return known
  const form = fold(character)
  forms.set(character, form)
  return form
}

const codesOf = (text: string) => Array.from(text, (one) => one.codePointAt(0)?.toString(16)).join(' ')

/** Those for which something does not hold, in hexadecimal. */
const except = (holds: (character: string) => boolean) =>
  CHARACTERS.filter((character) => !holds(character)).map(codesOf)

describe('the form in which search compares texts', () => {
  it('is the same for every character in upper, lower and title case, and for itself', () => {
    expect(except((one) => formOf(formOf(one)) === formOf(one))).toEqual([])
    expect(except((one) => formOf(one.toUpperCase()) === formOf(one))).toEqual([])
    expect(except((one) => formOf(one.toLowerCase()) === formOf(one))).toEqual([])
    for (const letters of ['ǄǅǆǄ', 'ǇǈǉǇ', 'ǊǋǌǊ', 'ǱǲǳǱ', 'ᾼᾼᾳᾼ'])
      expect(new Set(Array.from(letters, fold)).size).toBe(1)
  })

  it('is the full case folding of Unicode for every character, with the Turkish letters as an i', () => {
    expect(FULL_CASE_FOLDINGS.size).toBe(104)
    expect(except((one) => formOf(one) === foldedByCharacter(one))).toEqual([])
    expect(except((one) => formOf(one) === formOf(standardFolding(one)))).toEqual([])
  })

  it('unites no two characters that the standard keeps apart, but for the Turkish letters', () => {
    const standard = (text: string) =>
      Array.from(text.normalize('NFKD'), standardFolding).join('').normalize('NFKD')
    const united = new Map<string, Set<string>>()
    for (const one of CHARACTERS) {
      const form = formOf(one)
      united.set(form, (united.get(form) ?? new Set()).add(standard(one)))
    }
    const tooMany = [...united].filter(([form, standards]) => form !== '' && standards.size > 1)
    expect(tooMany.map(([form, standards]) => [form, [...standards].sort()])).toEqual([
      ['i', ['i', 'i\u0307', 'ı']],
    ])
    expect(except((one) => formOf(one) !== '' || /\p{Variation_Selector}/u.test(one))).toEqual([])
  })

  it('agrees with regular expressions that ignore case about every pair of letters', () => {
    const pairs = CHARACTERS.flatMap((one) => [
      [one, one.toUpperCase()],
      [one, one.toLowerCase()],
      [one, fold(one)],
    ]).filter(([one, other]) => other !== one && Array.from(other ?? '').length === 1)
    const differing = pairs.filter(
      ([one = '', other = '']) =>
        new RegExp(`^\\u{${codesOf(one)}}$`, 'iu').test(other) !== (fold(one) === fold(other)) &&
        one.normalize('NFKD') === one,
    )
    expect(differing.map((pair) => pair.join(''))).toEqual(['ıI', 'ıi'])
  })

  it('begins with the form of every beginning of a text, in any case', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc
        .array(fc.constantFrom(...Array.from('ßẞσςΣıİiI\u0307éE\u0301ﬃǅᾳᾼΐŉ한하각ᏣꮳJ\u030Cǰ')))
        .map((all) => all.join('')),
    )
    const cased = fc.constantFrom(
      (text: string) => text,
      (text: string) => text.toUpperCase(),
      (text: string) => text.toLowerCase(),
      (text: string) => text.normalize('NFD'),
      (text: string) => text.normalize('NFC').toUpperCase(),
    )
    fc.assert(
      fc.property(texts, fc.nat(), cased, (text, cut, inCase) => {
        const characters = Array.from(text)
        const beginning = characters.slice(0, cut % (characters.length + 1)).join('')
        // Marks of one letter have an order of their own, so a letter cut between two of them may not begin itself.
        fc.pre(!/\p{M}\p{M}/u.test(text.normalize('NFKD')))
        expect(fold(text).startsWith(fold(inCase(beginning)))).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })

  it('is found in time that grows with the text, whatever marks pile up on a letter', () => {
    const marks = `i${'\u0301\u0307'.repeat(20_000)}`
    expect(fold(marks)).toBe(`i${'\u0301'.repeat(20_000)}`)
  })

  it.each([
    ['ibrahim', 'İbrahim'],
    ['IBRAHIM', 'İbrahim'],
    ['İBRAHİM', 'İbrahim'],
    ['ıbrahım', 'İbrahim'],
    ['istanbul', 'İSTANBUL'],
    ['YILDIZ', 'Yıldız'],
    ['yıldız', 'YILDIZ'],
    ['ΟΔΥΣ', 'ΟΔΥΣΣΕΥΣ'],
    ['οδυσ', 'Οδυσσεύς'],
    ['οδυσσευς', 'ΟΔΥΣΣΕΥΣ'],
    ['STRASSENFEST', 'Straßenfest'],
    ['STRAẞE', 'straße'],
    ['straß', 'STRASSE'],
    ['office', 'oﬃce'],
    ['OFF', 'oﬃce'],
    ['ᾼΔΩ', 'ᾳδω'],
    ['ΑΙΔ', 'ᾳδω'],
    ['ꭰꮃ', 'ᎠᎳ'],
    ['𐐨𐐩', '𐐀𐐁'],
    ['ивано', 'ИВАНОВ'],
    ['ＪＯＳＥ', 'josé'],
    ['JOSÉ', 'jose\u0301'],
    ['하', '한글'],
    ['葛城', '葛\u{E0100}城'],
    ['į', 'Į\u0307'],
  ])('makes %s begin %s', (beginning, word) => {
    expect(fold(word).startsWith(fold(beginning))).toBe(true)
  })

  it.each([
    ['josé', 'jose'],
    ['ёлка', 'елка'],
    ['σ', 'ο'],
    ['strase', 'straße'],
    ['ö', 'o'],
  ])('does not make %s begin %s', (beginning, word) => {
    expect(fold(word).startsWith(fold(beginning))).toBe(false)
  })
})

/** What a word is, written down a second time. */
const naiveWords = (text: string) => [
  ...new Set(foldedByCharacter(text).match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu)),
]

it('texts of ASCII are cut as all others are', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'binary' })), (text) => {
      expect(wordsOf(text)).toEqual(naiveWords(text))
    }),
    { numRuns: 5_000 },
  )
})

it('names of emoji only have no words, and texts without spaces are one word', () => {
  expect(wordsOf('❤\uFE0F 👩\u200D👩\u200D👧 🇩🇪')).toEqual([])
  expect(wordsOf('東京タワー旅行')).toEqual([fold('東京タワー旅行')])
})

it('long words are cut, between characters, after they have been folded', () => {
  const long = 'x'.repeat(MAX_WORD_LENGTH + 1)
  const astral = '\u{20000}'.repeat(MAX_WORD_LENGTH + 1)
  const sharp = 'ß'.repeat(MAX_WORD_LENGTH)
  expect(wordsOfLog({ error: { message: `${long} ${astral} ${sharp}` }, success: null })).toEqual([
    'x'.repeat(MAX_WORD_LENGTH),
    '\u{20000}'.repeat(MAX_WORD_LENGTH),
    's'.repeat(MAX_WORD_LENGTH),
  ])
})
